"""Orders placed and paid through the services; what a test asserts of them stands in the test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.drafts import DraftLine, OrderDraft
from domain.orders import CancelReason, PaymentMethod, PaymentStatus
from domain.payments import TradeState, Transaction
from domain.stock_gate import Freed, GateAnswer, StockHold
from models import database
from models.ids import new_id
from models.orders import Payment
from services import settling
from services.cancelling import cancel_unpaid
from services.placing import PlaceOrder, place_order
from tests.factories.shop import DATA, NOW, SkuFacts

MCHID = "1900000001"
APPID = "wx-orders"
NO_WECHAT: Any = None
"""For orders without an attempt at paying: nothing is asked of WeChat."""


class OpenGate:
    """A stock gate that lets everything through: PostgreSQL decides."""

    async def hold(self, hold_id: str, quantities: Mapping[UUID, int]) -> StockHold:
        """Hold nothing."""
        return StockHold(hold_id, GateAnswer.UNAVAILABLE, dict(quantities))

    async def commit(self, hold: StockHold) -> None:
        """Do nothing."""

    async def release(self, hold: StockHold) -> None:
        """Do nothing."""

    async def free(self, freed: Freed) -> None:
        """Do nothing."""

    async def recount(self, sku_ids: Collection[UUID]) -> None:
        """Do nothing."""


def a_draft(*lines: tuple[SkuFacts, int], **choices: Any) -> OrderDraft:
    """Return a draft of these SKUs and quantities."""
    return OrderDraft(
        lines=tuple(DraftLine(sku_id=sku.id, quantity=quantity) for sku, quantity in lines),
        **choices,
    )


async def placed(
    member_id: UUID,
    *lines: tuple[SkuFacts, int],
    key: str | None = None,
    now: datetime = NOW,
    **choices: Any,
) -> UUID:
    """Place an order; `choices` are the draft's."""
    command = PlaceOrder(
        member_id=member_id,
        draft=a_draft(*lines, **choices),
        expected_payable_fen=None,
        remark=None,
        idempotency_key=key or str(new_id()),
    )
    return await place_order(command, OpenGate(), DATA, now=now)


async def a_payment(
    order_id: UUID, *, status: PaymentStatus = PaymentStatus.PREPAID, now: datetime = NOW
) -> Transaction:
    """Make an attempt at paying an order; returns what WeChat says once it is paid."""
    payable_fen = await database.fetch_value(
        "SELECT payable_fen FROM sales_order WHERE id = $1", order_id
    )
    payment_id = new_id()
    await Payment.create(
        id=payment_id,
        order_id=order_id,
        out_trade_no=payment_id.hex,
        method=PaymentMethod.WECHAT_MINI_PROGRAM,
        appid=APPID,
        amount_fen=payable_fen,
        status=status,
        created_at=now,
        updated_at=now,
    )
    return Transaction(
        mchid=MCHID,
        appid=APPID,
        out_trade_no=payment_id.hex,
        state=TradeState.SUCCESS,
        transaction_id=payment_id.hex,
        amount_fen=payable_fen,
        currency="CNY",
        paid_at=now,
    )


async def pay(order_id: UUID, *, now: datetime = NOW) -> settling.Outcome:
    """Have WeChat say that the order's payable has been paid."""
    return await settling.settle(await a_payment(order_id, now=now), mchid=MCHID, now=now)


async def bought(
    member_id: UUID, *lines: tuple[SkuFacts, int], now: datetime = NOW, **choices: Any
) -> UUID:
    """Place an order and pay it, by WeChat unless it costs nothing."""
    order_id = await placed(member_id, *lines, now=now, **choices)
    status = await database.fetch_value("SELECT status FROM sales_order WHERE id = $1", order_id)
    if status == "AWAITING_PAYMENT":
        assert await pay(order_id, now=now) is settling.Outcome.PAID
    return order_id


async def cancelled(order_id: UUID, *, now: datetime = NOW) -> None:
    """Cancel an order that was never sent to WeChat: its time is up."""
    await cancel_unpaid(order_id, NO_WECHAT, OpenGate(), reason=CancelReason.TIMEOUT, now=now)


async def lines_of(order_id: UUID) -> list[UUID]:
    """Return the ids of an order's lines in their order."""
    rows = await database.fetch(
        "SELECT id FROM order_line WHERE order_id = $1 ORDER BY position", order_id
    )
    return [row["id"] for row in rows]
