"""Points spent on something and given back: lots by earliest expiry (rules, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from models import database
from models.ids import new_id
from services import ledger
from services import rules as rule_versions
from services.ledger import InsufficientBalance

Source = tuple[SourceKind, UUID]


async def spendable(member_id: UUID, *, now: datetime) -> int:
    """Return what the member can spend now: lots past their instant don't count, job or no job."""
    return int(
        await database.fetch_value(
            f"SELECT coalesce(sum(remaining), 0) FROM points_lot WHERE {_SPENDABLE}", member_id, now
        )
    )


_SPENDABLE = """
    member_id = $1 AND NOT is_pending AND remaining > 0 AND written_off_at IS NULL
    AND expires_at > $2
"""


async def spend(
    member_id: UUID, points: int, *, reason: EntryReason, source: Source, now: datetime
) -> None:
    """Take points from the lots that expire first, inside the open transaction.

    Raises:
        InsufficientBalance: the lots hold less.
    """
    if points == 0:
        return
    lots = await database.fetch(
        f"""
        SELECT id, remaining FROM points_lot WHERE {_SPENDABLE}
        ORDER BY expires_at, id FOR UPDATE
        """,
        member_id,
        now,
    )
    uses = take(lots, points)
    if uses is None:
        raise InsufficientBalance(path=("pointsToSpend",))
    await database.execute(
        """
        WITH used AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS used (id, lot_id, points)
        ), taken AS (
            UPDATE points_lot SET remaining = remaining - used.points
            FROM used WHERE points_lot.id = used.lot_id
        )
        INSERT INTO points_lot_use
            (id, lot_id, source_kind, source_id, points, returned, created_at)
        SELECT id, lot_id, $4, $5, points, 0, $6 FROM used
        """,
        [new_id() for _ in uses],
        [lot_id for lot_id, _ in uses],
        [amount for _, amount in uses],
        source[0],
        source[1],
        now,
    )
    posting = Posting(
        debit=member_account(member_id, AccountKind.SPENDABLE),
        credit=system_account(AccountKind.REDEEMED),
        amount=points,
    )
    await ledger.post([posting], unit=Unit.POINTS, reason=reason, source=source, now=now)


def take(lots: Sequence[Any], points: int) -> list[tuple[UUID, int]] | None:
    """Share points out over lots in their order; None when they hold too little."""
    uses = []
    for lot in lots:
        amount = min(points, lot["remaining"])
        if amount:
            uses.append((lot["id"], amount))
        points -= amount
    return None if points else uses


async def give_back_all(
    member_id: UUID, *, spent_by: Source, reason: EntryReason, now: datetime
) -> int:
    """Put everything that a source spent back into its lots; returns how many points.

    A lot that has expired meanwhile comes back as a new lot with a short life. Once for each
    source: doing it again changes nothing.
    """
    uses = await database.fetch(
        """
        SELECT use.id, use.lot_id, use.points - use.returned AS points,
               lot.expires_at <= $3 OR lot.written_off_at IS NOT NULL AS has_expired
        FROM points_lot_use AS use JOIN points_lot AS lot ON lot.id = use.lot_id
        WHERE use.source_id = $1 AND use.source_kind = $2 AND use.returned < use.points
        ORDER BY lot.expires_at, lot.id
        FOR UPDATE OF lot, use
        """,
        spent_by[1],
        spent_by[0],
        now,
    )
    total: int = sum(use["points"] for use in uses)
    if not total:
        return 0
    posting = Posting(
        debit=system_account(AccountKind.REDEEMED),
        credit=member_account(member_id, AccountKind.SPENDABLE),
        amount=total,
    )
    await ledger.post([posting], unit=Unit.POINTS, reason=reason, source=spent_by, now=now)
    living = [use for use in uses if not use["has_expired"]]
    await database.execute(
        """
        WITH used AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS used (id, points)),
        closed AS (
            UPDATE points_lot_use AS use SET returned = use.returned + used.points
            FROM used WHERE use.id = used.id
        )
        UPDATE points_lot AS lot SET remaining = lot.remaining + back.points
        FROM unnest($3::uuid[], $4::bigint[]) AS back (id, points) WHERE lot.id = back.id
        """,
        [use["id"] for use in uses],
        [use["points"] for use in uses],
        [use["lot_id"] for use in living],
        [use["points"] for use in living],
    )
    late = sum(use["points"] for use in uses if use["has_expired"])
    if late:
        await _short_lot(member_id, late, reason=reason, source=spent_by, now=now)
    return total


async def _short_lot(
    member_id: UUID, points: int, *, reason: EntryReason, source: Source, now: datetime
) -> None:
    rules = (await rule_versions.in_force(now=now)).rules.points
    end = now + timedelta(days=rules.returned_lot_days)
    await _add_lot(member_id, points, reason=reason, source=source, expires_at=end, now=now)


async def _add_lot(
    member_id: UUID,
    points: int,
    *,
    reason: EntryReason,
    source: Source,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Write a lot; one without an expiry is pending."""
    await database.execute(
        """
        INSERT INTO points_lot (id, member_id, source_kind, source_id, reason, earned, remaining,
                                is_pending, expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7::timestamptz IS NULL, $7, $8)
        """,
        new_id(),
        member_id,
        source[0],
        source[1],
        reason,
        points,
        expires_at,
        now,
    )


async def grant(
    member_id: UUID,
    points: int,
    *,
    reason: EntryReason,
    source: Source,
    now: datetime,
    expires_at: datetime,
    issuer: AccountKind = AccountKind.ISSUED,
) -> bool:
    """Credit points that can be spent at once, with their lot; once for each source and reason."""
    posting = Posting(
        debit=system_account(issuer),
        credit=member_account(member_id, AccountKind.SPENDABLE),
        amount=points,
    )
    if not await ledger.post([posting], unit=Unit.POINTS, reason=reason, source=source, now=now):
        return False
    await _add_lot(member_id, points, reason=reason, source=source, expires_at=expires_at, now=now)
    return True


async def book_pending(
    member_id: UUID, points: int, *, reason: EntryReason, source: Source, now: datetime
) -> bool:
    """Book points that become spendable when their source is final, with their lot; once each."""
    if points == 0:
        return False
    posting = Posting(
        debit=system_account(AccountKind.ISSUED),
        credit=member_account(member_id, AccountKind.PENDING),
        amount=points,
    )
    if not await ledger.post([posting], unit=Unit.POINTS, reason=reason, source=source, now=now):
        return False
    await _add_lot(member_id, points, reason=reason, source=source, expires_at=None, now=now)
    return True
