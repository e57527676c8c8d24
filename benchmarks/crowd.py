"""A crowd of members by COPY: accounts, points and consents for all, orders for some.

A million of them take a few minutes. The books hold: `mall verify` finds nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks import history, shop
from benchmarks.catalogue import Offer
from benchmarks.copying import Batch, copy
from domain.ledger import (
    MEMBER_ACCOUNTS,
    AccountKind,
    Unit,
    member_account,
    system_account,
)
from domain.rules import Rules
from models import database
from models.ids import new_id
from services import product_figures
from services.phones import PHONE
from settings import Settings
from wiring.ports import personal_data_of
from wiring.tokens import tokens_of

BUYERS = 25
"""Of so many members one has orders."""

READERS = 2_000
"""Whose pages are read, at most: members with orders, from all over the tables."""

_AT_A_TIME = 20_000
_FIRST_ORDER = 10_000_000
"""Beyond the numbers of the orders that are there already."""

_POINTS = 1_200
_COLUMNS = {
    "member": (
        "id", "member_no", "status", "nickname", "gender", "phone_encrypted", "phone_hash",
        "phone_verified_at", "invite_code", "joined_at", "tier_code", "tier_since",
        "tier_review_at", "lifetime_growth", "created_at", "updated_at",
    ),
    "consent": ("id", "member_id", "kind", "version", "given", "given_at"),
    "ledger_account": (
        "id", "member_id", "kind", "unit", "balance", "seq", "earned", "created_at",
    ),
    "ledger_transaction": ("id", "unit", "reason", "source_kind", "source_id", "created_at"),
    "ledger_entry": (
        "id", "transaction_id", "account_id", "seq", "delta", "balance_after", "reason",
        "source_kind", "source_id", "created_at",
    ),
    "points_lot": (
        "id", "member_id", "source_kind", "source_id", "reason", "earned", "remaining",
        "is_pending", "expires_at", "created_at",
    ),
}  # fmt: skip
"""In the order in which they are written: what refers to another comes after it."""

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Constants:
    """What is the same for every member."""

    now: datetime
    phone_encrypted: bytes
    tiers: tuple[str, ...]


async def fill(
    settings: Settings, offers: Sequence[Offer], members: int, say: Callable[[str], None]
) -> list[str]:
    """Add so many members to a filled shop; returns access tokens of some who have orders."""
    await database.connect(settings.postgres_url, statement_timeout_seconds=1_800)
    connection = await asyncpg.connect(**database.dsn(settings.postgres_url))
    try:
        # What refers to a row is written after it here: looking each one up would take longer
        # than writing it. No commit has to last.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET synchronous_commit = off")
        buyers = await write(settings, connection, offers, members, say)
        await history.count_stock(connection)
        await product_figures.rebuild()
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
        await database.close()
    return tokens(settings, buyers[:: max(1, len(buyers) // READERS)][:READERS])


async def write(
    settings: Settings,
    connection: asyncpg.Connection,
    offers: Sequence[Offer],
    members: int,
    say: Callable[[str], None],
) -> list[UUID]:
    """Write members and orders, some at a time; returns who has orders.

    While PostgreSQL writes some, the next are made in another thread.
    """
    phone = personal_data_of(settings).seal(b"13700000000", context=PHONE)
    constants = _Constants(datetime.now(UTC), phone, tuple(tier.code for tier in Rules().tiers))
    book = await shop.new_history(settings, offers)
    book.orders = _FIRST_ORDER
    buyers: list[UUID] = []

    def made(begin: int) -> list[Batch]:
        rows: Rows = {table: [] for table in _COLUMNS}
        for number in range(begin, min(begin + _AT_A_TIME, members)):
            member_id, tier_code = _add(rows, number, constants)
            if number % BUYERS == 0:
                buyers.append(member_id)
                book.add(member_id, tier_code, book.chance.randint(*shop.ORDERS))
        batches = [Batch.of(table, columns, rows[table]) for table, columns in _COLUMNS.items()]
        return batches + book.batches()

    began = time.monotonic()
    making = asyncio.create_task(asyncio.to_thread(made, 0))
    for begin in range(0, members, _AT_A_TIME):
        batches, done = await making, min(begin + _AT_A_TIME, members)
        if done < members:
            making = asyncio.create_task(asyncio.to_thread(made, done))
        await copy(connection, batches)
        if done % (5 * _AT_A_TIME) == 0 or done == members:
            say(f"  {done:,} members, {time.monotonic() - began:.0f} s")
    return buyers


def _add(rows: Rows, number: int, constants: _Constants) -> tuple[UUID, str]:
    member_id, now = new_id(), constants.now
    tier_code = constants.tiers[number % len(constants.tiers)]
    phone_hash = hashlib.sha256(b"%d" % number).digest()
    rows["member"].append(
        (
            *(member_id, f"C{number:011d}", "ACTIVE", f"会员 {number}", "UNKNOWN"),
            *(constants.phone_encrypted, phone_hash, now, f"C{number:09d}", now, tier_code),
            *(now, now + timedelta(days=200), 0, now, now),
        )
    )
    for kind in ("MEMBERSHIP", "PRIVACY"):
        rows["consent"].append((new_id(), member_id, kind, shop.AGREEMENT_VERSION, True, now))
    _grant(rows, member_id, expires_at=now + timedelta(days=10 + number % 300), now=now)
    return member_id, tier_code


def _grant(rows: Rows, member_id: UUID, *, expires_at: datetime, now: datetime) -> None:
    """Book points: both sides of a transaction, the account after it, and the lot."""
    transaction_id, source_id = new_id(), new_id()
    spendable = member_account(member_id, AccountKind.SPENDABLE)
    for kind, unit in MEMBER_ACCOUNTS.items():
        held = (_POINTS, 1, _POINTS) if kind is AccountKind.SPENDABLE else (0, 0, 0)
        rows["ledger_account"].append(
            (member_account(member_id, kind), member_id, kind.value, unit.value, *held, now)
        )
    what = ("ADJUSTMENT", "ADJUSTMENT", source_id)
    rows["ledger_transaction"].append((transaction_id, Unit.POINTS.value, *what, now))
    issued = system_account(AccountKind.ISSUED)
    rows["ledger_entry"] += (
        (new_id(), transaction_id, spendable, 1, _POINTS, _POINTS, *what, now),
        (new_id(), transaction_id, issued, None, -_POINTS, None, *what, now),
    )
    rows["points_lot"].append(
        (
            *(new_id(), member_id, "ADJUSTMENT", source_id, "ADJUSTMENT"),
            *(_POINTS, _POINTS, False, expires_at, now),
        )
    )


def tokens(settings: Settings, member_ids: Sequence[UUID]) -> list[str]:
    """Sign access tokens as a sign-in would."""
    signer, now = tokens_of(settings), datetime.now(UTC)
    return [signer.access_token(each, new_id(), now=now).text for each in member_ids]
