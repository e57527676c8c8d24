"""What a tier gives, how far the next one is, and when a birthday is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import render
from domain.members import age_on, is_birthday
from domain.rules import MemberRules, Rules, TierRules
from domain.tiers import BenefitCode, benefits_of, progress

RULES = Rules()


def titles(code: str, rules: Rules = RULES) -> list[str]:
    return [
        render(benefit.title, dict(benefit.facts))
        for benefit in benefits_of(rules.tier(code), rules)
    ]


FOR_ALL = ["Birthday points ×2", "Birthday coupon", "Member day coupon"]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("REGULAR", FOR_ALL),
        (
            "SILVER",
            ["Member price 98 %", "Points ×1.2", *FOR_ALL, "Upgrade gift: 100 points"],
        ),
        (
            "GOLD",
            [
                "Member price 95 %",
                "Points ×1.5",
                "Free shipping",
                *FOR_ALL,
                "Upgrade gift: 300 points",
                "5 minutes earlier",
            ],
        ),
    ],
)
def test_what_the_shipped_tiers_give(code: str, shown: list[str]) -> None:
    assert titles(code) == shown


def test_a_benefit_that_changes_nothing_is_not_shown() -> None:
    nothing = Rules(members=MemberRules(birthday_multiplier_bps=10_000), benefit_coupons=())
    assert titles("REGULAR", nothing) == []


def test_each_tier_is_told_of_its_own_coupon() -> None:
    said = [
        [
            render(benefit.description, dict(benefit.facts))
            for benefit in benefits_of(tier, RULES)
            if benefit.code is BenefitCode.MEMBER_DAY_COUPON
        ]
        for tier in RULES.tiers
    ]
    said_of = "On the weekly member day, when you come by: Member day: ¥{} off ¥68, valid that day."
    assert said == [[said_of.format(yuan)] for yuan in (6, 8, 10)]


@given(st.integers(-1_000, 100_000), st.sampled_from(RULES.tiers))
def test_progress_is_a_share(growth: int, tier: TierRules) -> None:
    above = RULES.next_tier(tier.code)
    share = progress(growth, tier, above)
    assert 0 <= share <= 1
    assert above is not None or share == 1


def test_progress_is_exact() -> None:
    silver, gold = RULES.tier("SILVER"), RULES.tier("GOLD")
    assert progress(3_000, silver, gold) == 0
    assert progress(4_500, silver, gold) == 0.5
    assert progress(6_000, silver, gold) == 1


@pytest.mark.parametrize(
    ("today", "celebrated"),
    [
        (date(2024, 2, 29), True),
        (date(2024, 2, 28), False),
        (date(2025, 2, 28), True),
        (date(2025, 3, 1), False),
    ],
)
def test_a_leap_days_birthday(today: date, celebrated: bool) -> None:
    assert is_birthday(date(2004, 2, 29), today) is celebrated


@pytest.mark.parametrize(
    ("today", "years"), [(date(2026, 11, 21), 13), (date(2026, 11, 22), 14), (date(2027, 1, 1), 14)]
)
def test_age_in_full_years(today: date, years: int) -> None:
    assert age_on(date(2012, 11, 22), today) == years
