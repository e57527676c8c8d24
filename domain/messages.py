"""What the mall writes to a member about."""

from __future__ import annotations

from enum import StrEnum


class MessageEvent(StrEnum):
    """The occasions of a message."""

    ORDER_PAID = "ORDER_PAID"
    ORDER_SHIPPED = "ORDER_SHIPPED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    REFUND_CHANGED = "REFUND_CHANGED"
    GROUP_BUY_ENDED = "GROUP_BUY_ENDED"
    FLASH_SALE_STARTS = "FLASH_SALE_STARTS"
    COUPON_EXPIRING = "COUPON_EXPIRING"
    POINTS_EXPIRING = "POINTS_EXPIRING"
    TIER_CHANGED = "TIER_CHANGED"
    TIER_REVIEW_DUE = "TIER_REVIEW_DUE"
    CHECK_IN_REMINDER = "CHECK_IN_REMINDER"
