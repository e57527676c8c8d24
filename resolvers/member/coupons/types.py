"""A member's coupon and its terms, as quotes name them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.pricing import CouponKind, CouponStatus, ScopeKind
from resolvers.common.scalars import Money
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.products import Sku

if TYPE_CHECKING:
    from resolvers.member.orders.types import Order

strawberry.enum(CouponKind, name="CouponKind", description="What a coupon gives.")
strawberry.enum(
    CouponStatus, name="CouponStatus", description="Where a member's coupon stands now."
)
strawberry.enum(ScopeKind, name="CouponScopeKind", description="What a coupon applies to.")


@strawberry.type(description="The goods that a coupon covers.")
class CouponScope:
    kind: ScopeKind = strawberry.field(description="All goods, some categories, some products.")
    categories: list[Category] = strawberry.field(description="For CATEGORIES: which.")
    title: str = strawberry.field(description="The scope in words.")


@strawberry.type(description="What a coupon promises.")
class CouponTerms:
    name: str = strawberry.field(description="Its name, such as 满60减5.")
    kind: CouponKind = strawberry.field(description="What it gives.")
    amount_off: Money | None = strawberry.field(
        description="AMOUNT_OFF: fen off. GIFT and others: null."
    )
    pay_percent: int | None = strawberry.field(
        description="PERCENT_OFF: 88 means the member pays 88 % (88 折)."
    )
    max_off: Money | None = strawberry.field(description="PERCENT_OFF: at most this much off.")
    min_spend: Money = strawberry.field(
        description="Least amount of the goods in scope, after the discounts before a coupon."
    )
    min_pieces: int = strawberry.field(description="Least number of pieces in scope.")
    scope: CouponScope = strawberry.field(description="The goods it covers.")
    stacks_with_campaigns: bool = strawberry.field(
        description="Whether it works on flash-sale and group-buy prices."
    )
    validity_text: str = strawberry.field(description="When it is valid, in words.")
    gift_sku: Sku | None = strawberry.field(description="GIFT: what is given.")
    description: str = strawberry.field(description="The terms in words.")


@strawberry.type(description="A coupon of the member's.")
class MemberCoupon:
    id: strawberry.ID = strawberry.field(description="The coupon's id.")
    code: str = strawberry.field(description="Shown to a till.")
    terms: CouponTerms = strawberry.field(description="What it promises.")
    status: CouponStatus = strawberry.field(description="Where it stands.")
    valid_from: datetime = strawberry.field(description="From when on it can be used.")
    valid_until: datetime = strawberry.field(description="The first instant it can't.")
    used_on: Annotated[Order, strawberry.lazy("resolvers.member.orders.types")] | None = (
        strawberry.field(description="The order that it was used on.")
    )
