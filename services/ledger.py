"""The book: the only code that writes entries and moves members' balances.

Debit is where an amount leaves, credit where it arrives: an entry's delta is negative on the debit
account and positive on the credit account, and each transaction sums to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.errors import DomainError, ErrorCode
from domain.ledger import (
    MEMBER_ACCOUNTS,
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
)
from models import database
from models.ids import new_id


class InsufficientBalance(DomainError):
    """A posting would take an account below zero; PostgreSQL refused it."""

    code = ErrorCode.INSUFFICIENT_POINTS
    message = "There are not enough points."


async def open_accounts(member_ids: Sequence[UUID], *, now: datetime) -> None:
    """Give members their accounts, in one statement; those that stand stay."""
    rows = [(member, kind, unit) for member in member_ids for kind, unit in MEMBER_ACCOUNTS.items()]
    await database.execute(
        """
        INSERT INTO ledger_account (id, member_id, kind, unit, balance, seq, created_at)
        SELECT account.*, 0, 0, $5
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS account
        ON CONFLICT DO NOTHING
        """,
        [member_account(member, kind) for member, kind, _ in rows],
        [member for member, _, _ in rows],
        [kind for _, kind, _ in rows],
        [unit for _, _, unit in rows],
        now,
    )


async def post(
    postings: Iterable[Posting],
    *,
    unit: Unit,
    reason: EntryReason,
    source: tuple[SourceKind, UUID],
    now: datetime,
    corrects: UUID | None = None,
) -> bool:
    """Write one transaction inside the open database transaction, in one statement.

    Members' accounts are locked in id order. The same source, reason and unit again is a no-op.

    Returns:
        Whether it was written now.

    Raises:
        InsufficientBalance: an account would fall below zero.
    """
    deltas: defaultdict[UUID, int] = defaultdict(int)
    for posting in postings:
        deltas[posting.debit] -= posting.amount
        deltas[posting.credit] += posting.amount
    moved = {account: delta for account, delta in deltas.items() if delta}
    if not moved:
        return False
    try:
        written = await database.fetch_value(
            _POST,
            new_id(),
            unit,
            reason,
            source[0],
            source[1],
            now,
            [new_id() for _ in moved],
            list(moved),
            list(moved.values()),
            corrects,
        )
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "ledger_account_balance_check":
            raise InsufficientBalance from error
        raise
    return bool(written)


_POST = """
WITH transaction AS (
    INSERT INTO ledger_transaction
        (id, unit, reason, source_kind, source_id, created_at, corrects_id)
    VALUES ($1, $2, $3, $4, $5, $6, $10)
    ON CONFLICT (source_kind, source_id, reason, unit) DO NOTHING
    RETURNING id
), wanted AS (
    SELECT line.entry_id, line.account_id, line.delta
    FROM transaction, unnest($7::uuid[], $8::uuid[], $9::bigint[])
        AS line (entry_id, account_id, delta)
), locked AS (
    SELECT account.id FROM ledger_account AS account
    JOIN wanted ON wanted.account_id = account.id
    WHERE account.member_id IS NOT NULL
    ORDER BY account.id
    FOR UPDATE OF account
), moved AS (
    UPDATE ledger_account AS account
    SET balance = account.balance + wanted.delta, seq = account.seq + 1
    FROM locked JOIN wanted ON wanted.account_id = locked.id
    WHERE account.id = locked.id
    RETURNING account.id, account.seq, account.balance
), entries AS (
    INSERT INTO ledger_entry (id, transaction_id, account_id, seq, delta, balance_after,
                              reason, source_kind, source_id, created_at)
    SELECT wanted.entry_id, transaction.id, wanted.account_id, moved.seq, wanted.delta,
           moved.balance, $3, $4, $5, $6
    FROM wanted CROSS JOIN transaction LEFT JOIN moved ON moved.id = wanted.account_id
    RETURNING 1
)
SELECT count(*) FROM entries
"""


async def balances(member_ids: Sequence[UUID]) -> dict[UUID, dict[AccountKind, int]]:
    """Return every account's stored balance of some members."""
    rows = await database.fetch(
        "SELECT member_id, kind, balance FROM ledger_account WHERE member_id = ANY($1)",
        list(member_ids),
    )
    found: dict[UUID, dict[AccountKind, int]] = {member_id: {} for member_id in member_ids}
    for row in rows:
        found[row["member_id"]][AccountKind(row["kind"])] = row["balance"]
    return found
