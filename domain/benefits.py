"""What tiers give without being asked: once in each window, when a member is first seen in it."""

from __future__ import annotations

from enum import StrEnum


class Benefit(StrEnum):
    """A benefit that is granted, with a record."""

    UPGRADE_GIFT = "UPGRADE_GIFT"
    BIRTHDAY_POINTS = "BIRTHDAY_POINTS"
    BIRTHDAY_COUPON = "BIRTHDAY_COUPON"
    MONTHLY_COUPON = "MONTHLY_COUPON"
    MEMBER_DAY_COUPON = "MEMBER_DAY_COUPON"
