"""Step 4: the goods coupon, and why others can't be used (docs/rules.md, section 4)."""

import pytest

from domain.errors import ErrorCode
from domain.pricing import (
    CouponKind,
    CouponStatus,
    DiscountKind,
    Hint,
    InvalidPricingInput,
    UnusableCoupon,
    quote,
    texts,
)
from tests.unit.pricing.cases import (
    buyer,
    categories,
    coupon,
    flash,
    line,
    line_payables,
    offs,
    percent_coupon,
    products,
    reduction,
    request,
    shipping_coupon,
    uid,
)


def test_amount_off_is_split_over_the_goods_in_scope() -> None:
    priced = quote(
        request(
            line(1, 2_472),
            line(2, 4_126),
            line(3, 100),
            coupons=(coupon(30, 500, scope=products(1, 2)),),
            use=[30],
        )
    )
    assert line_payables(priced) == [2_285, 3_813, 100]
    assert priced.coupon_ids == (uid(30),)
    assert priced.discounts[0].coupon_id == uid(30)


def test_percent_off_rounds_what_is_to_be_paid_half_up() -> None:
    for price_fen, pay_bps, payable_fen in [(4_125, 8_800, 3_630), (25, 8_200, 21)]:  # 20.5
        held = percent_coupon(30, pay_bps)
        priced = quote(request(line(1, price_fen), coupons=(held,), use=[30]))
        assert line_payables(priced) == [payable_fen]


def test_percent_off_takes_at_most_its_maximum() -> None:
    capped = percent_coupon(30, 5_000, max_off_fen=1_000)
    assert line_payables(quote(request(line(1, 1_999), coupons=(capped,), use=[30]))) == [1_000]
    assert line_payables(quote(request(line(1, 9_000), coupons=(capped,), use=[30]))) == [8_000]


def test_a_coupon_never_takes_more_than_the_goods_in_scope_cost() -> None:
    priced = quote(
        request(line(1, 300), line(2, 900), coupons=(coupon(30, 500, scope=products(1)),), use=[30])
    )
    assert line_payables(priced) == [0, 900]
    assert priced.usable_coupons[0].off_fen == 300


def test_the_threshold_is_tested_on_the_goods_in_scope_after_the_discounts_before() -> None:
    promotion = reduction(70, (7_000, 1_000))
    held = coupon(30, 500, min_spend_fen=6_000)
    reached = quote(request(line(1, 7_000), promotions=(promotion,), coupons=(held,), use=[30]))
    assert offs(reached) == [(DiscountKind.FULL_REDUCTION, 1_000), (DiscountKind.COUPON, 500)]
    missed = quote(request(line(1, 5_999), promotions=(promotion,), coupons=(held,), use=[30]))
    assert offs(missed) == []


def test_an_unreached_threshold_says_what_is_missing() -> None:
    held = coupon(30, 500, min_spend_fen=6_000, min_pieces=3, scope=products(1))
    priced = quote(request(line(1, 2_400, 2), line(2, 9_000), coupons=(held,), use=[30]))
    assert priced.unusable_coupons == (
        UnusableCoupon(
            coupon_id=uid(30),
            reason=texts.COUPON_BELOW_MIN_SPEND,
            facts={"missing_fen": 1_200},
            missing_fen=1_200,
            missing_pieces=1,
        ),
    )
    [problem] = priced.problems
    assert problem.code is ErrorCode.COUPON_NOT_APPLICABLE
    assert problem.path == ("couponIds", "0")
    assert problem.facts == {"missing_fen": 1_200}
    assert priced.coupon_ids == ()


def test_too_few_pieces_say_how_many_are_missing() -> None:
    held = coupon(30, 500, min_pieces=3)
    [unusable] = quote(request(line(1, 2_400), coupons=(held,))).unusable_coupons
    assert unusable.reason == texts.COUPON_BELOW_MIN_PIECES
    assert (unusable.missing_fen, unusable.missing_pieces) == (None, 2)


def test_what_more_goods_would_bring_is_hinted() -> None:
    held = coupon(30, 1_500, min_spend_fen=10_000)
    priced = quote(request(line(1, 8_800), coupons=(held,), buyer=buyer("GOLD")))
    assert priced.hints == (
        Hint(
            message=texts.HINT_SPEND_FOR_COUPON,
            facts={"missing_fen": 1_640, "coupon": "券30", "coupon_en": "券30"},
            missing_fen=1_640,
            coupon_id=uid(30),
        ),
    )


def test_a_coupon_worth_less_than_the_applied_one_is_not_hinted() -> None:
    lesser = coupon(30, 500, min_spend_fen=20_000)
    applied = coupon(31, 800)
    equal = coupon(32, 800, min_spend_fen=20_000)
    priced = quote(request(line(1, 15_000), coupons=(lesser, applied, equal), use=[31]))
    assert priced.hints == ()


def test_a_coupon_is_hinted_by_what_it_would_be_worth_at_its_threshold() -> None:
    held = (percent_coupon(30, 5_000, min_spend_fen=20_000), coupon(31, 6_000))
    priced = quote(request(line(1, 11_000), coupons=held, use=[31], buyer=buyer("GOLD")))
    assert [(hint.coupon_id, hint.missing_fen) for hint in priced.hints] == [(uid(30), 9_550)]


def test_goods_out_of_scope_and_campaign_goods_are_told_apart() -> None:
    elsewhere = coupon(30, 500, scope=categories(7))
    kept_out = coupon(31, 500, scope=products(1))
    priced = quote(request(line(1, 900, campaign=flash(800)), coupons=(elsewhere, kept_out)))
    assert [unusable.reason for unusable in priced.unusable_coupons] == [
        texts.COUPON_OUT_OF_SCOPE,
        texts.COUPON_NOT_WITH_CAMPAIGNS,
    ]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CouponStatus.NOT_YET_VALID, texts.COUPON_NOT_YET_VALID),
        (CouponStatus.RESERVED, texts.COUPON_RESERVED),
        (CouponStatus.USED, texts.COUPON_USED),
        (CouponStatus.EXPIRED, texts.COUPON_EXPIRED),
        (CouponStatus.REVOKED, texts.COUPON_REVOKED),
    ],
)
@pytest.mark.parametrize("kind", list(CouponKind))
def test_a_coupon_that_is_not_usable_now_says_why(
    kind: CouponKind, status: CouponStatus, reason: str
) -> None:
    held = coupon(30, 500, kind=kind, status=status)
    priced = quote(request(line(1, 900), coupons=(held,), use=[30]))
    assert [unusable.reason for unusable in priced.unusable_coupons] == [reason]
    assert [problem.message for problem in priced.problems] == [reason]
    assert priced.usable_coupons == ()
    assert priced.payable_fen == 900 + 800


def test_one_goods_coupon_and_one_shipping_coupon_an_order() -> None:
    held = (coupon(30, 100), coupon(31, 200), shipping_coupon(32), shipping_coupon(33))
    both = quote(request(line(1, 900), coupons=held, use=[30, 32]))
    assert (both.coupon_ids, both.problems, both.payable_fen) == ((uid(30), uid(32)), (), 800)
    four = quote(request(line(1, 900), coupons=held, use=[30, 31, 32, 33]))
    assert four.coupon_ids == (uid(30), uid(32))
    assert [(problem.code, problem.path, problem.message) for problem in four.problems] == [
        (ErrorCode.COUPON_NOT_APPLICABLE, ("couponIds", "1"), texts.ONE_GOODS_COUPON),
        (ErrorCode.COUPON_NOT_APPLICABLE, ("couponIds", "3"), texts.ONE_SHIPPING_COUPON),
    ]


def test_a_repeated_coupon_counts_once() -> None:
    priced = quote(request(line(1, 900), coupons=(coupon(30, 100),), use=[30, 30]))
    assert (priced.coupon_ids, priced.problems) == ((uid(30),), ())


def test_a_coupon_the_member_does_not_hold_is_not_found() -> None:
    [problem] = quote(request(line(1, 900), coupons=(coupon(30, 100),), use=[30, 99])).problems
    assert (problem.code, problem.path) == (ErrorCode.NOT_FOUND, ("couponIds", "1"))


def test_a_visitor_uses_no_coupon() -> None:
    held = (coupon(30, 100), shipping_coupon(31))
    visitor = buyer(is_member=False)
    priced = quote(request(line(1, 900), buyer=visitor, coupons=held, use=[31, 30]))
    assert [(problem.code, problem.path) for problem in priced.problems] == [
        (ErrorCode.CONSENT_REQUIRED, ("couponIds", "0"))
    ]
    best = quote(request(line(1, 900), buyer=visitor, coupons=held, best_coupons=True))
    assert (best.coupon_ids, best.problems) == ((), ())


def test_a_coupon_that_takes_nothing_off_is_not_consumed_and_is_no_problem() -> None:
    priced = quote(
        request(
            line(1, 500),
            promotions=(reduction(70, (500, 500)),),
            coupons=(coupon(30, 100),),
            use=[30],
        )
    )
    assert (priced.coupon_ids, priced.problems) == ((), ())
    assert [unusable.reason for unusable in priced.unusable_coupons] == [texts.COUPON_NOTHING_LEFT]


def test_usable_coupons_come_most_off_first_then_earliest_expiry_then_lowest_id() -> None:
    held = (
        coupon(30, 100, days=2),
        coupon(32, 100, days=1),
        coupon(31, 100, days=1),
        coupon(33, 300, days=9),
    )
    priced = quote(request(line(1, 900), coupons=held))
    assert [(usable.coupon_id, usable.off_fen) for usable in priced.usable_coupons] == [
        (uid(33), 300),
        (uid(31), 100),
        (uid(32), 100),
        (uid(30), 100),
    ]


def test_a_gift_coupon_pays_for_one_piece_of_its_gift() -> None:
    gift = coupon(30, kind=CouponKind.GIFT, gift_sku_id=uid(2), min_spend_fen=1_000)
    priced = quote(request(line(1, 1_000), line(2, 300, 2), coupons=(gift,), use=[30]))
    assert line_payables(priced) == [1_000, 300]
    assert priced.coupon_ids == (uid(30),)


def test_a_gift_does_not_help_to_reach_its_own_threshold() -> None:
    gift = coupon(30, kind=CouponKind.GIFT, gift_sku_id=uid(2), min_spend_fen=1_000, min_pieces=2)
    priced = quote(request(line(1, 800), line(2, 300), coupons=(gift,)))
    [unusable] = priced.unusable_coupons
    assert (unusable.missing_fen, unusable.missing_pieces) == (200, 1)


def test_a_gift_that_is_not_in_the_order_is_asked_for() -> None:
    gift = coupon(30, kind=CouponKind.GIFT, gift_sku_id=uid(2))
    [unusable] = quote(request(line(1, 800), coupons=(gift,))).unusable_coupons
    assert unusable.reason == texts.COUPON_GIFT_MISSING
    scoped = coupon(30, kind=CouponKind.GIFT, gift_sku_id=uid(1), scope=products(2))
    [unusable] = quote(request(line(1, 800), coupons=(scoped,))).unusable_coupons
    assert unusable.reason == texts.COUPON_OUT_OF_SCOPE


def test_a_free_gift_needs_no_coupon() -> None:
    gift = coupon(30, kind=CouponKind.GIFT, gift_sku_id=uid(2))
    priced = quote(request(line(1, 800), line(2, 0), coupons=(gift,), use=[30]))
    assert (priced.coupon_ids, priced.problems) == ((), ())


def test_coupon_amounts_below_zero_are_refused_where_they_are_built() -> None:
    with pytest.raises(InvalidPricingInput, match="amounts"):
        coupon(30, -1)
