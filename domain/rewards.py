"""Rewards: what points buy (docs/rules.md, section 1), and who may redeem one now."""

from __future__ import annotations

from enum import StrEnum


class RewardKind(StrEnum):
    """What a redemption brings: goods by an order, a coupon, or a code to be used elsewhere."""

    GOODS = "GOODS"
    COUPON = "COUPON"
    VIRTUAL = "VIRTUAL"


class RewardState(StrEnum):
    """Whether members may see a reward. What was redeemed of one that was withdrawn stands."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class RedemptionStatus(StrEnum):
    """Where a redemption stands: that of goods follows their order."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"
