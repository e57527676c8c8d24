"""Words and the state machine of orders and payments (rules, sections 9 and 10)."""

from __future__ import annotations

from enum import StrEnum


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
