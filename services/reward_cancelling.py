"""Cancelling a redemption: points, money and pieces come back exactly as they went.

Goods can be cancelled until they are shipped: an unpaid order is cancelled, a paid one refunded
whole. A coupon can be given back while nobody has used it; a code that was told can't.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import NotFound
from domain.ledger import EntryReason, SourceKind
from domain.orders import CancelReason, OrderStatus, PaymentCaseKind
from domain.payments import OrderAlreadyPaid
from domain.rewards import RedemptionNotCancellable, RedemptionStatus
from domain.stock_gate import Freed
from models import database
from services import coupons, idempotency, payment_cases, points, reward_stock
from services.cancelling import Gate, cancel_unpaid
from services.order_locks import lock_with_member
from services.payment_gateway import PaymentGateway
from services.reversal import Reversal, reverse

OPERATION = "cancelRedemption"
_UNSHIPPED = (OrderStatus.AWAITING_SHIPMENT, OrderStatus.AWAITING_PICKUP)
_OVER = (OrderStatus.CANCELLED, OrderStatus.REFUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRedemption:
    """A member's wish to have their points back."""

    member_id: UUID
    redemption_id: UUID
    idempotency_key: str


async def cancel(
    command: CancelRedemption, pay: PaymentGateway, gate: Gate, *, now: datetime
) -> None:
    """Cancel a redemption; cancelling a cancelled one changes nothing.

    Raises:
        NotFound, RedemptionNotCancellable, IdempotencyKeyReused
        WechatUnavailable: the payment's state is unknown, so everything stays as it is.
    """
    idempotency.check_key(command.idempotency_key)
    row = await _read(command)
    if row["order_id"] is None:
        if row["status"] != RedemptionStatus.CANCELLED:
            await database.retrying(lambda: _give_up_coupon(command, row, now))
        return
    if row["order_status"] == OrderStatus.AWAITING_PAYMENT:
        try:
            await cancel_unpaid(row["order_id"], pay, gate, reason=CancelReason.MEMBER, now=now)
        except OrderAlreadyPaid:  # At this moment, or all the time: then it is refunded.
            row = await _read(command)
        else:
            return
    if row["order_status"] not in _OVER:
        freed = await database.retrying(lambda: _refund_order(command, row, now))
        await gate.free(freed)


async def _read(command: CancelRedemption) -> Any:
    row = await database.fetch_one(
        """
        SELECT redemption.id, redemption.status, redemption.order_id, redemption.coupon_id,
               sales_order.status AS order_status
        FROM redemption LEFT JOIN sales_order ON sales_order.id = redemption.order_id
        WHERE redemption.id = $1 AND redemption.member_id = $2
        """,
        command.redemption_id,
        command.member_id,
    )
    if row is None:
        raise NotFound(thing="redemption", path=("redemptionId",))
    return row


async def _claim(command: CancelRedemption, now: datetime) -> bool:
    """Take the key; tells whether it is new."""
    claim = await idempotency.claim(
        command.member_id,
        OPERATION,
        command.idempotency_key,
        str(command.redemption_id),
        result_id=command.redemption_id,
        now=now,
    )
    return claim.is_new


async def _give_up_coupon(command: CancelRedemption, row: Any, now: datetime) -> None:
    """Give an unused coupon back for its points; a rival who did so first has done it for both."""
    async with database.in_transaction():
        if not await _claim(command, now):
            return
        coupon_ids = [row["coupon_id"]] if row["coupon_id"] else []
        if not await coupons.revoke(coupon_ids, unless_over_at=now):
            await _require_cancelled(row)
            return
        back = await reward_stock.uncount(command.redemption_id, cancelled_at=now)
        assert back is not None, "a coupon is revoked once, and with its redemption"
        await points.give_back_all(
            command.member_id,
            spent_by=(SourceKind.REDEMPTION, command.redemption_id),
            reason=EntryReason.REDEMPTION_RETURNED,
            now=now,
        )
        await reward_stock.put_back(back)


async def _require_cancelled(row: Any) -> None:
    status = await database.fetch_value("SELECT status FROM redemption WHERE id = $1", row["id"])
    if status != RedemptionStatus.CANCELLED:
        raise RedemptionNotCancellable(path=("redemptionId",))


async def _refund_order(command: CancelRedemption, row: Any, now: datetime) -> Freed:
    """Refund a paid order whole, before it is shipped; returns the pieces on the shelf again."""
    order_id: UUID = row["order_id"]
    async with database.in_transaction():
        if not await _claim(command, now):
            return Freed()
        order = await lock_with_member(order_id)
        if order["status"] in _OVER:
            return Freed()  # A rival cancelled it while we waited for the lock.
        line = await database.fetch_one(
            "SELECT id, quantity, refunded_quantity FROM order_line WHERE order_id = $1", order_id
        )
        assert line is not None, "an order has lines"
        is_untouched = not (line["refunded_quantity"] or order["refunds_open"])
        if order["status"] not in _UNSHIPPED or not is_untouched:
            raise RedemptionNotCancellable(path=("redemptionId",))
        done = await reverse(
            Reversal(
                refund_id=command.redemption_id,
                order_id=order_id,
                quantities={line["id"]: line["quantity"]},
                before_shipment=True,
            ),
            now=now,
        )
        await database.execute(
            "UPDATE redemption SET cancelled_at = $2 WHERE id = $1", command.redemption_id, now
        )
        await payment_cases.send_back(
            order_id,
            PaymentCaseKind.REDEMPTION_CANCELLED,
            amount_fen=done.payable_fen,
            now=now,
        )
        return done.freed
