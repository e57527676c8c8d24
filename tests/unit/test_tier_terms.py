"""How a tier is reached, kept and lost, on one member's growth."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules import Rules, TierRules
from domain.tier_terms import (
    PastTerm,
    Term,
    after_refund,
    fallen_to,
    passed_levels,
    reached,
    review,
    standing_terms,
    term_of,
    to_keep,
)

RULES = Rules()
REGULAR, SILVER, GOLD = RULES.tiers
REACHED_AT = datetime(2026, 11, 15, 6, 0, tzinfo=UTC)
RAISED = Rules(
    tiers=(
        REGULAR,
        replace(SILVER, growth_threshold=9_001),
        replace(GOLD, growth_threshold=9_002),
    )
)
"""Rules that ask for much more."""


@pytest.mark.parametrize(
    ("growth", "code"),
    [(0, "REGULAR"), (2_999, "REGULAR"), (3_000, "SILVER"), (5_999, "SILVER"), (6_000, "GOLD")],
)
def test_thresholds_are_reached_exactly(growth: int, code: str) -> None:
    assert reached(growth, RULES).code == code


def test_a_leap_passes_every_level() -> None:
    assert passed_levels(REGULAR, GOLD, RULES) == [SILVER, GOLD]
    assert passed_levels(SILVER, GOLD, RULES) == [GOLD]
    assert passed_levels(GOLD, GOLD, RULES) == []


def test_a_term_lasts_twelve_months_and_the_day() -> None:
    term = term_of(GOLD, since=REACHED_AT, since_seq=3, rules=RULES)
    assert term == Term("GOLD", REACHED_AT, datetime(2027, 11, 15, 16, 0, tzinfo=UTC), 3)


def test_the_lowest_tier_is_never_reviewed() -> None:
    assert term_of(REGULAR, since=REACHED_AT, since_seq=3, rules=RULES).review_at is None


@pytest.mark.parametrize(
    ("tier", "growth", "earned", "left"),
    [
        (GOLD, 9_000, 6_000, ("GOLD", True, 9_000)),
        (GOLD, 9_000, 5_999, ("SILVER", False, 5_999)),
        (GOLD, 9_000, 2_500, ("SILVER", False, 3_000)),
        (SILVER, 4_000, 3_000, ("SILVER", True, 4_000)),
        (SILVER, 4_000, 2_999, ("REGULAR", False, 2_999)),
        (SILVER, 4_000, 0, ("REGULAR", False, 0)),
        (SILVER, 1_000, 0, ("REGULAR", False, 0)),
        (GOLD, 1_000, 0, ("SILVER", False, 1_000)),
    ],
)
def test_what_a_review_leaves(
    tier: TierRules, growth: int, earned: int, left: tuple[str, bool, int]
) -> None:
    outcome = review(tier, growth=growth, period_growth=earned, rules=RULES)
    assert (outcome.tier.code, outcome.is_kept, outcome.growth) == left


def test_what_came_after_a_term_is_added_when_its_review_is_late() -> None:
    outcome = review(GOLD, growth=9_050, period_growth=2_500, later_growth=50, rules=RULES)
    assert (outcome.tier, outcome.growth) == (SILVER, 3_050)


@given(
    tier=st.sampled_from(RULES.tiers[1:]),
    before=st.integers(0, 20_000),
    earned=st.integers(0, 20_000),
)
def test_going_down_is_one_level_and_sticks(tier: TierRules, before: int, earned: int) -> None:
    outcome = review(
        tier,
        growth=before + earned,
        period_growth=earned,
        rules=RULES,
    )
    if outcome.is_kept:
        assert (outcome.tier, outcome.growth) == (tier, before + earned)
    else:
        assert outcome.tier.level == tier.level - 1
        assert reached(outcome.growth, RULES).level <= outcome.tier.level
        assert outcome.growth <= before + earned


@pytest.mark.parametrize(("earned", "missing"), [(0, 6_000), (5_999, 1), (6_000, 0), (7_000, 0)])
def test_what_is_missing_to_keep_a_tier(earned: int, missing: int) -> None:
    assert to_keep(GOLD, earned) == missing


START = Term("REGULAR", datetime(2026, 1, 1, tzinfo=UTC), None, 0)
TO_SILVER = term_of(SILVER, since=REACHED_AT, since_seq=1, rules=RULES)
TO_GOLD = term_of(GOLD, since=datetime(2026, 12, 1, tzinfo=UTC), since_seq=2, rules=RULES)
CLIMB = [PastTerm(START, 0), PastTerm(TO_SILVER, 3_000), PastTerm(TO_GOLD, 6_000)]


@pytest.mark.parametrize(
    ("growth", "floor", "left"),
    [
        (6_000, REGULAR, GOLD),
        (5_999, REGULAR, SILVER),
        (2_999, REGULAR, REGULAR),
        (0, SILVER, SILVER),
        (0, GOLD, GOLD),
    ],
)
def test_a_refund_leaves_what_would_be_without_it(
    growth: int, floor: TierRules, left: TierRules
) -> None:
    tier = after_refund(GOLD, floor, growth=growth, terms=CLIMB, rules=RULES)
    assert tier == left


def test_new_rules_let_nobody_fall_in_a_refund() -> None:
    """6500 reached GOLD by the old rules; the new ones would ask for 9002."""
    current, floor = RAISED.tier("GOLD"), RAISED.tier("REGULAR")
    kept = after_refund(current, floor, growth=6_400, terms=CLIMB, rules=RAISED)
    assert kept.code == "GOLD"
    fallen = after_refund(current, floor, growth=5_000, terms=CLIMB, rules=RAISED)
    assert fallen.code == "SILVER"


def test_who_falls_back_has_the_term_that_had_begun_before() -> None:
    assert fallen_to(SILVER, CLIMB, RULES) == TO_SILVER
    assert fallen_to(REGULAR, CLIMB, RULES) == START


def test_a_level_that_was_skipped_has_the_term_of_the_leap() -> None:
    leap = [CLIMB[0], CLIMB[2]]
    assert fallen_to(SILVER, leap, RULES) == replace(TO_GOLD, tier_code="SILVER")


def test_terms_that_were_lost_in_between_stand_no_more() -> None:
    again = PastTerm(
        term_of(GOLD, since=datetime(2027, 3, 1, tzinfo=UTC), since_seq=9, rules=RULES), 6_000
    )
    assert standing_terms([*CLIMB, CLIMB[0], again], RULES) == [CLIMB[0], again]


def test_who_falls_back_keeps_what_their_term_asked_for() -> None:
    """The record of the fall was written under rules that ask for more."""
    fall = PastTerm(TO_SILVER, 9_001)
    standing = standing_terms([*CLIMB, fall], RAISED)
    assert standing == CLIMB[:2]
    current, floor = RAISED.tier("SILVER"), RAISED.tier("REGULAR")
    assert after_refund(current, floor, growth=3_000, terms=standing, rules=RAISED) == current
    assert after_refund(current, floor, growth=2_999, terms=standing, rules=RAISED) == floor
