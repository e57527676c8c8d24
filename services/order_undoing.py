"""Undoing an unpaid order: it is cancelled, and everything it held goes back where it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.ledger import EntryReason, SourceKind
from domain.orders import CancelReason, OrderEventKind, OrderKind
from domain.stock_gate import Freed
from models import database
from services import coupons, group_seats, order_events, points, reward_stock, stock

COLUMNS = """o.id, o.member_id, o.kind, o.status, o.team_id, o.points_spent,
    EXISTS (SELECT FROM coupon WHERE coupon.order_id = o.id) AS has_coupons"""
"""What `undo` needs of an order `o`."""


async def undo(
    order: Any, reason: CancelReason, *, now: datetime, note: str | None = None
) -> Freed:
    """Cancel an order under its lock, while it awaits payment, and give back what it held.

    Returns:
        What to tell the gate of (`free`) after the commit.
    """
    moved = await database.execute(
        """
        UPDATE sales_order SET status = 'CANCELLED', cancelled_at = $2, cancel_reason = $3,
                               cancel_note = $4, timeout_due_at = NULL
        WHERE id = $1 AND status = 'AWAITING_PAYMENT'
        """,
        order["id"],
        now,
        reason,
        note,
    )
    assert moved == 1, "the order's lock is held and its status was read under it"
    if order["team_id"] is not None:
        await group_seats.release(order, now=now)
    if order["has_coupons"]:
        await coupons.release(order["id"], now=now)
    back = None
    if order["kind"] == OrderKind.REDEMPTION:
        back = await reward_stock.uncount_order(order["id"], cancelled_at=now)
    freed = await stock.give_back_reserved(order["id"], now=now)
    if order["points_spent"]:
        await points.give_back_all(
            order["member_id"],
            spent_by=(SourceKind.ORDER, order["id"]),
            reason=points_returned_reason(OrderKind(order["kind"])),
            now=now,
        )
    await reward_stock.put_back(back)
    await order_events.add(order["id"], OrderEventKind.CANCELLED, now)
    return freed


def points_returned_reason(kind: OrderKind) -> EntryReason:
    """Return why an order's points come back: they paid for a reward, or for a part of goods."""
    if kind is OrderKind.REDEMPTION:
        return EntryReason.REDEMPTION_RETURNED
    return EntryReason.ORDER_DEDUCTION_RETURNED
