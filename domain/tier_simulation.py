"""What other rules would make of the members: who moves where, and what benefits would cost.

A cost is an estimate for one year that looks like the last: every order as it was, every coupon
used to the full. Money is fen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.rules import WHOLE_BPS, BenefitCouponRules, CouponOffer, Rules, TierRules
from domain.tier_terms import passed_levels, reached, review
from domain.tiers import BenefitCode

_TIMES_A_YEAR = {
    BenefitCode.BIRTHDAY_COUPON: 1,
    BenefitCode.MONTHLY_COUPON: 12,
    BenefitCode.MEMBER_DAY_COUPON: 52,
}
_DAYS_A_YEAR = 365

Moves = Counter[tuple[str, str]]
"""How many members go from one tier to another, or stay."""


class Buyer(NamedTuple):
    """A member, and what they bought in the last year.

    `list_fen`: goods at list price; `goods_fen`: what was paid for them; `small_orders`: shipped,
    and not large enough for free shipping.
    """

    tier_code: str
    growth: int
    term_growth: int
    has_birthday: bool
    list_fen: int = 0
    goods_fen: int = 0
    small_orders: int = 0


@dataclass(slots=True)
class Cost:
    """What a benefit costs in fen, by the rules in force and by the others."""

    now_fen: int = 0
    then_fen: int = 0


@dataclass(slots=True)
class Simulation:
    """The count of members and the costs; `add` takes one member after the other.

    `moves` happen at once: nobody falls. `at_review` is what reviews of today would leave of those
    who don't rise, by the other rules and the growth that their terms have earned so far. The gifts
    of the rises are a cost of once.
    """

    rules: Rules
    others: Rules
    moves: Moves = field(default_factory=Counter)
    at_review: Moves = field(default_factory=Counter)
    costs: dict[BenefitCode, Cost] = field(default_factory=dict)

    def add(self, buyer: Buyer) -> None:
        """Count a member in."""
        before = self.rules.tier(buyer.tier_code)
        held = self.others.tier(buyer.tier_code)
        after = max(held, reached(buyer.growth, self.others), key=lambda tier: tier.level)
        self.moves[before.code, after.code] += 1
        if after is held and held.level:
            outcome = review(
                held, growth=buyer.growth, period_growth=buyer.term_growth, rules=self.others
            )
            self.at_review[held.code, outcome.tier.code] += 1
        for code, fen in costs_of(buyer, before, self.rules):
            self._cost(code).now_fen += fen
        for code, fen in costs_of(buyer, after, self.others):
            self._cost(code).then_fen += fen
        gifts = sum(tier.gift_points for tier in passed_levels(held, after, self.others))
        if gifts:
            self._cost(BenefitCode.UPGRADE_GIFT).then_fen += _worth(gifts, self.others)

    def _cost(self, code: BenefitCode) -> Cost:
        return self.costs.setdefault(code, Cost())


def costs_of(buyer: Buyer, tier: TierRules, rules: Rules) -> Iterator[tuple[BenefitCode, int]]:
    """Yield what each benefit of a tier costs with one member in a year."""
    points = buyer.goods_fen // 100 * rules.points.points_per_yuan
    extra = points * (tier.points_multiplier_bps - WHOLE_BPS) // WHOLE_BPS
    birthday = rules.members.birthday_multiplier_bps - WHOLE_BPS
    celebrated = points * tier.points_multiplier_bps * birthday // WHOLE_BPS**2 // _DAYS_A_YEAR
    yield (
        BenefitCode.MEMBER_PRICE,
        buyer.list_fen * (WHOLE_BPS - tier.member_price_bps) // WHOLE_BPS,
    )
    yield BenefitCode.POINTS_MULTIPLIER, _worth(extra, rules)
    if buyer.has_birthday:
        yield BenefitCode.BIRTHDAY_POINTS_MULTIPLIER, _worth(celebrated, rules)
    if tier.free_shipping:
        yield BenefitCode.FREE_SHIPPING, buyer.small_orders * rules.shipping.base_fen
    for given in rules.benefit_coupons:
        if _is_for(given, buyer, tier):
            code = BenefitCode(given.benefit)
            yield code, _TIMES_A_YEAR[code] * _worth_of_coupon(given.offer, rules)


def _is_for(given: BenefitCouponRules, buyer: Buyer, tier: TierRules) -> bool:
    if given.tier_codes and tier.code not in given.tier_codes:
        return False
    return buyer.has_birthday or given.benefit != BenefitCode.BIRTHDAY_COUPON


def _worth(points: int, rules: Rules) -> int:
    """Return what points take off an order, in fen."""
    return points * 100 // rules.points.points_per_yuan_off


def _worth_of_coupon(offer: CouponOffer, rules: Rules) -> int:
    """Return what a coupon takes off an order that just fits it, in fen."""
    if offer.kind == "FREE_SHIPPING":
        return rules.shipping.base_fen
    if offer.kind == "PERCENT_OFF":
        off = offer.min_spend_fen * (WHOLE_BPS - offer.pay_bps) // WHOLE_BPS
        return max(off, offer.max_off_fen)
    return offer.amount_off_fen
