"""The worked example of docs/rules.md, section 5, to the fen."""

from dataclasses import replace

from domain.pricing import DiscountKind, Quote, quote
from tests.unit.pricing.cases import (
    buyer,
    coupon,
    line,
    line_payables,
    offs,
    reduction,
    request,
    uid,
    unit_payables,
)

GOLD = buyer("GOLD", points=5_000)
A = line(1, 999, 3)
B = line(2, 5_001, 1)
WHOLE = request(
    A,
    B,
    buyer=GOLD,
    promotions=(reduction(20, (7_000, 1_000)),),
    coupons=(coupon(30, 500, min_spend_fen=6_000),),
    use=[30],
    points_to_spend=1_000,
)


def unit_shares(priced: Quote, kind: DiscountKind, place: int) -> list[int]:
    quoted = priced.lines[place]
    at = [discount.kind for discount in quoted.discounts].index(kind)
    return [unit.discounts_fen[at] for unit in quoted.units for _ in range(unit.pieces)]


def test_step_1_member_price() -> None:
    priced = quote(request(A, B, buyer=GOLD))
    assert priced.goods_total_fen == 7_998
    assert unit_payables(priced, 0) == [949, 949, 949]
    assert unit_payables(priced, 1) == [4_751]
    assert line_payables(priced) == [2_847, 4_751]
    assert priced.goods_payable_fen == 7_598
    assert priced.discount_total_fen == 400


def test_step_3_full_reduction() -> None:
    priced = quote(request(A, B, buyer=GOLD, promotions=WHOLE.promotions))
    assert line_payables(priced) == [2_847 - 375, 4_751 - 625] == [2_472, 4_126]
    assert priced.goods_payable_fen == 6_598


def test_step_4_coupon() -> None:
    priced = quote(replace(WHOLE, points_to_spend=0))
    assert line_payables(priced) == [2_472 - 187, 4_126 - 313] == [2_285, 3_813]
    assert priced.goods_payable_fen == 6_098
    assert priced.coupon_ids == (uid(30),)


def test_step_5_points() -> None:
    priced = quote(WHOLE)
    assert priced.max_points_to_spend == priced.max_points_off_fen == 3_049
    assert (priced.points_spent, priced.points_off_fen) == (1_000, 1_000)
    assert line_payables(priced) == [2_285 - 375, 3_813 - 625] == [1_910, 3_188]


def test_whole_order() -> None:
    priced = quote(WHOLE)
    assert offs(priced) == [
        (DiscountKind.MEMBER_PRICE, 400),
        (DiscountKind.FULL_REDUCTION, 1_000),
        (DiscountKind.COUPON, 500),
        (DiscountKind.POINTS, 1_000),
        (DiscountKind.SHIPPING, 1_000),
    ]
    assert priced.discount_total_fen == 1_900
    assert (priced.shipping_fee_fen, priced.shipping_fen) == (1_000, 0)
    assert priced.payable_fen == 5_098
    assert priced.points_to_earn == 76
    assert priced.growth_to_earn == 509
    assert priced.problems == ()


def test_units_of_line_a() -> None:
    priced = quote(WHOLE)
    assert unit_shares(priced, DiscountKind.MEMBER_PRICE, 0) == [50, 50, 50]
    assert unit_shares(priced, DiscountKind.FULL_REDUCTION, 0) == [125, 125, 125]
    assert unit_shares(priced, DiscountKind.COUPON, 0) == [63, 62, 62]
    assert unit_shares(priced, DiscountKind.POINTS, 0) == [125, 125, 125]
    assert unit_payables(priced, 0) == [636, 637, 637]
    assert unit_payables(priced, 1) == [3_188]
