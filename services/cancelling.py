"""Cancelling an unpaid order, by its member or because its time is up (rules, section 9).

The WeChat order is queried, then closed, then ours is cancelled and what it held given back. An
order that was never sent to WeChat needs no query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.errors import Conflict, NotFound
from domain.orders import CancelReason, OrderStatus
from domain.payments import OrderAlreadyPaid, OrderNotCancellable
from domain.stock_gate import Freed
from models import database
from services import idempotency, order_undoing
from services.paying import close_attempt, open_attempts
from services.payment_gateway import PaymentGateway

_ROUNDS = 3
"""A payment may begin while we close the one before; more often means a client gone wild."""


class Gate(Protocol):
    """What cancelling tells the stock gate."""

    async def free(self, freed: Freed) -> None:
        """Add pieces that are available again."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A member's wish to cancel an order; `note` is the reason in their words."""

    member_id: UUID
    order_id: UUID
    idempotency_key: str
    note: str | None = None


class _PaymentBegan(Exception):
    """A new attempt appeared after the others were closed."""


async def cancel_order(
    command: CancelOrder, pay: PaymentGateway, gate: Gate, *, now: datetime
) -> None:
    """Cancel a member's unpaid order; cancelling a cancelled one changes nothing.

    Raises:
        NotFound, OrderNotCancellable, IdempotencyKeyReused
        OrderNotCancellable: also when it turns out to be paid, which settles it.
        WechatUnavailable: the payment's state is unknown, so the order stays as it is.
    """
    idempotency.check_key(command.idempotency_key)
    status = await database.fetch_value(
        "SELECT status FROM sales_order WHERE id = $1 AND member_id = $2",
        command.order_id,
        command.member_id,
    )
    if status is None:
        raise NotFound(thing="order", path=("orderId",))
    if status == OrderStatus.AWAITING_PAYMENT:
        try:
            await cancel_unpaid(
                command.order_id, pay, gate, reason=CancelReason.MEMBER, now=now, command=command
            )
        except OrderAlreadyPaid as error:
            raise OrderNotCancellable(path=("orderId",)) from error
    elif status != OrderStatus.CANCELLED:
        raise OrderNotCancellable(path=("orderId",))


async def cancel_unpaid(
    order_id: UUID,
    pay: PaymentGateway,
    gate: Gate,
    *,
    reason: CancelReason,
    now: datetime,
    command: CancelOrder | None = None,
) -> None:
    """Close an order's attempts at WeChat, then cancel it and give back what it held.

    Raises:
        OrderAlreadyPaid: it turned out to be, which settled it, or was paid at this moment.
        PaymentUnderWay, WechatUnavailable, Conflict: it stays as it is.
    """
    for _ in range(_ROUNDS):
        for attempt in await open_attempts(order_id):
            await close_attempt(attempt, pay, now=now)
        try:
            freed = await database.retrying(lambda: _cancel(order_id, reason, command, now=now))
        except _PaymentBegan:
            continue
        await gate.free(freed)
        return
    raise Conflict(path=("orderId",), retry_after_seconds=5)


async def _cancel(
    order_id: UUID, reason: CancelReason, command: CancelOrder | None, *, now: datetime
) -> Freed:
    async with database.in_transaction():
        if command is not None:
            await _claim(command, now=now)
        order = await database.fetch_one(
            f"SELECT {order_undoing.COLUMNS} FROM sales_order AS o WHERE o.id = $1 FOR UPDATE",
            order_id,
        )
        if order is None or order["status"] == OrderStatus.CANCELLED:
            return Freed()  # A rival cancelled it while we waited for the lock.
        if order["status"] != OrderStatus.AWAITING_PAYMENT:
            raise OrderAlreadyPaid  # By an attempt that we had closed before.
        if await open_attempts(order_id):
            raise _PaymentBegan
        note = command.note if command else None
        return await order_undoing.undo(order, reason, now=now, note=note)


async def _claim(command: CancelOrder, *, now: datetime) -> None:
    await idempotency.claim(
        command.member_id,
        "cancelOrder",
        command.idempotency_key,
        (str(command.order_id), command.note),
        result_id=command.order_id,
        now=now,
    )
