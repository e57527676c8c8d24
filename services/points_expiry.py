"""Points that end: lots past their instant are written off by an entry (docs/rules.md, section 1).

A balance never counts such a lot, however late this runs. The entry takes effect at the instant at
which the lot ended, so a run that comes days late writes what the runs of those days would have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.clock import business_day, end_of_business_day
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.messages import MessageEvent
from models import database
from services import ledger, messages
from services import rules as rule_versions
from services.ledger import BookEntry

LAST_REMINDER_DAYS = 3
"""How many days before their end points are told of for the second time."""

_REMINDERS = UUID("0197a9c5-0000-7000-8000-000000000000")
"""Of what a reminder tells: made from this, the last day, and how long before."""

_ALL = 1_000_000_000
_IS_DUE = "NOT is_pending AND remaining > 0 AND written_off_at IS NULL AND expires_at <= $2"


async def expire_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Write off about `limit` lots that have ended by then; returns how many, 0 when none is left.

    One transaction: who is killed in the middle has written nothing, and the next run goes on.
    Members whose points move at this moment are left for the next batch; only when all of them
    are does it wait for one.
    """

    async def batch() -> int:
        async with database.in_transaction():
            rows = await database.fetch(
                f"""
                SELECT DISTINCT member_id FROM (
                    SELECT member_id FROM points_lot WHERE {_IS_DUE}
                    ORDER BY expires_at, id LIMIT $1
                ) AS due
                """,
                limit,
                as_of,
            )
            if not rows:
                return 0
            member_ids = [row["member_id"] for row in rows]
            wallets = await ledger.lock_wallets(member_ids, skip_locked=True)
            if not wallets:
                wallets = await ledger.lock_wallets(member_ids[:1])
            return await write_off_due(list(wallets), as_of=as_of, limit=limit)

    return await database.retrying(batch)


async def write_off_due(member_ids: Sequence[UUID], *, as_of: datetime, limit: int = _ALL) -> int:
    """Write off what has ended of these members' lots; their wallets are locked.

    Lots of one member that end together make one entry, whatever the limit. Returns how many lots
    it was.
    """
    lots = await database.fetch(
        f"""
        SELECT id, member_id, expires_at, remaining FROM points_lot
        WHERE member_id = ANY($1) AND {_IS_DUE}
        ORDER BY expires_at, member_id FETCH FIRST $3 ROWS WITH TIES
        """,
        list(member_ids),
        as_of,
        limit,
    )
    groups: defaultdict[tuple[UUID, datetime], list[Any]] = defaultdict(list)
    for lot in lots:
        groups[lot["member_id"], lot["expires_at"]].append(lot)
    used = await _used(groups)
    await ledger.post_many(
        [
            _entry(member_id, expires_at, group, used)
            for (member_id, expires_at), group in groups.items()
        ]
    )
    return await database.execute(
        """
        UPDATE points_lot SET expired = expired + remaining, remaining = 0, written_off_at = $2
        WHERE id = ANY($1)
        """,
        [lot["id"] for lot in lots],
        as_of,
    )


def source_of(member_id: UUID, expires_at: datetime) -> UUID:
    """Return the source of what ends for a member at one instant."""
    return uuid5(member_id, expires_at.isoformat())


async def _used(groups: dict[tuple[UUID, datetime], list[Any]]) -> set[UUID]:
    """Return the sources that stand in the book: a lot came later, by a merge for example."""
    rows = await database.fetch(
        "SELECT source_id FROM ledger_transaction"
        " WHERE source_kind = 'LOT_EXPIRY' AND source_id = ANY($1)",
        [source_of(*key) for key in groups],
    )
    return {row["source_id"] for row in rows}


def _entry(member_id: UUID, expires_at: datetime, lots: list[Any], used: set[UUID]) -> BookEntry:
    source_id = source_of(member_id, expires_at)
    if source_id in used:
        source_id = lots[0]["id"]
    posting = Posting(
        debit=member_account(member_id, AccountKind.SPENDABLE),
        credit=system_account(AccountKind.EXPIRED),
        amount=sum(lot["remaining"] for lot in lots),
    )
    source = (SourceKind.LOT_EXPIRY, source_id)
    return BookEntry(Unit.POINTS, EntryReason.EXPIRY, source, (posting,), expires_at)


async def remind_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Tell members what ends soon: as early as the rules call it soon, and three days before.

    A message counts all that ends on one day of a member's. Returns about `limit`, how many were
    told; 0 when all have been.
    """
    rules = (await rule_versions.in_force(now=as_of)).rules.points
    told = 0
    for days in sorted({rules.expiring_soon_days, LAST_REMINDER_DAYS} - {0}, reverse=True):
        told += await _remind(days, as_of=as_of, limit=limit)
    return told


async def _remind(days: int, *, as_of: datetime, limit: int) -> int:
    """Tell of the points whose last day is the one before the day so many days from now."""
    last_day = business_day(as_of) + timedelta(days=days - 1)
    source_id = uuid5(_REMINDERS, f"{last_day} {days}")

    async def batch() -> int:
        async with database.in_transaction():
            ending = await _ending_on(last_day, source_id, limit)
            told = 0
            for points, member_ids in ending.items():
                told += await messages.tell(
                    member_ids,
                    MessageEvent.POINTS_EXPIRING,
                    source_id=source_id,
                    facts={"points": points, "day": last_day.isoformat()},
                    now=as_of,
                )
            return told

    return await database.retrying(batch)


async def _ending_on(last_day: date, source_id: UUID, limit: int) -> dict[int, list[UUID]]:
    """Return who has points that can be spent on a day for the last time, by how many.

    Only those who weren't told yet.
    """
    rows = await database.fetch(
        """
        SELECT lot.member_id, sum(lot.remaining)::bigint AS points
        FROM points_lot AS lot
        WHERE NOT lot.is_pending AND lot.remaining > 0 AND lot.written_off_at IS NULL
          AND lot.expires_at > $1 AND lot.expires_at <= $2
          AND NOT EXISTS (
              SELECT 1 FROM message
              WHERE message.member_id = lot.member_id AND message.source_id = $3
                AND message.event = 'POINTS_EXPIRING'
          )
        GROUP BY lot.member_id ORDER BY lot.member_id LIMIT $4
        """,
        end_of_business_day(last_day - timedelta(days=1)),
        end_of_business_day(last_day),
        source_id,
        limit,
    )
    ending: defaultdict[int, list[UUID]] = defaultdict(list)
    for row in rows:
        ending[row["points"]].append(row["member_id"])
    return dict(ending)
