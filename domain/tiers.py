"""Tiers as a member sees them: progress, what a tier gives (rules, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.rules import WHOLE_BPS, Rules, TierRules


class BenefitCode(StrEnum):
    """What a tier may give."""

    MEMBER_PRICE = "MEMBER_PRICE"
    POINTS_MULTIPLIER = "POINTS_MULTIPLIER"
    FREE_SHIPPING = "FREE_SHIPPING"
    BIRTHDAY_POINTS_MULTIPLIER = "BIRTHDAY_POINTS_MULTIPLIER"
    BIRTHDAY_COUPON = "BIRTHDAY_COUPON"
    MONTHLY_COUPON = "MONTHLY_COUPON"
    MEMBER_DAY_COUPON = "MEMBER_DAY_COUPON"
    UPGRADE_GIFT = "UPGRADE_GIFT"
    PRIORITY_ACCESS = "PRIORITY_ACCESS"
    EXCLUSIVE_SERVICE = "EXCLUSIVE_SERVICE"


@dataclass(frozen=True, slots=True)
class TierBenefit:
    """A benefit with the facts of its title and description, which are message templates."""

    code: BenefitCode
    title: str
    description: str
    facts: Mapping[str, str]


def benefits_of(tier: TierRules, rules: Rules) -> list[TierBenefit]:
    """Return what the tier gives today; a benefit that changes nothing isn't one."""
    birthday = rules.members.birthday_multiplier_bps
    candidates = (
        (
            tier.member_price_bps < WHOLE_BPS,
            TierBenefit(
                BenefitCode.MEMBER_PRICE,
                "Member price {percent} %",
                "You pay {percent} % of the list price.",
                {"percent": _decimal(tier.member_price_bps, 100)},
            ),
        ),
        (
            tier.points_multiplier_bps > WHOLE_BPS,
            TierBenefit(
                BenefitCode.POINTS_MULTIPLIER,
                "Points ×{times}",
                "Every order earns {times} times the points.",
                {"times": _decimal(tier.points_multiplier_bps, WHOLE_BPS)},
            ),
        ),
        (
            tier.free_shipping,
            TierBenefit(
                BenefitCode.FREE_SHIPPING,
                "Free shipping",
                "Shipping is free on every order.",
                {},
            ),
        ),
        (
            birthday > WHOLE_BPS,
            TierBenefit(
                BenefitCode.BIRTHDAY_POINTS_MULTIPLIER,
                "Birthday points ×{times}",
                "Orders on your birthday earn {times} times the points.",
                {"times": _decimal(birthday, WHOLE_BPS)},
            ),
        ),
    )
    return [benefit for holds, benefit in candidates if holds]


def _decimal(bps: int, unit: int) -> str:
    """Write basis points as a short decimal of the unit: 12 000 of 10 000 is 1.2."""
    whole, rest = divmod(bps, unit)
    return f"{whole}.{str(rest).zfill(len(str(unit)) - 1)}".rstrip("0").rstrip(".")


def progress(growth: int, tier: TierRules, above: TierRules | None) -> float:
    """Return how far growth is from this tier's threshold to the next, 0..1; 1 at the top."""
    if above is None:
        return 1.0
    way = above.growth_threshold - tier.growth_threshold
    return min(max((growth - tier.growth_threshold) / way, 0.0), 1.0)
