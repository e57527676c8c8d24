"""What WeChat says of a payment, and what follows from it (rules, section 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import DomainError, ErrorCode
from domain.orders import OrderStatus, PaymentCaseKind, PaymentMethod, PaymentStatus


class TradeState(StrEnum):
    """WeChat Pay's trade_state."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"


PAID_STATES = frozenset({TradeState.SUCCESS, TradeState.REFUND})
"""Money has come: REFUND is a paid transaction of which something went back."""

OVER_STATES = frozenset({TradeState.CLOSED, TradeState.REVOKED, TradeState.PAYERROR})
"""This number can't be paid any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A payment as WeChat tells it, by callback, query or bill; `amount_fen` is amount.total."""

    mchid: str
    appid: str
    out_trade_no: str
    state: TradeState
    transaction_id: str | None
    amount_fen: int | None
    currency: str | None
    paid_at: datetime | None


class RefundState(StrEnum):
    """WeChat Pay's refund status; UNKNOWN means ask again with the same number."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """A refund's news: `out_refund_no` is ours."""

    out_refund_no: str
    state: RefundState


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepayRequest:
    """What WeChat is asked to let a member pay; the same number is always asked for the same."""

    out_trade_no: str
    description: str
    amount_fen: int
    appid: str
    expires_at: datetime
    openid: str | None = None
    client_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """Money to send back: `total_fen` is what was paid, `refund_fen` what goes back of it."""

    out_refund_no: str
    out_trade_no: str
    refund_fen: int
    total_fen: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPayment:
    """What wx.requestPayment and WeixinJSBridge take."""

    app_id: str
    time_stamp: str
    nonce_str: str
    package: str
    sign_type: str
    pay_sign: str


class RefusalReason(StrEnum):
    """Why WeChat Pay said no, as far as we act on it."""

    ALREADY_PAID = "ALREADY_PAID"
    CLOSED = "CLOSED"
    NOT_FOUND = "NOT_FOUND"
    NUMBER_USED = "NUMBER_USED"
    NOT_ENOUGH = "NOT_ENOUGH"
    OTHER = "OTHER"


class WechatPayRefused(Exception):
    """WeChat Pay answered with a definite no; `code` is its word for it, for the log."""

    def __init__(self, reason: RefusalReason, code: str) -> None:
        super().__init__(f"{reason}: {code}")
        self.reason = reason
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """What our book says of an attempt and its order, under the order's lock.

    `amount_fen` is what the attempt asked for, `payable_fen` what the order costs now.
    """

    mchid: str
    appid: str
    out_trade_no: str
    amount_fen: int
    payable_fen: int
    payment_status: PaymentStatus
    order_status: OrderStatus


class Verdict(StrEnum):
    """What a paid transaction does to our book."""

    PAY = "PAY"
    KNOWN = "KNOWN"
    FOREIGN = "FOREIGN"


def judge(told: Transaction, ours: PaymentFacts) -> Verdict | PaymentCaseKind:
    """Decide what a paid transaction does: it pays, is known, isn't ours, or is a case."""
    assert told.state in PAID_STATES, "only money is judged"
    if (told.mchid, told.appid, told.out_trade_no) != (ours.mchid, ours.appid, ours.out_trade_no):
        return Verdict.FOREIGN
    if ours.payment_status is PaymentStatus.SUCCEEDED:
        return Verdict.KNOWN
    if told.amount_fen != ours.amount_fen or told.currency != "CNY":
        return PaymentCaseKind.AMOUNT_MISMATCH
    if ours.order_status is OrderStatus.AWAITING_PAYMENT:
        # A closed attempt may be of another amount: the address has changed since, and with it the
        # shipping.
        is_right = told.amount_fen == ours.payable_fen
        return Verdict.PAY if is_right else PaymentCaseKind.AMOUNT_MISMATCH
    if ours.order_status is OrderStatus.CANCELLED:
        return PaymentCaseKind.PAID_AFTER_CANCEL
    return PaymentCaseKind.PAID_TWICE


FIRST_QUERY_AFTER = timedelta(seconds=20)
"""A callback usually comes within a second or two of the payment."""

LAST_CHECK_AFTER = timedelta(minutes=10)
"""A closed number is asked about once more: a payment may have crossed the closing."""

LONGEST_QUERY_PAUSE = timedelta(minutes=5)


def next_query(queries: int) -> timedelta:
    """Return the pause before asking again: it doubles from 20 seconds to 5 minutes."""
    return min(FIRST_QUERY_AFTER * (1 << min(queries, 10)), LONGEST_QUERY_PAUSE)


def retry_pause(attempts: int) -> timedelta:
    """Return the pause before trying a failed piece of due work again: 5 seconds to 10 minutes."""
    return min(timedelta(seconds=5) * (1 << min(attempts, 10)), timedelta(minutes=10))


JSAPI_METHODS = frozenset(
    {PaymentMethod.WECHAT_MINI_PROGRAM, PaymentMethod.WECHAT_OFFICIAL_ACCOUNT}
)
"""Methods paid inside WeChat, by an openid of the product."""


class OrderNotPayable(DomainError):
    """The order does not await payment, or its time is up."""

    code = ErrorCode.ORDER_NOT_PAYABLE
    message = "This order can no longer be paid."


class OrderAlreadyPaid(DomainError):
    """The order has been paid."""

    code = ErrorCode.ORDER_ALREADY_PAID
    message = "This order is already paid."


class OrderNotCancellable(DomainError):
    """Only an order that awaits payment can be cancelled."""

    code = ErrorCode.ORDER_NOT_CANCELLABLE
    message = "This order can no longer be cancelled."


class PaymentUnderWay(DomainError):
    """The payer is entering a password right now."""

    code = ErrorCode.CONFLICT
    message = "A payment of this order is under way. Please wait a moment."


class WechatRequired(DomainError):
    """Paying this way needs an identity of that WeChat product."""

    code = ErrorCode.WECHAT_REQUIRED
    message = "Please open this page in WeChat and sign in to pay."


class AddressRequired(DomainError):
    """The order has no address yet."""

    code = ErrorCode.ADDRESS_REQUIRED
    message = "Please choose an address first."
