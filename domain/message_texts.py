"""What messages say in words: a title and a body for each event, filled with its facts.

English is the key of the translation. A thing's English name stands under its word and `_en`.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.messages import MessageEvent

NAMED = ("tier", "coupon", "store", "product", "sale")
"""Facts that are names, which may have come in English as well."""

MESSAGE_TITLES: dict[MessageEvent, str] = {
    MessageEvent.ORDER_PAID: "Payment received",
    MessageEvent.ORDER_SHIPPED: "Your parcel is on its way",
    MessageEvent.READY_FOR_PICKUP: "Ready to be picked up",
    MessageEvent.REFUND_CHANGED: "News about your refund",
    MessageEvent.GROUP_BUY_ENDED: "A group buy has ended",
    MessageEvent.FLASH_SALE_STARTS: "A flash sale begins soon",
    MessageEvent.COUPON_EXPIRING: "A coupon ends soon",
    MessageEvent.POINTS_EXPIRING: "Points end soon",
    MessageEvent.TIER_CHANGED: "Your tier has changed",
    MessageEvent.TIER_REVIEW_DUE: "Your tier is reviewed soon",
    MessageEvent.CHECK_IN_REMINDER: "Check in today",
}

MESSAGE_BODIES: dict[MessageEvent, str] = {
    MessageEvent.ORDER_PAID: "We received {payable_fen} for order {order_no}.",
    MessageEvent.ORDER_SHIPPED: "Order {order_no} was shipped: {carrier}, {tracking_no}.",
    MessageEvent.READY_FOR_PICKUP: "Order {order_no} is ready for you at {store_en}.",
    MessageEvent.REFUND_CHANGED: "The refund of {amount_fen} for order {order_no} has changed.",
    MessageEvent.GROUP_BUY_ENDED: "The group buy of {product_en} has ended.",
    MessageEvent.FLASH_SALE_STARTS: "{sale_en} begins at {time}.",
    MessageEvent.COUPON_EXPIRING: "{coupon_en} can be used up to and including {day}.",
    MessageEvent.POINTS_EXPIRING: "{points} points can be spent up to and including {day}.",
    MessageEvent.TIER_CHANGED: "You are {tier_en} now.",
    MessageEvent.TIER_REVIEW_DUE: "To stay {tier_en} at the review of {day}, {growth} more growth"
    " is needed.",
    MessageEvent.CHECK_IN_REMINDER: "Your streak goes on when you check in today.",
}

BODIES_AT_ZERO: dict[MessageEvent, str] = {
    MessageEvent.TIER_REVIEW_DUE: "You have the growth that keeps you {tier_en} at the review of"
    " {day}.",
}
"""What is said instead where the fact `growth` is 0: nobody is asked for 0 more."""


def named_in_both(facts: Mapping[str, object]) -> dict[str, object]:
    """Return the facts with an English name for each name: its own one where none has come."""
    english = {f"{name}_en": facts[name] for name in NAMED if name in facts}
    return {**english, **facts}
