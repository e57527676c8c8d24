"""`bestCoupons`: the true optimum of one goods and one shipping coupon (rules, section 4)."""

from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from hypothesis import given, settings

from domain.errors import ErrorCode
from domain.pricing import Coupon, Line, Quote, QuoteRequest, quote
from tests.unit.pricing.cases import (
    buyer,
    coupon,
    line,
    percent_coupon,
    products,
    request,
    shipping_coupon,
    uid,
)
from tests.unit.pricing.strategies import requests

POINTS_REFUSALS = {ErrorCode.POINTS_NOT_USABLE, ErrorCode.INSUFFICIENT_POINTS}


def best(*lines: Line, coupons: tuple[Coupon, ...], **more: Any) -> Quote:
    return quote(request(*lines, coupons=coupons, best_coupons=True, **more))


def test_the_coupon_with_the_lowest_payable_is_taken() -> None:
    priced = best(
        line(1, 5_000),
        coupons=(coupon(30, 500), percent_coupon(31, 8_800), percent_coupon(32, 8_900)),
    )
    assert (priced.coupon_ids, priced.payable_fen) == ((uid(31),), 4_400 + 800)


def test_a_goods_and_a_shipping_coupon_are_taken_together() -> None:
    priced = best(line(1, 5_000), coupons=(coupon(30, 500), shipping_coupon(31)))
    assert (priced.coupon_ids, priced.payable_fen) == ((uid(30), uid(31)), 4_500)


def test_equal_payables_go_to_the_earliest_expiry_then_to_the_lowest_id() -> None:
    by_expiry = (coupon(30, 500, days=2), coupon(31, 500, days=1))
    assert best(line(1, 5_000), coupons=by_expiry).coupon_ids == (uid(31),)
    shipping = (shipping_coupon(30, days=2), shipping_coupon(31, days=1))
    assert best(line(1, 5_000), coupons=shipping).coupon_ids == (uid(31),)
    by_id = (coupon(33, 500), coupon(32, 500))
    assert best(line(1, 5_000), coupons=by_id).coupon_ids == (uid(32),)


def test_a_coupon_that_would_cost_the_free_shipping_is_weighed_against_it() -> None:
    assert best(line(1, 9_900), coupons=(coupon(30, 700),)).coupon_ids == ()
    dearer = best(line(1, 9_900), coupons=(coupon(30, 900),))
    assert (dearer.coupon_ids, dearer.payable_fen) == ((uid(30),), 9_800)


def test_of_equal_payables_the_one_that_consumes_fewer_coupons_is_taken() -> None:
    priced = best(line(1, 9_900), coupons=(coupon(30, 800),))
    assert (priced.coupon_ids, priced.payable_fen) == ((), 9_900)
    # 300 + 200 off by two, or 500 by one, after which the shipping coupon is out of reach.
    two = (coupon(30, 300), shipping_coupon(31, max_off_fen=200, min_spend_fen=600))
    one = coupon(32, 500, days=9)
    assert best(line(1, 1_000), coupons=two).payable_fen == 1_300
    priced = best(line(1, 1_000), coupons=(*two, one))
    assert (priced.coupon_ids, priced.payable_fen) == ((uid(32),), 1_300)


def test_a_goods_coupon_that_spoils_a_better_shipping_coupon_is_left() -> None:
    held = (
        coupon(30, 300, scope=products(1)),
        shipping_coupon(31, min_spend_fen=5_000, scope=products(1)),
    )
    priced = best(line(1, 5_000), coupons=held)
    assert (priced.coupon_ids, priced.payable_fen) == ((uid(31),), 5_000)


def test_points_the_member_asked_for_stay_usable() -> None:
    # The coupon alone would cost less, 500 + 800, but leave a cap of 250 points.
    priced = best(
        line(1, 2_000),
        coupons=(coupon(30, 1_500),),
        buyer=buyer(points=5_000),
        points_to_spend=1_000,
    )
    assert (priced.coupon_ids, priced.problems, priced.points_spent) == ((), (), 1_000)
    assert priced.payable_fen == 1_000 + 800


def test_the_best_choice_comes_before_the_members_own() -> None:
    held = (coupon(30, 100), coupon(31, 200))
    priced = best(line(1, 2_000), coupons=held, use=[30, 99])
    assert (priced.coupon_ids, priced.problems) == ((uid(31),), ())


def rank(
    priced: Quote, held: dict[UUID, Coupon]
) -> tuple[bool, int, int, list[datetime], list[UUID]]:
    used = [held[coupon_id] for coupon_id in priced.coupon_ids]
    return (
        any(problem.code in POINTS_REFUSALS for problem in priced.problems),
        priced.payable_fen,
        len(used),
        sorted(each.valid_until for each in used),
        sorted(each.id for each in used),
    )


@settings(deadline=None)
@given(requests())
def test_no_allowed_combination_beats_the_best_one(drawn: QuoteRequest) -> None:
    held = {each.id: each for each in drawn.coupons}
    goods = [(), *((each.id,) for each in drawn.coupons if not each.is_for_shipping)]
    shipping = [(), *((each.id,) for each in drawn.coupons if each.is_for_shipping)]
    tried = [
        quote(replace(drawn, best_coupons=False, coupon_ids=(*one, *other)))
        for one, other in product(goods, shipping)
    ]
    chosen = quote(replace(drawn, best_coupons=True))
    assert rank(chosen, held) == min(rank(each, held) for each in tried)
