"""Taking back what an order gave, and giving back what it took, when pieces of it are refunded.

Everything is the pieces' stored shares, so any sequence of partial refunds reverses exactly what
one refund of everything would (docs/rules.md, section 0). Money is computed here, and sent by
whoever asks for the refund.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import NotAllowed, NotFound
from domain.ledger import EntryReason, SourceKind
from domain.orders import PAID_STATUSES, OrderEventKind, OrderKind, OrderStatus
from domain.pricing import units_from_json
from domain.reversals import ReversalPlan, ReversibleLine, plan_reversal
from domain.stock_gate import Freed
from models import database
from services import (
    coupon_events,
    coupons,
    group_seats,
    growth,
    invitations,
    order_events,
    points,
    reward_stock,
    stock,
)
from services.order_locks import lock_with_member
from services.order_undoing import points_returned_reason
from services.reward_stock import Back


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """A refund of pieces by order line. `before_shipment`: these pieces never left the house."""

    refund_id: UUID
    order_id: UUID
    quantities: Mapping[UUID, int]
    before_shipment: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversed:
    """What a refund came to: money to pay back, in fen, and what else was reversed.

    `freed` is what is available again: tell the gate (`free`) after the commit. A repetition frees
    nothing.
    """

    goods_fen: int
    shipping_fen: int
    points_returned: int
    points_taken: int
    growth_taken: int
    coupon_returned: bool
    freed: Freed

    @property
    def payable_fen(self) -> int:
        """Return all the money to pay back."""
        return self.goods_fen + self.shipping_fen


async def reverse(reversal: Reversal, *, now: datetime) -> Reversed:
    """Reverse what pieces of a paid order brought, once for each refund id.

    A transaction of its own, or part of the open one.

    Raises:
        NotFound: there is no such order.
        NotAllowed: it isn't paid, is refunded wholly, or has a seat in a team that still forms.
        NothingLeftToRefund: so many pieces of a line are not left.
    """
    return await database.retrying(lambda: _reverse(reversal, now))


async def _reverse(reversal: Reversal, now: datetime) -> Reversed:
    async with database.in_transaction():
        order = await lock_with_member(reversal.order_id)
        if order is None:
            raise NotFound(thing="order", path=("orderId",))
        earlier = await database.fetch_one(_EARLIER, reversal.refund_id, reversal.order_id)
        if earlier is not None:
            return Reversed(**earlier, freed=Freed())
        if order["status"] not in PAID_STATUSES or not await _may_leave_its_team(order):
            raise NotAllowed(path=("orderId",))
        plan = plan_reversal(
            await _lines(reversal.order_id),
            reversal.quantities,
            before_shipment=reversal.before_shipment,
        )
        shipping_fen = order["shipping_fen"] if plan.is_unshipped else 0
        await _write_order(reversal, plan, shipping_fen, now)
        if order["team_id"] is not None and plan.stock:
            await group_seats.uncount(order, sum(plan.stock.values()))
        coupon_returned = await _reverse_coupons(order, plan, now)
        back = await _uncount_reward(order, plan)
        freed = Freed()
        if plan.stock:
            freed = await stock.give_back_sold(order["id"], order["member_id"], plan.stock, now=now)
        if plan.is_whole:
            # First of what touches points: it locks two wallets in their order.
            await invitations.take_back(reversal.order_id, now=now)
        await _reverse_points(reversal, order, plan, now)
        await _reverse_growth(reversal, order, plan, now)
        done = Reversed(
            goods_fen=plan.goods_fen,
            shipping_fen=shipping_fen,
            points_returned=plan.points_spent,
            points_taken=plan.points_earned,
            growth_taken=plan.growth_earned,
            coupon_returned=coupon_returned,
            freed=freed,
        )
        await _record(reversal, done, now)
        await reward_stock.put_back(back)
        return done


async def _may_leave_its_team(order: Any) -> bool:
    """Tell whether nobody waits for this order's seat: its team is complete, or has failed."""
    if order["status"] != OrderStatus.AWAITING_TEAM:
        return True
    return await group_seats.may_be_refunded(order["id"])


_EARLIER = """
SELECT goods_fen, shipping_fen, points_returned, points_taken, growth_taken, coupon_returned
FROM order_reversal WHERE id = $1 AND order_id = $2
"""


async def _lines(order_id: UUID) -> list[ReversibleLine]:
    rows = await database.fetch(
        """
        SELECT id, sku_id, quantity, refunded_quantity, withdrawn_quantity, units
        FROM order_line WHERE order_id = $1 ORDER BY position
        """,
        order_id,
    )
    return [
        ReversibleLine(
            id=row["id"],
            sku_id=row["sku_id"],
            quantity=row["quantity"],
            refunded_quantity=row["refunded_quantity"],
            withdrawn_quantity=row["withdrawn_quantity"],
            units=units_from_json(row["units"]),
        )
        for row in rows
    ]


async def _write_order(
    reversal: Reversal, plan: ReversalPlan, shipping_fen: int, now: datetime
) -> None:
    """Count the pieces and the money on the lines and the order; a whole refund ends the order."""
    await database.execute(
        """
        WITH lines AS (
            UPDATE order_line AS line
            SET refunded_quantity = line.refunded_quantity + part.pieces,
                withdrawn_quantity = line.withdrawn_quantity + CASE WHEN $5 THEN part.pieces
                                                                    ELSE 0 END,
                refunded_fen = line.refunded_fen + part.fen
            FROM unnest($2::uuid[], $3::int[], $4::bigint[]) AS part (id, pieces, fen)
            WHERE line.id = part.id
        )
        UPDATE sales_order
        SET refunded_fen = refunded_fen + $6,
            status = CASE WHEN $7 THEN 'REFUNDED' ELSE status END
        WHERE id = $1
        """,
        reversal.order_id,
        [part.line_id for part in plan.lines],
        [part.quantity for part in plan.lines],
        [part.shares.payable_fen for part in plan.lines],
        reversal.before_shipment,
        plan.goods_fen + shipping_fen,
        plan.is_whole,
    )
    if plan.is_whole:
        await order_events.add(reversal.order_id, OrderEventKind.REFUNDED, now)


async def _reverse_coupons(order: Any, plan: ReversalPlan, now: datetime) -> bool:
    """Give the order's coupons back, and take back what it brought, once nothing of it is left."""
    if not plan.is_whole:
        return False
    await coupon_events.take_back(order["id"])
    if not order["has_coupons"]:
        return False
    return await coupons.give_back(order["id"], before_shipment=plan.is_unshipped, now=now)


async def _uncount_reward(order: Any, plan: ReversalPlan) -> Back | None:
    """Take the pieces off what the member has of a reward; None where they redeemed none."""
    if order["kind"] != OrderKind.REDEMPTION:
        return None
    return await reward_stock.uncount_order(order["id"], sum(part.quantity for part in plan.lines))


async def _reverse_points(
    reversal: Reversal, order: Any, plan: ReversalPlan, now: datetime
) -> None:
    """Give spent points back first, which may repay debt; then take back what was earned."""
    source, refund = (SourceKind.ORDER, reversal.order_id), (SourceKind.REFUND, reversal.refund_id)
    if plan.points_spent:
        await points.give_back(
            order["member_id"],
            plan.points_spent,
            spent_by=source,
            source=refund,
            reason=points_returned_reason(OrderKind(order["kind"])),
            now=now,
        )
    await points.take_back(
        order["member_id"],
        plan.points_earned,
        earned_by=source,
        source=refund,
        reason=EntryReason.ORDER_RETURNED,
        now=now,
    )


async def _reverse_growth(
    reversal: Reversal, order: Any, plan: ReversalPlan, now: datetime
) -> None:
    """Take the pieces' growth back, from where it is: still to come, or credited."""
    if not plan.growth_earned:
        return
    source = (SourceKind.REFUND, reversal.refund_id)
    if order["finalized_at"] is None:
        await growth.take_pending_back(
            order["member_id"], plan.growth_earned, source=source, now=now
        )
    else:
        await growth.take_back(
            order["member_id"],
            plan.growth_earned,
            reason=EntryReason.ORDER_RETURNED,
            source=source,
            now=now,
            earned_by=(SourceKind.ORDER_FINALITY, reversal.order_id),
        )


async def _record(reversal: Reversal, done: Reversed, now: datetime) -> None:
    lines = [[str(line_id), pieces] for line_id, pieces in reversal.quantities.items()]
    await database.execute(
        """
        INSERT INTO order_reversal
            (id, order_id, lines, goods_fen, shipping_fen, points_returned, points_taken,
             growth_taken, coupon_returned, before_shipment, created_at)
        VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        reversal.refund_id,
        reversal.order_id,
        database.to_json(lines),
        done.goods_fen,
        done.shipping_fen,
        done.points_returned,
        done.points_taken,
        done.growth_taken,
        done.coupon_returned,
        reversal.before_shipment,
        now,
    )
