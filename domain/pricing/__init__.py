"""The price of an order, as one pure function (docs/rules.md, section 5).

    quote(request: QuoteRequest) -> Quote
        The whole price: lines, units, discounts, coupons, points, shipping, hints, problems.
        The same request always gives the same quote; carts, checkout and placing all call it.
        Raises OrderTooLarge (a DomainError) when a total is beyond 2^53 − 1.

    selling_price(line, tier, limited_time_prices) -> SellingPrice
        Step 1 alone, for `Sku.currentPrice` and its kind.
    member_price_fen(list_price_fen, tier, tier_price_fen) -> int
        What the tier pays for one piece, never above list: `Sku.memberPrice`.
    price_without_offers(list_price_fen, member_fen) -> (fen, DiscountKind | None)
        Step 1 where no limited-time offer stands, cheap enough for every SKU of a list.

    with_earnings(lines, buyer, rules) -> Earned
        Points and growth that paid units earn, split to the units: `quote` calls it, and settling a
        payment calls it again with the multipliers of that moment.

    refund_shares(units, already_refunded, quantity) -> RefundShares
        What refunding the next `quantity` units of a line gives back: their stored shares.

    discounts_to_json / discounts_from_json, units_to_json / units_from_json
        The stored form of `QuotedLine.discounts` and `QuotedLine.units` in `order_line`.

Services build a `QuoteRequest` from rows, with everything that needs a clock already decided. A
refusal is a `Problem` in the quote, never an exception; an order with problems is not placed.
"""

from domain.pricing.engine import OrderTooLarge, quote
from domain.pricing.inputs import (
    ALL_GOODS,
    Buyer,
    CampaignPrice,
    Coupon,
    CouponKind,
    CouponStatus,
    DiscountKind,
    FullReduction,
    InvalidPricingInput,
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
from domain.pricing.points import Earned, with_earnings
from domain.pricing.refunds import RefundShares, refund_shares
from domain.pricing.results import (
    Discount,
    Facts,
    Hint,
    Problem,
    Quote,
    QuotedLine,
    UnitShares,
    UnusableCoupon,
    UsableCoupon,
)
from domain.pricing.selling import (
    SellingPrice,
    member_price_fen,
    price_without_offers,
    selling_price,
)
from domain.pricing.storage import (
    discounts_from_json,
    discounts_to_json,
    units_from_json,
    units_to_json,
)

__all__ = [
    "ALL_GOODS",
    "Buyer",
    "CampaignPrice",
    "Coupon",
    "CouponKind",
    "CouponStatus",
    "Discount",
    "DiscountKind",
    "Earned",
    "Facts",
    "FullReduction",
    "Hint",
    "InvalidPricingInput",
    "LimitedTimePrice",
    "Line",
    "OrderTooLarge",
    "Problem",
    "Promotion",
    "QuantityDiscount",
    "QuantityRule",
    "Quote",
    "QuoteRequest",
    "QuotedLine",
    "RefundShares",
    "Rung",
    "Scope",
    "ScopeKind",
    "SellingPrice",
    "UnitShares",
    "UnusableCoupon",
    "UsableCoupon",
    "discounts_from_json",
    "discounts_to_json",
    "member_price_fen",
    "price_without_offers",
    "quote",
    "refund_shares",
    "selling_price",
    "units_from_json",
    "units_to_json",
    "with_earnings",
]
