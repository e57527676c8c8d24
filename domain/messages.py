"""What the mall writes to a member about, and the facts that each text is made from."""

from __future__ import annotations

from collections.abc import Mapping
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


FACTS: dict[MessageEvent, frozenset[str]] = {
    MessageEvent.ORDER_PAID: frozenset({"order_no", "payable_fen"}),
    MessageEvent.ORDER_SHIPPED: frozenset({"order_no", "carrier", "tracking_no"}),
    MessageEvent.READY_FOR_PICKUP: frozenset({"order_no", "store"}),
    MessageEvent.REFUND_CHANGED: frozenset({"order_no", "amount_fen"}),
    MessageEvent.GROUP_BUY_ENDED: frozenset({"product"}),
    MessageEvent.FLASH_SALE_STARTS: frozenset({"sale", "time"}),
    MessageEvent.COUPON_EXPIRING: frozenset({"coupon", "day"}),
    MessageEvent.POINTS_EXPIRING: frozenset({"points", "day"}),
    MessageEvent.TIER_CHANGED: frozenset({"tier"}),
    MessageEvent.TIER_REVIEW_DUE: frozenset({"tier", "growth", "day"}),
    MessageEvent.CHECK_IN_REMINDER: frozenset(),
}
"""What a message of an event has to know: plain values that JSON can hold.

A name may come in English too, under the same word and `_en`: it stands in for it in English. A day
is written as 2026-11-30; what ends in `_fen` is shown in yuan.
"""


def check_facts(event: MessageEvent, facts: Mapping[str, object]) -> None:
    """Make sure that a text can be made; a missing fact is our own mistake, never input."""
    missing = FACTS[event] - facts.keys()
    assert not missing, f"{event} has to say {', '.join(sorted(missing))}"
