"""The book: the only code that writes entries and moves members' balances.

Debit is where an amount leaves, credit where it arrives: an entry's delta is negative on the debit
account and positive on the credit account, and each transaction sums to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.errors import InsufficientPoints
from domain.ledger import (
    MEMBER_ACCOUNTS,
    AccountKind,
    EntryReason,
    Posting,
    Source,
    SourceKind,
    Unit,
    member_account,
)
from models import database
from models.ids import new_id


class InsufficientBalance(InsufficientPoints):
    """A posting would take an account below zero; PostgreSQL refused it."""


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


@dataclass(frozen=True, slots=True)
class BookEntry:
    """A transaction to be written: what moves, why, from which source and when it takes effect.

    With `counts_as_earned` what arrives at a member's account adds to all that they ever earned.
    """

    unit: Unit
    reason: EntryReason
    source: Source
    postings: tuple[Posting, ...]
    at: datetime
    counts_as_earned: bool = False
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Along:
    """What is written by the same statement as entries: CTEs that may read `transaction`.

    It holds the transactions that are written now, none where all of them stood in the book. The
    values' places are numbered from $13 on.
    """

    sql: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a member's accounts hold, under their lock."""

    spendable: int
    pending: int
    debt: int
    growth: int
    growth_pending: int
    growth_seq: int


async def lock_wallets(
    member_ids: Sequence[UUID], *, skip_locked: bool = False
) -> dict[UUID, Wallet]:
    """Lock all accounts of members in id order until the transaction ends; returns what they hold.

    The lock is the mutex of a member's points: whoever moves lots takes it first, and inside it
    lots need none of their own. With `skip_locked` members are left out whom another holds.
    """
    if skip_locked:
        member_ids = await _lock_first_accounts(member_ids)
    rows = await database.fetch(
        """
        SELECT member_id, kind, balance, seq FROM ledger_account WHERE member_id = ANY($1)
        ORDER BY id FOR UPDATE
        """,
        list(member_ids),
    )
    held: defaultdict[UUID, dict[str, asyncpg.Record]] = defaultdict(dict)
    for row in rows:
        held[row["member_id"]][row["kind"]] = row
    return {
        member_id: Wallet(
            spendable=accounts[AccountKind.SPENDABLE]["balance"],
            pending=accounts[AccountKind.PENDING]["balance"],
            debt=accounts[AccountKind.DEBT]["balance"],
            growth=accounts[AccountKind.GROWTH]["balance"],
            growth_pending=accounts[AccountKind.GROWTH_PENDING]["balance"],
            growth_seq=accounts[AccountKind.GROWTH]["seq"],
        )
        for member_id, accounts in held.items()
        if len(accounts) == len(MEMBER_ACCOUNTS)
    }


async def _lock_first_accounts(member_ids: Sequence[UUID]) -> list[UUID]:
    """Lock the account of each member that all take first, but for those of whom another holds it.

    Skipping account by account would leave us with some of a member's, whom somebody else waits
    for while we wait for theirs.
    """
    rows = await database.fetch(
        """
        SELECT account.member_id FROM unnest($1::uuid[]) AS wanted (member_id)
        CROSS JOIN LATERAL (
            SELECT id FROM ledger_account WHERE ledger_account.member_id = wanted.member_id
            ORDER BY id LIMIT 1
        ) AS first
        JOIN ledger_account AS account ON account.id = first.id
        FOR UPDATE OF account SKIP LOCKED
        """,
        list(member_ids),
    )
    return [row["member_id"] for row in rows]


async def lock_wallet(member_id: UUID) -> Wallet:
    """Lock one member's accounts until the transaction ends; returns what they hold."""
    return (await lock_wallets([member_id]))[member_id]


async def post(
    postings: Iterable[Posting],
    *,
    unit: Unit,
    reason: EntryReason,
    source: Source,
    now: datetime,
    corrects: UUID | None = None,
    counts_as_earned: bool = False,
) -> bool:
    """Write one transaction; nothing is written where nothing moves.

    Returns:
        Whether it was written now: the same source, reason and unit again is a no-op.

    Raises:
        InsufficientBalance: an account would fall below zero.
    """
    entry = BookEntry(unit, reason, source, tuple(postings), now, counts_as_earned, corrects)
    return bool(_deltas(entry)) and bool(await post_many([entry]))


async def post_many(
    entries: Sequence[BookEntry], *, along: Along | None = None
) -> frozenset[Source]:
    """Write transactions in their order inside the open database transaction, in one statement.

    Members' accounts are locked in id order; each entry's `seq` and `balance_after` go on from the
    one before. The same source, reason and unit again is a no-op. One that moves nothing is
    written without entries: it notes that its source has been seen to.

    Returns:
        The sources of what was written now.

    Raises:
        InsufficientBalance: an account would fall below zero.
    """
    if not entries:
        return frozenset()
    ids = [new_id() for _ in entries]
    lines = [
        (id_, account_id, delta, max(delta, 0) if entry.counts_as_earned else 0)
        for id_, entry in zip(ids, entries, strict=True)
        for account_id, delta in _deltas(entry).items()
    ]
    try:
        rows = await database.fetch(
            f"{_POST_MANY}{along.sql if along else ''}{_POSTED}",
            ids,
            [entry.unit for entry in entries],
            [entry.reason for entry in entries],
            [entry.source[0] for entry in entries],
            [entry.source[1] for entry in entries],
            [entry.at for entry in entries],
            [entry.corrects for entry in entries],
            [new_id() for _ in lines],
            [line[0] for line in lines],
            [line[1] for line in lines],
            [line[2] for line in lines],
            [line[3] for line in lines],
            *(along.values if along else ()),
        )
    except asyncpg.CheckViolationError as error:
        if error.constraint_name in _BELOW_ZERO:
            raise InsufficientBalance from error
        raise
    return frozenset((SourceKind(row["source_kind"]), row["source_id"]) for row in rows)


def _deltas(entry: BookEntry) -> dict[UUID, int]:
    """Return what each account of a transaction gains or loses."""
    deltas: defaultdict[UUID, int] = defaultdict(int)
    for posting in entry.postings:
        deltas[posting.debit] -= posting.amount
        deltas[posting.credit] += posting.amount
    return {account_id: delta for account_id, delta in deltas.items() if delta}


_BELOW_ZERO = ("ledger_account_balance_check", "ledger_entry_balance_check")

# `place` and `running` count within the statement, so that several entries of one account follow
# one another from where its row stood.
_POST_MANY = """
WITH transaction AS (
    INSERT INTO ledger_transaction
        (id, unit, reason, source_kind, source_id, created_at, corrects_id)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[],
                         $6::timestamptz[], $7::uuid[])
    ON CONFLICT (source_kind, source_id, reason, unit) DO NOTHING
    RETURNING id, unit, reason, source_kind, source_id, created_at
), wanted AS (
    SELECT line.entry_id, line.account_id, line.delta, line.earned, transaction.*,
           row_number() OVER account AS place, sum(line.delta) OVER account AS running
    FROM unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::bigint[], $12::bigint[])
        WITH ORDINALITY AS line (entry_id, transaction_id, account_id, delta, earned, place)
    JOIN transaction ON transaction.id = line.transaction_id
    WINDOW account AS (PARTITION BY line.account_id ORDER BY line.place)
), change AS (
    SELECT account_id, count(*) AS entries, sum(delta) AS delta, sum(earned) AS earned
    FROM wanted GROUP BY account_id
), locked AS (
    SELECT account.id FROM ledger_account AS account
    JOIN change ON change.account_id = account.id
    WHERE account.member_id IS NOT NULL
    ORDER BY account.id
    FOR UPDATE OF account
), moved AS (
    UPDATE ledger_account AS account
    SET balance = account.balance + change.delta, seq = account.seq + change.entries,
        earned = account.earned + change.earned
    FROM locked JOIN change ON change.account_id = locked.id
    WHERE account.id = locked.id
    RETURNING account.id, account.seq - change.entries AS seq,
              account.balance - change.delta AS balance
), entries AS (
    INSERT INTO ledger_entry (id, transaction_id, account_id, seq, delta, balance_after,
                              reason, source_kind, source_id, created_at)
    SELECT wanted.entry_id, wanted.id, wanted.account_id, moved.seq + wanted.place, wanted.delta,
           moved.balance + wanted.running, wanted.reason, wanted.source_kind, wanted.source_id,
           wanted.created_at
    FROM wanted LEFT JOIN moved ON moved.id = wanted.account_id
)"""
_POSTED = " SELECT source_kind, source_id FROM transaction"


async def is_booked(unit: Unit, reason: EntryReason, source: Source) -> bool:
    """Tell whether a source stands in the book for a reason."""
    return bool(
        await database.fetch_value(
            """
            SELECT EXISTS (
                SELECT FROM ledger_transaction
                WHERE source_kind = $1 AND source_id = $2 AND reason = $3 AND unit = $4
            )
            """,
            *source,
            reason,
            unit,
        )
    )


async def move_earned(from_id: UUID, to_id: UUID) -> None:
    """Add what one member ever earned to another's count; both wallets are locked."""
    await database.execute(
        """
        WITH given AS (
            SELECT earned FROM ledger_account WHERE id = $1
        ), emptied AS (
            UPDATE ledger_account SET earned = 0 WHERE id = $1
        )
        UPDATE ledger_account SET earned = ledger_account.earned + given.earned
        FROM given WHERE ledger_account.id = $2
        """,
        member_account(from_id, AccountKind.SPENDABLE),
        member_account(to_id, AccountKind.SPENDABLE),
    )


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
