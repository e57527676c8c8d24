"""Step 5: points spent on an order (docs/rules.md, section 1)."""

from dataclasses import replace
from typing import Any

import pytest

from domain.errors import ErrorCode
from domain.pricing import DiscountKind, Facts, InvalidPricingInput, Quote, quote, texts
from domain.rules import Rules
from tests.unit.pricing.cases import RULES, buyer, coupon, line, offs, reduction, request


def points_rules(**changes: Any) -> Rules:
    return replace(RULES, points=replace(RULES.points, **changes))


def refusals(priced: Quote) -> list[tuple[ErrorCode, tuple[str, ...], str, Facts]]:
    return [(each.code, each.path, each.message, each.facts) for each in priced.problems]


def test_a_hundred_points_are_one_yuan() -> None:
    priced = quote(request(line(1, 1_000), buyer=buyer(points=500), points_to_spend=250))
    assert (priced.points_spent, priced.points_off_fen) == (250, 250)
    assert offs(priced)[0] == (DiscountKind.POINTS, 250)
    assert priced.payable_fen == 750 + 800


def test_points_are_no_part_of_discount_total() -> None:
    priced = quote(request(line(1, 1_000), buyer=buyer(points=500), points_to_spend=250))
    [quoted] = priced.lines
    assert (priced.discount_total_fen, quoted.discount_total_fen) == (0, 0)
    assert (quoted.points_off_fen, quoted.points_spent, quoted.payable_fen) == (250, 250, 750)


def test_the_cap_is_half_of_the_goods_payable_after_the_coupon_rounded_down() -> None:
    priced = quote(
        request(
            line(1, 2_000),
            promotions=(reduction(70, (2_000, 500)),),
            coupons=(coupon(30, 101),),
            use=[30],
            buyer=buyer(points=5_000),
            points_to_spend=699,
        )
    )
    assert (priced.max_points_to_spend, priced.max_points_off_fen) == (699, 699)
    assert (priced.points_spent, priced.problems) == (699, ())


def test_points_above_the_cap_are_a_problem_and_never_clamped() -> None:
    priced = quote(request(line(1, 1_399), buyer=buyer(points=5_000), points_to_spend=700))
    assert refusals(priced) == [
        (
            ErrorCode.POINTS_NOT_USABLE,
            ("pointsToSpend",),
            texts.POINTS_BEYOND_CAP,
            {"max_points": 699},
        )
    ]
    assert (priced.points_spent, priced.points_off_fen) == (0, 0)
    assert priced.max_points_to_spend == 699


def test_points_above_the_balance_are_a_problem_and_never_clamped() -> None:
    priced = quote(request(line(1, 1_000), buyer=buyer(points=300), points_to_spend=301))
    assert refusals(priced) == [
        (
            ErrorCode.INSUFFICIENT_POINTS,
            ("pointsToSpend",),
            texts.POINTS_BEYOND_BALANCE,
            {"balance": 300},
        )
    ]
    assert (priced.points_spent, priced.max_points_to_spend) == (0, 300)


def test_points_above_both_are_first_of_all_not_there() -> None:
    priced = quote(request(line(1, 1_000), buyer=buyer(points=600), points_to_spend=601))
    assert [problem.code for problem in priced.problems] == [ErrorCode.INSUFFICIENT_POINTS]
    all_of_them = quote(request(line(1, 1_000), buyer=buyer(points=600), points_to_spend=600))
    assert [problem.code for problem in all_of_them.problems] == [ErrorCode.POINTS_NOT_USABLE]


def test_points_below_zero_are_invalid() -> None:
    priced = quote(request(line(1, 1_000), buyer=buyer(points=600), points_to_spend=-1))
    assert [problem.code for problem in priced.problems] == [ErrorCode.INVALID_INPUT]
    assert priced.points_spent == 0


def test_use_max_points_takes_the_lower_of_cap_and_balance_whatever_was_asked() -> None:
    for points, spent in [(5_000, 499), (300, 300), (0, 0)]:
        priced = quote(
            request(
                line(1, 999), buyer=buyer(points=points), use_max_points=True, points_to_spend=7
            )
        )
        assert (priced.points_spent, priced.points_off_fen, priced.problems) == (spent, spent, ())


def test_points_can_be_used_from_the_minimum_on() -> None:
    rules = points_rules(min_points_to_spend=200)
    below = quote(
        request(line(1, 1_000), rules=rules, buyer=buyer(points=900), points_to_spend=199)
    )
    assert refusals(below) == [
        (
            ErrorCode.POINTS_NOT_USABLE,
            ("pointsToSpend",),
            texts.POINTS_BELOW_MIN,
            {"min_points": 200},
        )
    ]
    at_least = quote(
        request(line(1, 1_000), rules=rules, buyer=buyer(points=900), points_to_spend=200)
    )
    assert (at_least.points_spent, at_least.problems) == (200, ())
    just_enough = quote(
        request(line(1, 400), rules=rules, buyer=buyer(points=900), use_max_points=True)
    )
    assert (just_enough.max_points_to_spend, just_enough.points_spent) == (200, 200)
    too_cheap = quote(
        request(line(1, 399), rules=rules, buyer=buyer(points=900), use_max_points=True)
    )
    assert (too_cheap.max_points_to_spend, too_cheap.points_spent) == (0, 0)


def test_points_take_off_whole_fen() -> None:
    rules = points_rules(points_per_yuan_off=300)
    held = buyer(points=1_000)
    three = quote(request(line(1, 1_000), rules=rules, buyer=held, points_to_spend=300))
    assert (three.points_spent, three.points_off_fen) == (300, 100)
    assert (three.max_points_to_spend, three.max_points_off_fen) == (999, 333)
    uneven = quote(request(line(1, 1_000), rules=rules, buyer=held, points_to_spend=301))
    assert [(p.code, p.message, p.facts) for p in uneven.problems] == [
        (ErrorCode.POINTS_NOT_USABLE, texts.POINTS_NOT_WHOLE_FEN, {"step": 3})
    ]


def test_spent_points_are_split_as_the_money_they_take_off() -> None:
    rules = points_rules(points_per_yuan_off=300)
    priced = quote(
        request(
            line(1, 1_000, 3),
            line(2, 500),
            rules=rules,
            buyer=buyer(points=999),
            use_max_points=True,
        )
    )
    assert [each.points_off_fen for each in priced.lines] == [285, 48]
    assert [each.points_spent for each in priced.lines] == [855, 144]
    assert {unit.points_spent for unit in priced.lines[0].units} == {285}


def test_a_visitor_spends_no_points() -> None:
    visitor = buyer(is_member=False)
    priced = quote(request(line(1, 1_000), buyer=visitor, points_to_spend=100))
    assert [problem.code for problem in priced.problems] == [ErrorCode.CONSENT_REQUIRED]
    assert priced.max_points_to_spend == 0
    assert quote(request(line(1, 1_000), buyer=visitor, use_max_points=True)).problems == ()


def test_a_balance_below_zero_is_refused_where_it_is_built() -> None:
    with pytest.raises(InvalidPricingInput, match="balance"):
        buyer(points=-1)
