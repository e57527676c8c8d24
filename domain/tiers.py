"""Tiers as a member sees them: progress, what a tier gives (rules, section 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    return [
        *_on_orders(tier),
        *_on_birthdays(rules),
        *_coupons(tier, rules),
        *_of_membership(tier),
    ]


def _on_orders(tier: TierRules) -> Iterator[TierBenefit]:
    if tier.member_price_bps < WHOLE_BPS:
        yield TierBenefit(
            BenefitCode.MEMBER_PRICE,
            "Member price {percent} %",
            "You pay {percent} % of the list price.",
            {"percent": _decimal(tier.member_price_bps, 100)},
        )
    if tier.points_multiplier_bps > WHOLE_BPS:
        yield TierBenefit(
            BenefitCode.POINTS_MULTIPLIER,
            "Points ×{times}",
            "Every order earns {times} times the points.",
            {"times": _decimal(tier.points_multiplier_bps, WHOLE_BPS)},
        )
    if tier.free_shipping:
        yield TierBenefit(
            BenefitCode.FREE_SHIPPING, "Free shipping", "Shipping is free on every order.", {}
        )


def _on_birthdays(rules: Rules) -> Iterator[TierBenefit]:
    birthday = rules.members.birthday_multiplier_bps
    if birthday > WHOLE_BPS:
        yield TierBenefit(
            BenefitCode.BIRTHDAY_POINTS_MULTIPLIER,
            "Birthday points ×{times}",
            "Orders on your birthday earn {times} times the points.",
            {"times": _decimal(birthday, WHOLE_BPS)},
        )


_COUPON_TEXTS = {
    BenefitCode.BIRTHDAY_COUPON: (
        "Birthday coupon",
        "For your birthday, when you come by within {days} days: {coupon_en}.",
    ),
    BenefitCode.MONTHLY_COUPON: (
        "Monthly coupon",
        "Each month, when you come by: {coupon_en}.",
    ),
    BenefitCode.MEMBER_DAY_COUPON: (
        "Member day coupon",
        "On the weekly member day, when you come by: {coupon_en}, valid that day.",
    ),
}


def _coupons(tier: TierRules, rules: Rules) -> Iterator[TierBenefit]:
    for given in rules.benefit_coupons:
        if given.tier_codes and tier.code not in given.tier_codes:
            continue
        code = BenefitCode(given.benefit)
        title, description = _COUPON_TEXTS[code]
        facts = {"coupon": given.offer.name, "coupon_en": given.offer.name_en}
        if code is BenefitCode.BIRTHDAY_COUPON:
            facts["days"] = str(rules.members.birthday_coupon_days)
        yield TierBenefit(code, title, description, facts)


def _of_membership(tier: TierRules) -> Iterator[TierBenefit]:
    if tier.gift_points:
        yield TierBenefit(
            BenefitCode.UPGRADE_GIFT,
            "Upgrade gift: {points} points",
            "{points} points when you reach this tier.",
            {"points": str(tier.gift_points)},
        )
    if tier.priority_minutes:
        yield TierBenefit(
            BenefitCode.PRIORITY_ACCESS,
            "{minutes} minutes earlier",
            "Flash sales begin {minutes} minutes earlier for you.",
            {"minutes": str(tier.priority_minutes)},
        )
    if tier.exclusive_service:
        yield TierBenefit(
            BenefitCode.EXCLUSIVE_SERVICE,
            "Personal service",
            "Customer service answers you first.",
            {},
        )


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
