"""Requests of every shape for the properties of the quote; amounts small, so that edges are hit."""

from datetime import timedelta

from hypothesis import strategies as st

from domain.orders import DeliveryMethod
from domain.pricing import (
    ALL_GOODS,
    Buyer,
    CampaignPrice,
    Coupon,
    CouponKind,
    CouponStatus,
    DiscountKind,
    FullReduction,
    LimitedTimePrice,
    Line,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    QuoteRequest,
    Rung,
    Scope,
    ScopeKind,
)
from tests.unit.pricing.cases import EXPIRY, RULES, uid

PRODUCTS = tuple(uid(number) for number in range(1, 6))
CATEGORIES = tuple(uid(number) for number in range(11, 14))

prices = st.one_of(st.integers(0, 30), st.integers(0, 5_000), st.integers(0, 10**12))
amounts = st.integers(0, 6_000)
shares_bps = st.sampled_from([0, 1, 3_333, 5_000, 8_000, 8_800, 9_999, 10_000])

scopes = st.one_of(
    st.just(ALL_GOODS),
    st.builds(
        Scope, st.just(ScopeKind.PRODUCTS), st.frozensets(st.sampled_from(PRODUCTS), min_size=1)
    ),
    st.builds(
        Scope, st.just(ScopeKind.CATEGORIES), st.frozensets(st.sampled_from(CATEGORIES), min_size=1)
    ),
)


def lines(max_quantity: int) -> st.SearchStrategy[Line]:
    """Lines of few products, with or without their own prices and weights."""
    campaigns = st.builds(
        CampaignPrice,
        kind=st.sampled_from([DiscountKind.FLASH_SALE, DiscountKind.GROUP_BUY]),
        source_id=st.just(uid(900)),
        title=st.just("campaign"),
        price_fen=prices,
    )
    return st.builds(
        Line,
        sku_id=st.sampled_from(PRODUCTS),
        product_id=st.sampled_from(PRODUCTS),
        list_price_fen=prices,
        quantity=st.integers(1, max_quantity),
        category_ids=st.frozensets(st.sampled_from(CATEGORIES)),
        weight_grams=st.integers(0, 3_000),
        ships=st.sampled_from([True, True, True, False]),
        tier_price_fen=st.none() | prices,
        campaign=st.none() | st.none() | campaigns,
    )


@st.composite
def promotions(draw: st.DrawFn) -> tuple[Promotion, ...]:
    """Up to two promotions of each step."""
    limited = draw(
        st.lists(
            st.builds(
                LimitedTimePrice,
                id=st.integers(100, 199).map(uid),
                title=st.just("limited"),
                price_fen_by_sku=st.dictionaries(st.sampled_from(PRODUCTS), prices, max_size=2),
                pay_bps=st.none() | shares_bps,
                scope=scopes,
            ),
            max_size=2,
            unique_by=lambda each: each.id,
        )
    )
    return (*limited, *draw(quantity_discounts), *draw(full_reductions))


quantity_discounts = st.lists(
    st.builds(
        QuantityDiscount,
        id=st.integers(200, 299).map(uid),
        title=st.just("quantity"),
        rule=st.sampled_from(QuantityRule),
        pieces=st.integers(1, 4),
        pay_bps=shares_bps,
        scope=scopes,
    ),
    max_size=2,
    unique_by=lambda each: each.id,
)
full_reductions = st.lists(
    st.builds(
        FullReduction,
        id=st.integers(300, 399).map(uid),
        title=st.just("reduction"),
        rungs=st.lists(st.builds(Rung, amounts, amounts), min_size=1, max_size=3).map(tuple),
        scope=scopes,
    ),
    max_size=2,
    unique_by=lambda each: each.id,
)
coupons = st.lists(
    st.builds(
        Coupon,
        id=st.integers(400, 499).map(uid),
        title=st.just("coupon"),
        kind=st.sampled_from(CouponKind),
        valid_until=st.integers(0, 2).map(lambda days: EXPIRY + timedelta(days=days)),
        status=st.sampled_from([CouponStatus.USABLE] * 5 + [CouponStatus.RESERVED]),
        amount_off_fen=amounts,
        pay_bps=shares_bps,
        max_off_fen=st.none() | amounts,
        min_spend_fen=st.just(0) | amounts,
        min_pieces=st.integers(0, 3),
        scope=scopes,
        stacks_with_campaigns=st.booleans(),
        gift_sku_id=st.none() | st.sampled_from(PRODUCTS),
    ),
    max_size=5,
    unique_by=lambda each: each.id,
)
buyers = st.builds(
    Buyer,
    tier=st.sampled_from(RULES.tiers),
    is_member=st.sampled_from([True, True, True, False]),
    points_balance=st.integers(0, 5_000),
    extra_multipliers_bps=st.sampled_from([(), (20_000,), (20_000, 12_345)]),
)


@st.composite
def requests(draw: st.DrawFn, max_quantity: int = 99) -> QuoteRequest:
    """Whole requests, with coupons chosen by the member, at random, or the best."""
    held = tuple(draw(coupons))
    chosen = draw(st.lists(st.sampled_from(held), max_size=2)) if held else []
    return QuoteRequest(
        lines=tuple(draw(st.lists(lines(max_quantity), max_size=6))),
        buyer=draw(buyers),
        rules=RULES,
        promotions=draw(promotions()),
        coupons=held,
        coupon_ids=tuple(coupon.id for coupon in chosen),
        best_coupons=draw(st.booleans()),
        points_to_spend=draw(st.just(0) | st.integers(0, 3_000)),
        use_max_points=draw(st.booleans()),
        delivery=draw(st.sampled_from(DeliveryMethod)),
        province=draw(st.sampled_from(["31", "31", "54", None])),
    )
