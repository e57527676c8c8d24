"""payOrder and refreshPayment: asking WeChat to let a member pay, and asking it what came of it.

Two transactions with the call between them: the first writes the attempt under the idempotency key,
the second what WeChat answered. A retry finds the attempt and asks WeChat by the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.errors import NotFound, WechatUnavailable
from domain.orders import DeliveryMethod, OrderStatus, PaymentMethod, PaymentStatus
from domain.payments import (
    FIRST_QUERY_AFTER,
    JSAPI_METHODS,
    LAST_CHECK_AFTER,
    OVER_STATES,
    PAID_STATES,
    AddressRequired,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentUnderWay,
    PrepayRequest,
    RefusalReason,
    SignedPayment,
    TradeState,
    WechatPayRefused,
    WechatRequired,
)
from models import database
from models.ids import new_id
from services import idempotency, settling
from services import rules as rule_versions
from services.payment_gateway import PaymentGateway

log = structlog.get_logger(__name__)

_ROUNDS = 3
"""A number that turns out closed at WeChat is replaced by a new one; more often means a fault."""


@dataclass(frozen=True, slots=True)
class PayOrder:
    """A member's wish to pay an order by a method."""

    member_id: UUID
    order_id: UUID
    method: PaymentMethod
    idempotency_key: str
    client_ip: str = ""

    @property
    def request(self) -> tuple[str, str]:
        """What the idempotency key is bound to; the address a request came from may change."""
        return (str(self.order_id), self.method.value)


@dataclass(frozen=True, slots=True)
class Payable:
    """What the client needs now: fields to hand to WeChat, or a URL to go to."""

    order_id: UUID
    signed: SignedPayment | None = None
    h5_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt under its number, as stored."""

    id: UUID
    out_trade_no: str
    amount_fen: int
    appid: str
    openid: str | None
    expires_at: datetime
    order_no: str


class _NothingToPay(Exception):
    """Such an order was paid as it was placed."""


class _AnotherIsOpen(Exception):
    """An attempt by another method or product must be closed before a new one may begin."""


async def pay_order(command: PayOrder, pay: PaymentGateway, *, now: datetime) -> Payable:
    """Make or find the attempt, ask WeChat for a prepay order, and sign it afresh.

    Raises:
        NotFound, OrderNotPayable, OrderAlreadyPaid, AddressRequired, WechatRequired,
        IdempotencyKeyReused: nothing was sent.
        WechatUnavailable: what WeChat did is unknown; the same call again asks by the same number.
    """
    appid = pay.appid_of(command.method)
    for _ in range(_ROUNDS):
        try:
            attempt = await database.retrying(lambda: _begin(command, appid, now=now))
        except _NothingToPay:
            return Payable(command.order_id)
        except _AnotherIsOpen:
            await _close_other_attempts(command, appid, pay, now=now)
            continue
        try:
            return await _prepay(command, attempt, pay, now=now)
        except WechatPayRefused as refused:
            await _after_refusal(attempt, refused, pay, now=now)
    raise WechatUnavailable


async def refresh_payment(
    order_id: UUID, member_id: UUID, pay: PaymentGateway, *, now: datetime
) -> None:
    """Ask WeChat about the order's open attempts and settle what was paid.

    Raises:
        NotFound: there is no such order of this member.
        WechatUnavailable: WeChat doesn't answer; the poller goes on asking.
    """
    status = await _status_of(order_id, member_id)
    if status is OrderStatus.AWAITING_PAYMENT:
        for attempt in await open_attempts(order_id):
            told = await pay.query(attempt["out_trade_no"])
            if told is not None:
                await settling.settle(told, mchid=pay.mchid, now=now)


async def open_attempts(order_id: UUID) -> list[Any]:
    """Return the attempts of an order that could still be paid at WeChat."""
    return await database.fetch(
        """
        SELECT id, out_trade_no, method, appid, payer_openid FROM payment
        WHERE order_id = $1 AND status IN ('STARTED', 'PREPAID') ORDER BY id
        """,
        order_id,
    )


async def close_attempt(attempt: Any, pay: PaymentGateway, *, now: datetime) -> None:
    """Make an attempt unpayable at WeChat, then in our book; a paid one settles its order instead.

    Raises:
        OrderAlreadyPaid: it was paid.
        PaymentUnderWay: the payer is entering a password.
        WechatUnavailable: its state is unknown, so it stays open.
    """
    told = await pay.query(attempt["out_trade_no"])
    if told is not None and told.state in PAID_STATES:
        await settling.settle(told, mchid=pay.mchid, now=now)
        raise OrderAlreadyPaid
    if told is not None and told.state is TradeState.USERPAYING:
        raise PaymentUnderWay(retry_after_seconds=5)
    if told is None or told.state not in OVER_STATES:
        await close_at_wechat(attempt["out_trade_no"], pay, now=now)
    await mark_closed(attempt["id"], now=now)


async def close_at_wechat(out_trade_no: str, pay: PaymentGateway, *, now: datetime) -> None:
    """Make a number unpayable at WeChat.

    Raises:
        OrderAlreadyPaid: it was paid, which is settled.
        WechatUnavailable: it may still be payable.
    """
    try:
        await pay.close(out_trade_no)
    except WechatPayRefused as refused:
        if refused.reason is RefusalReason.ALREADY_PAID:
            told = await pay.query(out_trade_no)
            if told is not None:
                await settling.settle(told, mchid=pay.mchid, now=now)
            raise OrderAlreadyPaid from refused
        if refused.reason not in (RefusalReason.CLOSED, RefusalReason.NOT_FOUND):
            raise WechatUnavailable from refused


async def mark_closed(payment_id: UUID, *, now: datetime) -> None:
    """Write that an attempt is closed; it is asked about once more, for what may have crossed."""
    await database.execute(
        """
        UPDATE payment SET status = 'CLOSED', query_due_at = $2, updated_at = $3
        WHERE id = $1 AND status IN ('STARTED', 'PREPAID')
        """,
        payment_id,
        now + LAST_CHECK_AFTER,
        now,
    )


async def _close_other_attempts(
    command: PayOrder, appid: str, pay: PaymentGateway, *, now: datetime
) -> None:
    """Close attempts by another method or product; none, if the wanted way isn't open either.

    Raises:
        WechatRequired, and what `close_attempt` raises.
    """
    if command.method in JSAPI_METHODS and not await _has_identity(command.member_id, appid):
        raise WechatRequired(path=("method",))
    for attempt in await open_attempts(command.order_id):
        if (attempt["method"], attempt["appid"]) != (command.method, appid):
            await close_attempt(attempt, pay, now=now)


async def _has_identity(member_id: UUID, appid: str) -> bool:
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM identity WHERE member_id = $1 AND appid = $2)",
        member_id,
        appid,
    )
    return found


async def _status_of(order_id: UUID, member_id: UUID) -> OrderStatus:
    status = await database.fetch_value(
        "SELECT status FROM sales_order WHERE id = $1 AND member_id = $2", order_id, member_id
    )
    if status is None:
        raise NotFound(thing="order", path=("orderId",))
    return OrderStatus(status)


async def _begin(command: PayOrder, appid: str, *, now: datetime) -> _Attempt:
    """Write the attempt under its key: the intent, before WeChat hears of it."""
    async with database.in_transaction():
        payment_id = new_id()
        claim = await idempotency.claim(
            command.member_id,
            "payOrder",
            command.idempotency_key,
            command.request,
            result_id=payment_id,
            now=now,
        )
        order = await _lock_payable(command, now=now)
        attempt = await _open_attempt(command, order, payment_id, appid, now=now)
        if claim.is_new and attempt.id != payment_id:
            await idempotency.settle(claim, attempt.id)
        return attempt


async def _lock_payable(command: PayOrder, *, now: datetime) -> Any:
    """Lock the order and check that it can be paid now."""
    order = await database.fetch_one(
        """
        SELECT id, status, delivery, payable_fen, pay_before, order_no,
               address_encrypted IS NULL AS has_no_address
        FROM sales_order WHERE id = $1 AND member_id = $2 FOR UPDATE
        """,
        command.order_id,
        command.member_id,
    )
    if order is None:
        raise NotFound(thing="order", path=("orderId",))
    if order["payable_fen"] == 0:
        raise _NothingToPay
    status = OrderStatus(order["status"])
    if status is not OrderStatus.AWAITING_PAYMENT:
        is_over = status in (OrderStatus.CANCELLED, OrderStatus.REFUNDED)
        raise OrderNotPayable(path=("orderId",)) if is_over else OrderAlreadyPaid(path=("orderId",))
    rules = (await rule_versions.in_force(now=now)).rules.orders
    if now > order["pay_before"] - timedelta(seconds=rules.last_seconds_without_payment):
        raise OrderNotPayable(path=("orderId",))
    if order["delivery"] == DeliveryMethod.EXPRESS and order["has_no_address"]:
        raise AddressRequired(path=("orderId",))
    return order


async def _open_attempt(
    command: PayOrder, order: Any, payment_id: UUID, appid: str, *, now: datetime
) -> _Attempt:
    """Find the open attempt of the locked order, or make one under this id.

    Raises:
        WechatRequired: JSAPI needs the payer's openid, and the member has none with this app.
        _AnotherIsOpen: the open one is by another method or product.
    """
    # A statement of its own after the lock: it sees what a rival began while we waited.
    row = await database.fetch_one(
        _OPEN_ATTEMPT,
        payment_id,
        order["id"],
        order["order_no"],
        command.method,
        appid,
        command.member_id,
        command.method in JSAPI_METHODS,
        order["payable_fen"],
        PaymentStatus.STARTED,
        now + FIRST_QUERY_AFTER,
        now,
    )
    if row is None:
        raise WechatRequired(path=("method",))
    if (row["method"], row["appid"]) != (command.method, appid):
        raise _AnotherIsOpen
    return _Attempt(
        id=row["id"],
        out_trade_no=row["out_trade_no"],
        amount_fen=row["amount_fen"],
        appid=row["appid"],
        openid=row["payer_openid"],
        expires_at=order["pay_before"],
        order_no=order["order_no"],
    )


_OPEN_ATTEMPT = """
WITH open AS (
    SELECT id, out_trade_no, method, appid, payer_openid, amount_fen
    FROM payment WHERE order_id = $2 AND status IN ('STARTED', 'PREPAID')
), facts AS (
    SELECT (SELECT openid FROM identity WHERE member_id = $6 AND appid = $5) AS openid,
           (SELECT count(*) FROM payment WHERE order_id = $2) AS attempts
), made AS (
    INSERT INTO payment (id, order_id, out_trade_no, method, appid, payer_openid, amount_fen,
                         status, query_due_at, queries, created_at, updated_at)
    SELECT $1, $2, $3::text || 'P' || facts.attempts + 1, $4, $5,
           CASE WHEN $7 THEN facts.openid END, $8, $9, $10, 0, $11, $11
    FROM facts
    WHERE NOT EXISTS (SELECT FROM open) AND (NOT $7 OR facts.openid IS NOT NULL)
    RETURNING id, out_trade_no, method, appid, payer_openid, amount_fen
)
SELECT * FROM open UNION ALL SELECT * FROM made
"""
"""The open attempt, else a new one under the order's next number; none without an openid ($7)."""


async def _prepay(
    command: PayOrder, attempt: _Attempt, pay: PaymentGateway, *, now: datetime
) -> Payable:
    request = PrepayRequest(
        out_trade_no=attempt.out_trade_no,
        description=f"订单 {attempt.order_no}",
        amount_fen=attempt.amount_fen,
        appid=attempt.appid,
        expires_at=attempt.expires_at,
        openid=attempt.openid,
        client_ip=command.client_ip,
    )
    if command.method in JSAPI_METHODS:
        prepay_id = await pay.prepay_jsapi(request)
        await _mark_prepaid(attempt.id, now=now, prepay_id=prepay_id)
        return Payable(command.order_id, signed=pay.sign(prepay_id, attempt.appid))
    h5_url = await pay.prepay_h5(request)
    await _mark_prepaid(attempt.id, now=now, h5_url=h5_url)
    return Payable(command.order_id, h5_url=h5_url)


async def _mark_prepaid(
    payment_id: UUID, *, now: datetime, prepay_id: str | None = None, h5_url: str | None = None
) -> None:
    """Write WeChat's answer.

    Raises:
        OrderAlreadyPaid: the news of its payment came before the answer.
        OrderNotPayable: the attempt was closed meanwhile; the client mustn't be sent to pay it.
    """
    written = await database.execute(
        """
        UPDATE payment SET status = 'PREPAID', prepay_id = $2, h5_url = $3, updated_at = $4
        WHERE id = $1 AND status IN ('STARTED', 'PREPAID')
        """,
        payment_id,
        prepay_id,
        h5_url,
        now,
    )
    if not written:
        status = await database.fetch_value("SELECT status FROM payment WHERE id = $1", payment_id)
        is_paid = status == PaymentStatus.SUCCEEDED
        raise (OrderAlreadyPaid if is_paid else OrderNotPayable)(path=("orderId",))


async def _after_refusal(
    attempt: _Attempt, refused: WechatPayRefused, pay: PaymentGateway, *, now: datetime
) -> None:
    """Act on a definite no: settle what was paid, retire a number that can't be used any more."""
    log.warning("prepay_refused", reason=refused.reason, code=refused.code)
    if refused.reason is RefusalReason.ALREADY_PAID:
        told = await pay.query(attempt.out_trade_no)
        if told is not None:
            await settling.settle(told, mchid=pay.mchid, now=now)
        raise OrderAlreadyPaid(path=("orderId",)) from refused
    if refused.reason not in (RefusalReason.CLOSED, RefusalReason.NUMBER_USED):
        raise WechatUnavailable from refused
    await mark_closed(attempt.id, now=now)
