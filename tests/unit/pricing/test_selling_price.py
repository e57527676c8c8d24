"""Step 1: the lowest price that applies (docs/rules.md, section 5.1)."""

import pytest

from domain.pricing import (
    DiscountKind,
    InvalidPricingInput,
    member_price_fen,
    quote,
    selling_price,
)
from tests.unit.pricing.cases import (
    RULES,
    buyer,
    coupon,
    flash,
    limited,
    line,
    line_payables,
    offs,
    products,
    reduction,
    request,
    three_at_80,
    uid,
)

SILVER = RULES.tier("SILVER")
GOLD = RULES.tier("GOLD")


def test_list_price_has_no_cause() -> None:
    selling = selling_price(line(1, 999), RULES.tier("REGULAR"), ())
    assert (selling.price_fen, selling.kind) == (999, None)
    assert offs(quote(request(line(1, 999), province="31"))) == []


def test_member_price_is_the_tiers_percentage_rounded_half_up() -> None:
    assert member_price_fen(999, SILVER, None) == 979  # 979.02
    assert member_price_fen(990, GOLD, None) == 941  # 940.5
    selling = selling_price(line(1, 999), GOLD, ())
    assert (selling.price_fen, selling.kind) == (949, DiscountKind.MEMBER_PRICE)


def test_explicit_tier_price_stands_in_place_of_the_percentage() -> None:
    assert member_price_fen(1_000, GOLD, 900) == 900
    assert member_price_fen(1_000, GOLD, 990) == 990
    assert member_price_fen(1_000, GOLD, 1_200) == 1_000
    assert selling_price(line(1, 1_000, tier_price_fen=1_000), GOLD, ()).kind is None


def test_limited_time_price_by_sku_or_by_percentage() -> None:
    by_sku = limited(50, price_fen_by_sku={uid(1): 700})
    by_share = limited(51, pay_bps=7_000, scope=products(1, 2))
    assert selling_price(line(1, 999), SILVER, [by_sku]).price_fen == 700
    assert selling_price(line(2, 999), SILVER, [by_sku]).kind is DiscountKind.MEMBER_PRICE
    assert selling_price(line(1, 999), SILVER, [by_share]).price_fen == 699
    assert selling_price(line(3, 999), SILVER, [by_share]).price_fen == 979


def test_the_lowest_price_applies_and_prices_do_not_add_up() -> None:
    offer = limited(50, pay_bps=9_600)
    assert selling_price(line(1, 1_000), SILVER, [offer]).kind is DiscountKind.LIMITED_TIME
    assert selling_price(line(1, 1_000), GOLD, [offer]).kind is DiscountKind.MEMBER_PRICE
    assert selling_price(line(1, 1_000), GOLD, [offer]).price_fen == 950


def test_equal_prices_go_to_member_price_then_to_the_lower_id() -> None:
    offers = [limited(52, pay_bps=9_500), limited(51, pay_bps=9_400), limited(50, pay_bps=9_400)]
    assert selling_price(line(1, 1_000), GOLD, offers[:1]).kind is DiscountKind.MEMBER_PRICE
    cause = selling_price(line(1, 1_000), GOLD, offers).cause
    assert cause is not None
    assert cause.source_id == uid(50)


@pytest.mark.parametrize("kind", [DiscountKind.FLASH_SALE, DiscountKind.GROUP_BUY])
def test_campaign_price_takes_part_on_its_line_alone(kind: DiscountKind) -> None:
    priced = quote(
        request(line(1, 1_000, 2, campaign=flash(600, kind)), line(2, 1_000), buyer=buyer("GOLD"))
    )
    assert line_payables(priced) == [1_200, 950]
    assert offs(priced)[:2] == [(kind, 800), (DiscountKind.MEMBER_PRICE, 50)]


def test_a_campaign_line_still_sells_at_a_lower_member_price() -> None:
    priced = quote(request(line(1, 1_000, campaign=flash(960)), buyer=buyer("GOLD")))
    assert line_payables(priced) == [950]
    assert offs(priced)[0] == (DiscountKind.MEMBER_PRICE, 50)


def test_campaign_lines_skip_quantity_discounts_and_full_reductions() -> None:
    lines = [line(1, 1_000, 3, campaign=flash(600)), line(2, 1_000, 2)]
    priced = quote(
        request(*lines, promotions=(three_at_80(60), reduction(70, (1_500, 300), (2_500, 900))))
    )
    assert line_payables(priced) == [1_800, 2_000 - 300]


def test_campaign_lines_take_points_and_pay_shipping() -> None:
    priced = quote(
        request(
            line(1, 1_000, campaign=flash(600)),
            buyer=buyer(points=1_000),
            points_to_spend=300,
            promotions=(),
        )
    )
    assert line_payables(priced) == [300]
    assert priced.shipping_fen == 800


def test_campaign_lines_take_coupons_only_when_they_stack() -> None:
    lines = [line(1, 1_000, campaign=flash(600)), line(2, 1_000)]
    alone = coupon(30, 100)
    stacking = coupon(31, 100, stacks_with_campaigns=True)
    assert line_payables(quote(request(*lines, coupons=(alone,), use=[30]))) == [600, 900]
    assert line_payables(quote(request(*lines, coupons=(stacking,), use=[31]))) == [562, 938]


def test_member_price_is_one_discount_of_the_order_named_by_its_tier() -> None:
    priced = quote(request(line(1, 999, 3), line(2, 5_001), buyer=buyer("GOLD")))
    discount = priced.discounts[0]
    assert (discount.kind, discount.amount_fen) == (DiscountKind.MEMBER_PRICE, 400)
    assert discount.facts == {"tier": "金卡", "tier_en": "Gold"}
    assert [each.discounts[0].amount_fen for each in priced.lines] == [150, 250]


def test_values_that_cannot_be_are_refused_where_they_are_built() -> None:
    with pytest.raises(InvalidPricingInput, match="at least one piece"):
        line(1, 100, 0)
    with pytest.raises(InvalidPricingInput, match="list price"):
        line(1, -1)
    with pytest.raises(InvalidPricingInput, match="not a campaign"):
        flash(1, DiscountKind.COUPON)
    with pytest.raises(InvalidPricingInput, match="pay_bps"):
        limited(1, pay_bps=10_001)
