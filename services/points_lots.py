"""The lots that points live in, read and written; who calls holds the member's wallet.

Only `services.points` and `services.points_expiry` move lots, together with the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.ledger import AccountKind, EntryReason, Source, member_account
from domain.points import Lot, LotPart, OwnLot, Return, Use
from models import database
from models.ids import new_id
from services.ledger import Along

LIVING = """
    member_id = $1 AND NOT is_pending AND remaining > 0 AND written_off_at IS NULL
    AND expires_at > $2
"""
"""A member's lots ($1) that can be spent at an instant ($2)."""


@dataclass(frozen=True, slots=True)
class NewLot:
    """Points that were earned together; without an expiry they are pending."""

    member_id: UUID
    points: int
    reason: EntryReason
    source: Source
    expires_at: datetime | None
    created_at: datetime


def adding(lots: Sequence[NewLot]) -> Along:
    """Return what writes lots along with their entries: those whose source is booked now."""
    return Along(
        """, lots AS (
            INSERT INTO points_lot (id, member_id, source_kind, source_id, reason, earned,
                                    remaining, is_pending, expires_at, created_at)
            SELECT lot.id, lot.member_id, lot.source_kind, lot.source_id, lot.reason, lot.points,
                   lot.points, lot.expires_at IS NULL, lot.expires_at, lot.created_at
            FROM unnest($13::uuid[], $14::uuid[], $15::text[], $16::uuid[], $17::text[],
                        $18::bigint[], $19::timestamptz[], $20::timestamptz[])
                AS lot (id, member_id, source_kind, source_id, reason, points, expires_at,
                        created_at)
            JOIN transaction USING (source_kind, source_id, reason)
            WHERE transaction.unit = 'POINTS'
        )""",
        (
            [new_id() for _ in lots],
            [lot.member_id for lot in lots],
            [lot.source[0] for lot in lots],
            [lot.source[1] for lot in lots],
            [lot.reason for lot in lots],
            [lot.points for lot in lots],
            [lot.expires_at for lot in lots],
            [lot.created_at for lot in lots],
        ),
    )


async def living(member_id: UUID, now: datetime) -> list[Lot]:
    """Return what can be spent, what expires first coming first."""
    rows = await database.fetch(
        f"SELECT id, remaining FROM points_lot WHERE {LIVING} ORDER BY expires_at, id",
        member_id,
        now,
    )
    return [Lot(row["id"], row["remaining"]) for row in rows]


async def lock_living(member_id: UUID, now: datetime) -> list[Lot]:
    """Lock the account that points are spent from; returns what can be, as `living` does."""
    account_id = member_account(member_id, AccountKind.SPENDABLE)
    rows = await database.fetch(_LOCK_LIVING, member_id, now, account_id)
    if not all(row["is_fresh"] for row in rows):
        return await living(member_id, now)
    return [Lot(row["id"], row["remaining"]) for row in rows if row["id"] is not None]


# Who waited for the lock has looked at the lots before it had it. Nobody moves living lots without
# an entry of the account, so its `seq` tells whether they are still what they were.
_LOCK_LIVING = f"""
WITH held AS MATERIALIZED (
    SELECT seq FROM ledger_account WHERE id = $3 FOR UPDATE
)
SELECT lot.id, lot.remaining, held.seq = looked_at.seq AS is_fresh
FROM held
JOIN ledger_account AS looked_at ON looked_at.id = $3
LEFT JOIN LATERAL (
    SELECT id, remaining, expires_at FROM points_lot WHERE {LIVING}
) AS lot ON true
ORDER BY lot.expires_at, lot.id
"""


def using(parts: Sequence[LotPart], *, source: Source, now: datetime) -> Along:
    """Return what takes points out of lots along with the entry of `source`, and records it."""
    return Along(
        """, used AS (
            SELECT used.* FROM unnest($13::uuid[], $14::uuid[], $15::bigint[])
                AS used (id, lot_id, points)
            WHERE EXISTS (SELECT FROM transaction)
        ), taken AS (
            UPDATE points_lot SET remaining = remaining - used.points
            FROM used WHERE points_lot.id = used.lot_id
        ), recorded AS (
            INSERT INTO points_lot_use
                (id, lot_id, source_kind, source_id, points, returned, created_at)
            SELECT id, lot_id, $16, $17, points, 0, $18 FROM used
        )""",
        (
            [new_id() for _ in parts],
            [part.lot_id for part in parts],
            [part.points for part in parts],
            source[0],
            source[1],
            now,
        ),
    )


async def take(parts: Sequence[LotPart]) -> None:
    """Take points out of lots for good: nothing will come back into them."""
    await database.execute(
        """
        UPDATE points_lot AS lot SET remaining = lot.remaining - taken.points
        FROM unnest($1::uuid[], $2::bigint[]) AS taken (id, points) WHERE lot.id = taken.id
        """,
        [part.lot_id for part in parts],
        [part.points for part in parts],
    )


async def uses_of(member_id: UUID, source: Source) -> list[Use]:
    """Return what a source took of a member's lots and has not got back."""
    rows = await database.fetch(
        """
        SELECT use.id, use.lot_id, use.points - use.returned AS points, lot.expires_at,
               lot.written_off_at IS NOT NULL AS is_written_off, lot.member_id
        FROM points_lot_use AS use JOIN points_lot AS lot ON lot.id = use.lot_id
        WHERE use.source_id = $1 AND use.source_kind = $2 AND use.returned < use.points
        """,
        source[1],
        source[0],
    )
    # A merge may have moved them: who calls holds what says whose they are, an order for example.
    assert all(row["member_id"] == member_id for row in rows), "the lots are another member's"
    return [Use(*row[:5]) for row in rows]


async def put_back(plan: Return) -> None:
    """Put points back into their living lots, and note it at what had taken them."""
    await database.execute(
        """
        WITH returned AS (
            UPDATE points_lot_use AS use SET returned = use.returned + back.points
            FROM unnest($1::uuid[], $2::bigint[]) AS back (id, points) WHERE use.id = back.id
        )
        UPDATE points_lot AS lot SET remaining = lot.remaining + back.points
        FROM unnest($3::uuid[], $4::bigint[]) AS back (id, points) WHERE lot.id = back.id
        """,
        [part.use_id for part in plan.uses],
        [part.points for part in plan.uses],
        [part.lot_id for part in plan.lots],
        [part.points for part in plan.lots],
    )


@dataclass(frozen=True, slots=True)
class EarnedLot:
    """The lot that a source earned: what is left, and what expired without being let go."""

    id: UUID
    reason: EntryReason
    is_pending: bool
    remaining: int
    expired: int
    has_ended: bool

    @property
    def own(self) -> OwnLot:
        """Return it as taking back sees it; what ended counts as expired, job or no job."""
        if self.has_ended:
            return OwnLot(self.id, 0, self.expired + self.remaining)
        return OwnLot(self.id, self.remaining, self.expired)


async def earned_by(member_id: UUID, source: Source, now: datetime) -> EarnedLot | None:
    """Return the lot that a source earned, None if it earned none."""
    row = await database.fetch_one(
        """
        SELECT id, reason, is_pending, remaining, expired - forgiven AS expired,
               coalesce(expires_at <= $4, false) AS has_ended
        FROM points_lot
        WHERE source_id = $1 AND source_kind = $2 AND member_id = $3
          AND reason NOT LIKE '%\\_RETURNED'
        """,
        source[1],
        source[0],
        member_id,
        now,
    )
    return None if row is None else EarnedLot(**{**row, "reason": EntryReason(row["reason"])})


async def shrink(lot_id: UUID, points: int) -> None:
    """Take points off a pending lot, as if they had not been earned."""
    await database.execute(
        "UPDATE points_lot SET earned = earned - $2, remaining = remaining - $2 WHERE id = $1",
        lot_id,
        points,
    )


async def forgive(lot_id: UUID, points: int) -> None:
    """Note that so many of a lot's expired points were let go."""
    await database.execute(
        "UPDATE points_lot SET forgiven = forgiven + $2 WHERE id = $1", lot_id, points
    )


async def open_pending(lot_id: UUID, expires_at: datetime) -> None:
    """Make a pending lot one that can be spent until an instant."""
    await database.execute(
        "UPDATE points_lot SET is_pending = false, expires_at = $2 WHERE id = $1",
        lot_id,
        expires_at,
    )


async def close_all(member_id: UUID, now: datetime) -> None:
    """End all of a member's lots: what could be spent expires, what was pending never came."""
    await database.execute(
        """
        UPDATE points_lot
        SET expired = CASE WHEN is_pending THEN expired ELSE expired + remaining END,
            earned = CASE WHEN is_pending THEN earned - remaining ELSE earned END,
            written_off_at = CASE WHEN is_pending THEN NULL ELSE $2::timestamptz END,
            remaining = 0
        WHERE member_id = $1 AND remaining > 0
        """,
        member_id,
        now,
    )
