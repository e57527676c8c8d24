"""Words and the state machine of orders and payments (rules, sections 9 and 10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.clock import business_day, end_of_business_day
from domain.rules import OrderRules


class OrderKind(StrEnum):
    """How an order came to be."""

    NORMAL = "NORMAL"
    FLASH_SALE = "FLASH_SALE"
    GROUP_BUY = "GROUP_BUY"
    REDEMPTION = "REDEMPTION"


class OrderStatus(StrEnum):
    """Where an order stands."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    AWAITING_TEAM = "AWAITING_TEAM"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    AWAITING_PICKUP = "AWAITING_PICKUP"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


class OrderAction(StrEnum):
    """What a member can do with an order."""

    PAY = "PAY"
    CANCEL = "CANCEL"
    CHANGE_ADDRESS = "CHANGE_ADDRESS"
    CONFIRM_RECEIPT = "CONFIRM_RECEIPT"
    REQUEST_REFUND = "REQUEST_REFUND"
    REVIEW = "REVIEW"
    REQUEST_INVOICE = "REQUEST_INVOICE"
    BUY_AGAIN = "BUY_AGAIN"
    SHARE_TEAM = "SHARE_TEAM"


class OrderEventKind(StrEnum):
    """A step on an order's timeline."""

    PLACED = "PLACED"
    PAID = "PAID"
    TEAM_COMPLETED = "TEAM_COMPLETED"
    SHIPPED = "SHIPPED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    PICKED_UP = "PICKED_UP"
    RECEIVED = "RECEIVED"
    CANCELLED = "CANCELLED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUNDED = "REFUNDED"
    COMPLETED = "COMPLETED"
    OTHER = "OTHER"


class DeliveryMethod(StrEnum):
    """How the goods reach the member."""

    EXPRESS = "EXPRESS"
    PICKUP = "PICKUP"


class PaymentMethod(StrEnum):
    """Where the member pays with WeChat Pay."""

    WECHAT_MINI_PROGRAM = "WECHAT_MINI_PROGRAM"
    WECHAT_OFFICIAL_ACCOUNT = "WECHAT_OFFICIAL_ACCOUNT"
    WECHAT_H5 = "WECHAT_H5"


class PaymentStatus(StrEnum):
    """One attempt at paying: STARTED is written before WeChat is asked."""

    STARTED = "STARTED"
    PREPAID = "PREPAID"
    SUCCEEDED = "SUCCEEDED"
    CLOSED = "CLOSED"


class PaymentCaseKind(StrEnum):
    """Money that came and can't pay for its order."""

    PAID_AFTER_CANCEL = "PAID_AFTER_CANCEL"
    PAID_TWICE = "PAID_TWICE"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    REDEMPTION_CANCELLED = "REDEMPTION_CANCELLED"
    """It did pay for its order, which its member cancelled before anything was shipped."""
    GROUP_BUY_FAILED = "GROUP_BUY_FAILED"
    """It did pay for its order, whose team didn't come together in time."""
    SEAT_LAPSED = "SEAT_LAPSED"
    """It came when its order's seat in a team was gone, and no other one was free."""


PAYS_BACK_AN_ORDER = frozenset(
    {PaymentCaseKind.REDEMPTION_CANCELLED, PaymentCaseKind.GROUP_BUY_FAILED}
)
"""Cases of money that did pay for its order: the order says of itself that it is refunded."""


class PaymentCaseStatus(StrEnum):
    """OPEN until its refund was accepted by WeChat, then until the money is back."""

    OPEN = "OPEN"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    ABNORMAL = "ABNORMAL"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    MEMBER = "MEMBER"
    TIMEOUT = "TIMEOUT"
    TEAM_FULL = "TEAM_FULL"
    """Its money came when its seat was gone, and every seat of the team had been taken."""
    TEAM_CLOSED = "TEAM_CLOSED"
    """Its money came when the team had failed."""
    TEAM_ALREADY_JOINED = "TEAM_ALREADY_JOINED"
    """Its money came when its member had another seat in the team."""


PAID_STATUSES = frozenset(
    {
        OrderStatus.AWAITING_TEAM,
        OrderStatus.AWAITING_SHIPMENT,
        OrderStatus.AWAITING_PICKUP,
        OrderStatus.SHIPPED,
        OrderStatus.COMPLETED,
    }
)
"""An order in one of these has been paid and not wholly refunded."""

MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.AWAITING_PAYMENT: frozenset(
        {
            OrderStatus.CANCELLED,
            OrderStatus.AWAITING_TEAM,
            OrderStatus.AWAITING_SHIPMENT,
            OrderStatus.AWAITING_PICKUP,
            OrderStatus.COMPLETED,
        }
    ),
    OrderStatus.AWAITING_TEAM: frozenset(
        {OrderStatus.AWAITING_SHIPMENT, OrderStatus.AWAITING_PICKUP, OrderStatus.REFUNDED}
    ),
    OrderStatus.AWAITING_SHIPMENT: frozenset({OrderStatus.SHIPPED, OrderStatus.REFUNDED}),
    OrderStatus.AWAITING_PICKUP: frozenset({OrderStatus.COMPLETED, OrderStatus.REFUNDED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.COMPLETED, OrderStatus.REFUNDED}),
    OrderStatus.COMPLETED: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}
"""The one table of allowed moves; writing one is `UPDATE … WHERE status = from`."""


def paid_status(delivery: DeliveryMethod) -> OrderStatus:
    """Return where an order goes once it is paid, and its team, if it has one, is complete."""
    if delivery is DeliveryMethod.PICKUP:
        return OrderStatus.AWAITING_PICKUP
    return OrderStatus.AWAITING_SHIPMENT


class OrderFacts(NamedTuple):
    """What an order's actions and deadlines depend on."""

    status: OrderStatus
    kind: OrderKind
    delivery: DeliveryMethod
    pay_before: datetime
    shipped_at: datetime | None = None
    received_at: datetime | None = None


ACTIONS: dict[OrderStatus, tuple[OrderAction, ...]] = {
    OrderStatus.AWAITING_PAYMENT: (
        OrderAction.PAY,
        OrderAction.CHANGE_ADDRESS,
        OrderAction.CANCEL,
    ),
    OrderStatus.AWAITING_TEAM: (OrderAction.SHARE_TEAM,),
    OrderStatus.AWAITING_SHIPMENT: (OrderAction.BUY_AGAIN,),
    OrderStatus.AWAITING_PICKUP: (OrderAction.BUY_AGAIN,),
    OrderStatus.SHIPPED: (OrderAction.BUY_AGAIN,),
    OrderStatus.COMPLETED: (OrderAction.BUY_AGAIN,),
    OrderStatus.CANCELLED: (OrderAction.BUY_AGAIN,),
    OrderStatus.REFUNDED: (OrderAction.BUY_AGAIN,),
}
"""What a member may do in each status, in the order it is shown; `actions_of` narrows it."""


def actions_of(order: OrderFacts, rules: OrderRules, *, now: datetime) -> list[OrderAction]:
    """Return what the member can do with the order now."""
    return [action for action in ACTIONS[order.status] if _is_open(action, order, rules, now)]


def _is_open(action: OrderAction, order: OrderFacts, rules: OrderRules, now: datetime) -> bool:
    if action is OrderAction.PAY:
        return now < last_payment_at(order.pay_before, rules)
    if action is OrderAction.CHANGE_ADDRESS:
        return order.delivery is DeliveryMethod.EXPRESS
    if action is OrderAction.BUY_AGAIN:
        return order.kind is OrderKind.NORMAL
    return True


def last_payment_at(pay_before: datetime, rules: OrderRules) -> datetime:
    """Return from when on paying is refused: WeChat needs time to tell us of it."""
    return pay_before - timedelta(seconds=rules.last_seconds_without_payment)


def auto_receipt_at(order: OrderFacts, rules: OrderRules) -> datetime | None:
    """Return when receipt is confirmed by itself; None unless the order is under way."""
    if order.status is not OrderStatus.SHIPPED or order.shipped_at is None:
        return None
    return order.shipped_at + timedelta(days=rules.auto_receipt_days)


def refundable_until(order: OrderFacts, rules: OrderRules) -> datetime | None:
    """Return when 七天无理由 ends: whole days from the day after receipt; None before receipt."""
    if order.status not in PAID_STATUSES or order.received_at is None:
        return None
    last_day = business_day(order.received_at) + timedelta(days=rules.no_reason_return_days)
    return end_of_business_day(last_day)


def is_refundable(order: OrderFacts, rules: OrderRules, *, now: datetime) -> bool:
    """Tell whether paid pieces can still be given back for no reason.

    Not while their team forms: the others count on the seat (rules, section 8).
    """
    if order.status is OrderStatus.AWAITING_TEAM:
        return False
    until = refundable_until(order, rules)
    return order.status in PAID_STATUSES and (until is None or now < until)


def final_at(received_at: datetime, rules: OrderRules) -> datetime:
    """Return when what an order earned becomes the member's, unless a refund is open then.

    That is when so many days after the day of receipt have ended (rules, section 1).
    """
    last_day = business_day(received_at) + timedelta(days=rules.final_after_days)
    return end_of_business_day(last_day)
