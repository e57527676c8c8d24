"""Due work of group buys: teams whose deadline has come, and the orders of those that failed.

A sweep never holds a team while it wants an order: it marks seats as due, and each order is
refunded by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.group_buys import TeamStatus
from domain.orders import OrderStatus, PaymentCaseKind
from domain.stock_gate import Freed
from models import database
from services import group_seats, payment_cases
from services.cancelling import Gate
from services.due_work import each, lease
from services.order_locks import lock_with_member
from services.reversal import Reversal, reverse

LOOK_AGAIN = timedelta(seconds=5)
"""When a team is looked at again that waits for orders under way."""

PATIENCE = timedelta(minutes=10)
"""How long after its deadline a team waits for them: their money may have come in time."""


async def end_due(*, now: datetime, limit: int = 50) -> int:
    """Fail teams whose deadline has come; returns how many were looked at.

    One whose held seats belong to orders that may have been paid waits until WeChat has said so.
    """
    rows = await lease("group_buy_team", "due_at", "row.expires_at", now=now, limit=limit)

    async def work(row: Any) -> None:
        await database.retrying(lambda: _end(row["id"], row["expires_at"], now))

    return await each("teams", rows, work)


async def _end(team_id: UUID, expires_at: datetime, now: datetime) -> None:
    async with database.in_transaction():
        status = await database.fetch_value(
            "SELECT status FROM group_buy_team WHERE id = $1 FOR UPDATE", team_id
        )
        if status != TeamStatus.FORMING:
            return  # It was completed, or given up, while we waited for the lock.
        if now < expires_at + PATIENCE and await _awaits_money(team_id):
            await database.execute(
                "UPDATE group_buy_team SET due_at = $2 WHERE id = $1", team_id, now + LOOK_AGAIN
            )
            return
        await database.execute(
            """
            WITH lapsed AS (DELETE FROM group_buy_seat WHERE team_id = $1 AND status = 'HELD'),
            due AS (
                UPDATE group_buy_seat SET refund_due_at = $2
                WHERE team_id = $1 AND status = 'PAID'
            )
            UPDATE group_buy_team SET status = 'FAILED', ended_at = $2, due_at = NULL WHERE id = $1
            """,
            team_id,
            now,
        )
        await group_seats.tell_ended(team_id, now=now)


async def _awaits_money(team_id: UUID) -> bool:
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM group_buy_seat WHERE team_id = $1 AND status = 'HELD')",
        team_id,
    )
    return found


async def refund_due(gate: Gate, *, now: datetime, limit: int = 50) -> int:
    """Refund orders of failed teams in full: money, points, coupon and stock; returns how many.

    The money is sent by the sweep over payment cases. Doing it twice changes nothing.
    """
    rows = await lease("group_buy_seat", "refund_due_at", "row.order_id", now=now, limit=limit)

    async def work(row: Any) -> None:
        freed = await database.retrying(lambda: _refund(row["id"], row["order_id"], now))
        await gate.free(freed)

    return await each("team_refunds", rows, work)


async def _refund(seat_id: UUID, order_id: UUID, now: datetime) -> Freed:
    freed = Freed()
    async with database.in_transaction():
        order = await lock_with_member(order_id)
        if order["status"] == OrderStatus.AWAITING_TEAM:
            await group_seats.give_up_newcomer(order_id)
            lines = await database.fetch(
                "SELECT id, quantity - refunded_quantity AS pieces FROM order_line"
                " WHERE order_id = $1",
                order_id,
            )
            done = await reverse(
                Reversal(
                    refund_id=seat_id,
                    order_id=order_id,
                    quantities={line["id"]: line["pieces"] for line in lines},
                    before_shipment=True,
                ),
                now=now,
            )
            await payment_cases.send_back(
                order_id,
                PaymentCaseKind.GROUP_BUY_FAILED,
                amount_fen=done.payable_fen,
                now=now,
            )
            freed = done.freed
        await database.execute(
            "UPDATE group_buy_seat SET refund_due_at = NULL WHERE id = $1", seat_id
        )
    return freed
