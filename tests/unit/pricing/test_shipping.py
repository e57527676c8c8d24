"""Step 6: the template, the tier, the shipping coupon (docs/rules.md, section 5.6)."""

from dataclasses import replace

import pytest

from domain.errors import ErrorCode
from domain.orders import DeliveryMethod
from domain.pricing import DiscountKind, quote, texts
from domain.rules import ProvinceShipping, ShippingRules
from domain.shipping import Parcel, is_served, shipping_fee_fen
from tests.unit.pricing.cases import (
    RULES,
    buyer,
    coupon,
    line,
    offs,
    products,
    request,
    shipping_coupon,
    uid,
)

REMOTE = ShippingRules(
    exceptions=(
        ProvinceShipping(("54", "65"), base_fen=1_800, further_fen=1_000),
        ProvinceShipping(("81", "82"), served=False),
    )
)


@pytest.mark.parametrize(
    ("grams", "fee_fen"), [(1, 800), (1_000, 800), (1_001, 1_000), (2_000, 1_000), (2_001, 1_200)]
)
def test_eight_yuan_for_the_first_kilogram_and_two_for_each_further(
    grams: int, fee_fen: int
) -> None:
    parcel = Parcel.of([(1, grams)])
    assert shipping_fee_fen(RULES.shipping, province="31", parcel=parcel, goods_fen=0) == fee_fen


@pytest.mark.parametrize(("pieces", "fee_fen"), [(1, 800), (3, 800), (4, 1_000), (6, 1_400)])
def test_eight_yuan_for_three_pieces_of_unknown_weight_and_two_for_each_further(
    pieces: int, fee_fen: int
) -> None:
    parcel = Parcel.of([(pieces, 0)])
    assert shipping_fee_fen(RULES.shipping, province="31", parcel=parcel, goods_fen=0) == fee_fen


def test_an_order_is_weighed_only_when_every_weight_is_known() -> None:
    assert Parcel.of([(2, 300), (1, 50)]) == Parcel(pieces=3, grams=650)
    assert Parcel.of([(2, 300), (1, 0)]) == Parcel(pieces=3, grams=None)
    priced = quote(request(line(1, 100, 5, weight_grams=100)))
    assert priced.shipping_fen == 800


def test_shipping_is_free_from_99_yuan_of_goods_payable_after_the_coupon() -> None:
    assert quote(request(line(1, 9_900))).shipping_fen == 0
    assert quote(request(line(1, 9_899))).shipping_fen == 800
    with_coupon = quote(request(line(1, 9_900), coupons=(coupon(30, 1),), use=[30]))
    assert with_coupon.shipping_fen == 800


def test_points_do_not_cost_the_free_shipping() -> None:
    priced = quote(request(line(1, 9_900), buyer=buyer(points=100), points_to_spend=100))
    assert (priced.shipping_fen, priced.payable_fen) == (0, 9_800)


def test_free_shipping_by_the_template_is_no_discount() -> None:
    priced = quote(request(line(1, 9_900), buyer=buyer("GOLD")))
    assert priced.shipping_fee_fen == 800
    priced = quote(request(line(1, 19_900), buyer=buyer("GOLD")))
    assert offs(priced) == [(DiscountKind.MEMBER_PRICE, 995)]


def test_provinces_have_their_own_fees() -> None:
    rules = replace(RULES, shipping=REMOTE)
    goods = line(1, 100, weight_grams=1_500)
    assert quote(request(goods, rules=rules, province="54")).shipping_fen == 2_800
    assert quote(request(goods, rules=rules, province="31")).shipping_fen == 1_000


def test_a_province_that_is_not_served_is_a_problem() -> None:
    priced = quote(request(line(1, 100), rules=replace(RULES, shipping=REMOTE), province="81"))
    assert [(p.code, p.path) for p in priced.problems] == [
        (ErrorCode.ADDRESS_NOT_SERVED, ("addressId",))
    ]
    assert (priced.shipping_fen, priced.payable_fen) == (0, 100)
    assert not is_served(REMOTE, "82")
    assert is_served(REMOTE, "65")
    assert is_served(REMOTE, "31")


def test_goods_that_ship_need_an_address() -> None:
    priced = quote(request(line(1, 100), province=None))
    assert [(p.code, p.path) for p in priced.problems] == [
        (ErrorCode.ADDRESS_REQUIRED, ("addressId",))
    ]
    assert priced.shipping_fen == 0


def test_pickup_costs_nothing_and_needs_no_address() -> None:
    priced = quote(request(line(1, 100), delivery=DeliveryMethod.PICKUP, province=None))
    assert (priced.shipping_fen, priced.problems) == (0, ())


def test_virtual_goods_need_no_address_and_weigh_nothing() -> None:
    priced = quote(request(line(1, 100, ships=False), province=None))
    assert (priced.shipping_fen, priced.problems) == (0, ())
    mixed = quote(request(line(1, 100, 9, ships=False), line(2, 100, 3)))
    assert mixed.shipping_fen == 800


def test_an_empty_order_costs_nothing() -> None:
    priced = quote(request(province=None))
    assert (priced.payable_fen, priced.problems, priced.hints) == (0, (), ())


def test_the_tiers_free_shipping_comes_before_the_coupon_which_is_then_not_consumed() -> None:
    priced = quote(
        request(line(1, 100), buyer=buyer("GOLD"), coupons=(shipping_coupon(30),), use=[30])
    )
    assert offs(priced)[1:] == [(DiscountKind.SHIPPING, 800)]
    assert priced.discounts[-1].facts == {"tier": "金卡", "tier_en": "Gold"}
    assert priced.discounts[-1].coupon_id is None
    assert (priced.coupon_ids, priced.problems) == ((), ())
    assert [unusable.reason for unusable in priced.unusable_coupons] == [texts.COUPON_NO_SHIPPING]


def test_a_shipping_coupon_takes_the_fee_off() -> None:
    priced = quote(request(line(1, 100), coupons=(shipping_coupon(30),), use=[30]))
    assert offs(priced) == [(DiscountKind.SHIPPING, 800)]
    assert priced.discounts[0].coupon_id == uid(30)
    assert (priced.shipping_fee_fen, priced.shipping_fen, priced.payable_fen) == (800, 0, 100)
    assert priced.coupon_ids == (uid(30),)
    assert priced.lines[0].discounts == ()


def test_a_shipping_coupon_takes_at_most_its_maximum() -> None:
    held = shipping_coupon(30, max_off_fen=500)
    priced = quote(request(line(1, 100), coupons=(held,), use=[30]))
    assert (priced.shipping_fen, priced.usable_coupons[0].off_fen) == (300, 500)


def test_a_shipping_coupons_threshold_is_tested_before_points() -> None:
    held = shipping_coupon(30, min_spend_fen=1_000, scope=products(1))
    with_points = request(
        line(1, 1_000),
        line(2, 500),
        coupons=(held,),
        use=[30],
        buyer=buyer(points=700),
        points_to_spend=700,
    )
    assert quote(with_points).coupon_ids == (uid(30),)
    goods_coupon = coupon(31, 1, scope=products(1))
    after_coupon = quote(
        replace(with_points, coupons=(held, goods_coupon), coupon_ids=(uid(30), uid(31)))
    )
    assert after_coupon.coupon_ids == (uid(31),)
    assert [(p.code, p.facts) for p in after_coupon.problems] == [
        (ErrorCode.COUPON_NOT_APPLICABLE, {"missing_fen": 1})
    ]


def test_free_shipping_within_reach_is_hinted_where_it_is_still_paid() -> None:
    [hint] = quote(request(line(1, 8_700))).hints
    assert (hint.message, hint.missing_fen) == (texts.HINT_SPEND_FOR_FREE_SHIPPING, 1_200)
    assert quote(request(line(1, 8_700), buyer=buyer("GOLD"))).hints == ()
    assert quote(request(line(1, 9_900))).hints == ()
    assert quote(request(line(1, 8_700), delivery=DeliveryMethod.PICKUP)).hints == ()


def test_a_template_without_steps_has_one_fee() -> None:
    flat = ShippingRules(further_grams=0, further_pieces=0)
    parcel = Parcel.of([(9, 0)])
    assert shipping_fee_fen(flat, province="31", parcel=parcel, goods_fen=0) == 800
