"""Points moved in one line, and what a member holds, for tests of the book."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from domain.ledger import AccountKind, EntryReason, Source, SourceKind
from models import database as db
from models.ids import new_id
from services import ledger, points
from services.points import Clawed
from tests.factories.shop import NOW

DAY = timedelta(days=1)


def a_refund() -> Source:
    """Return the source of a new refund."""
    return (SourceKind.REFUND, new_id())


def an_order() -> Source:
    """Return the source of a new order."""
    return (SourceKind.ORDER, new_id())


async def earn(
    member_id: UUID,
    amount: int,
    *,
    source: Source | None = None,
    days: float | None = None,
    now: datetime = NOW,
) -> Source:
    """Give points at once, for so many days or as the rules say; returns their source."""
    source = source or an_order()
    await points.grant(
        member_id,
        amount,
        reason=EntryReason.ORDER,
        source=source,
        now=now,
        expires_at=None if days is None else now + days * DAY,
    )
    return source


async def pend(member_id: UUID, amount: int, *, now: datetime = NOW) -> Source:
    """Book pending points of a new order; returns it."""
    source = an_order()
    await points.book_pending(member_id, amount, reason=EntryReason.ORDER, source=source, now=now)
    return source


async def spend(
    member_id: UUID, amount: int, *, source: Source | None = None, now: datetime = NOW
) -> Source:
    """Spend points on a new order; returns it."""
    source = source or an_order()

    async def once() -> None:
        async with db.in_transaction():
            await points.spend(
                member_id, amount, reason=EntryReason.ORDER_DEDUCTION, source=source, now=now
            )

    await db.retrying(once)
    return source


async def give_back(
    member_id: UUID,
    amount: int,
    spent_by: Source,
    *,
    source: Source | None = None,
    now: datetime = NOW,
) -> int:
    """Give points back by a refund, a new one if none is named."""
    return await points.give_back(
        member_id,
        amount,
        spent_by=spent_by,
        source=source or a_refund(),
        reason=EntryReason.ORDER_DEDUCTION_RETURNED,
        now=now,
    )


async def take_back(
    member_id: UUID,
    amount: int,
    earned_by: Source,
    *,
    source: Source | None = None,
    now: datetime = NOW,
) -> Clawed:
    """Take points back by a refund, a new one if none is named."""
    return await points.take_back(
        member_id,
        amount,
        earned_by=earned_by,
        source=source or a_refund(),
        reason=EntryReason.ORDER_RETURNED,
        now=now,
    )


async def held(member_id: UUID) -> dict[AccountKind, int]:
    """Return the balances that are not zero."""
    balances = (await ledger.balances([member_id]))[member_id]
    return {kind: balance for kind, balance in balances.items() if balance}


async def left(member_id: UUID) -> list[int]:
    """Return what the lots hold, what expires first coming first, and pending ones last."""
    rows = await db.fetch(
        "SELECT remaining FROM points_lot WHERE member_id = $1 ORDER BY expires_at, id", member_id
    )
    return [row["remaining"] for row in rows]
