"""What other rules would cost with one member."""

from collections import Counter
from dataclasses import replace

import pytest

from domain.rules import BenefitCouponRules, CouponOffer, Rules, ShippingRules
from domain.tier_simulation import Buyer, Simulation, costs_of
from domain.tiers import BenefitCode

RULES = Rules()
REGULAR, SILVER, GOLD = RULES.tiers
EASIER = Rules(tiers=(REGULAR, replace(SILVER, growth_threshold=1_000), GOLD))
BUYER = Buyer(
    "GOLD", 7_000, 2_000, has_birthday=True, list_fen=1_000_000, goods_fen=900_000, small_orders=4
)


def costs(buyer: Buyer, tier: int, rules: Rules = RULES) -> dict[str, int]:
    total: Counter[str] = Counter()
    for code, fen in costs_of(buyer, rules.tiers[tier], rules):
        total[code.value] += fen
    return {code: fen for code, fen in total.items() if fen}


def test_what_a_gold_member_costs_in_a_year() -> None:
    assert costs(BUYER, 2) == {
        "MEMBER_PRICE": 50_000,  # 5 % of ¥10,000.
        "POINTS_MULTIPLIER": 4_500,  # Half of 9,000 points more: 4,500 points are ¥45.
        "BIRTHDAY_POINTS_MULTIPLIER": 36,  # 13,500 points more on one day of 365.
        "FREE_SHIPPING": 3_200,
        "BIRTHDAY_COUPON": 800,
        "MEMBER_DAY_COUPON": 52_000,
    }


def test_a_regular_member_costs_coupons_and_the_birthday() -> None:
    assert costs(BUYER, 0) == {
        "BIRTHDAY_POINTS_MULTIPLIER": 24,
        "BIRTHDAY_COUPON": 800,
        "MEMBER_DAY_COUPON": 31_200,
    }
    assert costs(BUYER._replace(has_birthday=False), 0) == {"MEMBER_DAY_COUPON": 31_200}


@pytest.mark.parametrize(
    ("offer", "fen"),
    [
        (CouponOffer("a", "a", amount_off_fen=700), 700),
        (CouponOffer("a", "a", "PERCENT_OFF", pay_bps=8_800, min_spend_fen=10_000), 1_200),
        (CouponOffer("a", "a", "PERCENT_OFF", pay_bps=8_800, max_off_fen=5_000), 5_000),
        (CouponOffer("a", "a", "FREE_SHIPPING"), 900),
    ],
)
def test_a_coupon_costs_what_it_takes_off_an_order_that_just_fits(
    offer: CouponOffer, fen: int
) -> None:
    rules = Rules(
        benefit_coupons=(BenefitCouponRules("MONTHLY_COUPON", offer),),
        shipping=ShippingRules(base_fen=900),
    )
    assert costs(BUYER, 0, rules)["MONTHLY_COUPON"] == 12 * fen


def test_rises_count_with_their_gifts_and_nobody_falls_at_once() -> None:
    simulation = Simulation(RULES, EASIER)
    simulation.add(Buyer("REGULAR", 1_000, 0, has_birthday=False))
    simulation.add(Buyer("REGULAR", 999, 0, has_birthday=False))
    simulation.add(Buyer("GOLD", 100, 0, has_birthday=False))
    assert simulation.moves == {
        ("REGULAR", "SILVER"): 1,
        ("REGULAR", "REGULAR"): 1,
        ("GOLD", "GOLD"): 1,
    }
    assert simulation.at_review == {("GOLD", "SILVER"): 1}
    gifts = simulation.costs[BenefitCode.UPGRADE_GIFT]
    assert (gifts.now_fen, gifts.then_fen) == (0, 100)


def test_growth_of_the_term_decides_at_a_review_by_the_other_rules() -> None:
    simulation = Simulation(RULES, EASIER)
    for earned in (999, 1_000):
        simulation.add(Buyer("SILVER", 5_000, earned, has_birthday=False))
    assert simulation.at_review == {("SILVER", "REGULAR"): 1, ("SILVER", "SILVER"): 1}
