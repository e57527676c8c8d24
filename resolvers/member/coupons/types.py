"""A member's coupon and what it promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry

from domain import coupon_texts
from domain.coupons import Terms, Validity, shown_status
from domain.pricing import CouponKind, CouponStatus, ScopeKind
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.catalog import category_by_id
from loaders.coupons import coupon_by_id
from loaders.orders import order_by_id
from models.coupon_rows import COUPON_COLUMNS
from models.public_changes import PublicTag
from resolvers.common.context import Context
from resolvers.common.enums import member_of
from resolvers.common.messages import translate
from resolvers.common.scalars import Money
from resolvers.member.catalog.categories import Category
from resolvers.member.catalog.products import Sku, skus_by_ids
from services import coupon_terms

if TYPE_CHECKING:
    from resolvers.member.orders.types import Order

strawberry.enum(CouponKind, name="CouponKind", description="What a coupon gives.")
strawberry.enum(
    CouponStatus, name="CouponStatus", description="Where a member's coupon stands now."
)
strawberry.enum(ScopeKind, name="CouponScopeKind", description="What a coupon applies to.")

_TERMS = public(PublicTag.CAMPAIGNS)
_at = COUPON_COLUMNS.index
_TERMS_ID, _STATUS, _ORDER_ID = _at("terms_id"), _at("status"), _at("order_id")
_FROM, _UNTIL = _at("valid_from"), _at("valid_until")
_ONE_PERCENT = 100
"""Basis points of a percent."""


@dataclass(slots=True)
class ShownTerms:
    """What a coupon promises, and what says when it can be used: a validity, or a coupon's row."""

    terms: Terms
    told_by: Any

    @property
    def validity(self) -> Validity:
        """Return when coupons of these terms can be used."""
        if isinstance(self.told_by, Validity):
            return self.told_by
        return Validity(valid_from=self.told_by[_FROM], valid_until=self.told_by[_UNTIL])


def _scope_kind(shown: ShownTerms, _context: Context) -> ScopeKind:
    return shown.terms.scope.kind


def _scope_title(shown: ShownTerms, context: Context) -> str:
    text = coupon_texts.scope_title(shown.terms, in_english=context.language == "en")
    return translate(text.message, context.language, **text.facts)


@strawberry.type(description="The goods that a coupon covers.")
class CouponScope:
    """Its source is a `ShownTerms`."""

    kind: ScopeKind = derived(
        _scope_kind, metadata=_TERMS, description="All goods, some categories, some products."
    )
    title: str = derived(_scope_title, metadata=_TERMS, description="The scope in words.")

    @batched(
        metadata=public(PublicTag.CAMPAIGNS, PublicTag.CATALOG),
        description="For CATEGORIES: which.",
    )
    @staticmethod
    async def categories(scopes: Sequence[ShownTerms], info: BatchInfo) -> list[list[Category]]:
        wanted = [
            sorted(shown.terms.scope.ids) if shown.terms.scope.kind is ScopeKind.CATEGORIES else []
            for shown in scopes
        ]
        every = list(dict.fromkeys(id_ for ids in wanted for id_ in ids))
        rows = await info.context.loaders.read(category_by_id, every)
        found = dict(zip(every, rows, strict=True))
        return [[cast("Category", found[id_]) for id_ in ids if found[id_]] for ids in wanted]


def _name(shown: ShownTerms, context: Context) -> str:
    return (context.language == "en" and shown.terms.name_en) or shown.terms.name


def _kind(shown: ShownTerms, _context: Context) -> CouponKind:
    return shown.terms.kind


def _amount_off(shown: ShownTerms, _context: Context) -> int | None:
    return shown.terms.amount_off_fen if shown.terms.kind is CouponKind.AMOUNT_OFF else None


def _pay_percent(shown: ShownTerms, _context: Context) -> int | None:
    is_share = shown.terms.kind is CouponKind.PERCENT_OFF
    return shown.terms.pay_bps // _ONE_PERCENT if is_share else None


def _validity_text(shown: ShownTerms, context: Context) -> str:
    text = coupon_texts.validity_text(shown.validity)
    return translate(text.message, context.language, **text.facts)


def _description(shown: ShownTerms, context: Context) -> str:
    """Return the brand's own words, if it has any, and the small print below them."""
    language, terms = context.language, shown.terms
    own = (language == "en" and terms.description_en) or terms.description
    lines = [
        translate(text.message, language, **text.facts)
        for text in coupon_texts.conditions_of(terms)
    ]
    return "\n".join([*([own] if own else []), *lines])


@strawberry.type(description="What a coupon promises.")
class CouponTerms:
    """Its source is a `ShownTerms`."""

    name: str = derived(_name, metadata=_TERMS, description="Its name, such as 满60减5.")
    kind: CouponKind = derived(_kind, metadata=_TERMS, description="What it gives.")
    amount_off: Money | None = derived(
        _amount_off, metadata=_TERMS, description="AMOUNT_OFF: fen off. GIFT and others: null."
    )
    pay_percent: int | None = derived(
        _pay_percent,
        metadata=_TERMS,
        description="PERCENT_OFF: 88 means the member pays 88 % (88 折).",
    )
    max_off: Money | None = derived(
        lambda shown, _context: shown.terms.max_off_fen,
        metadata=_TERMS,
        description="PERCENT_OFF: at most this much off.",
    )
    min_spend: Money = derived(
        lambda shown, _context: shown.terms.min_spend_fen,
        metadata=_TERMS,
        description="Least amount of the goods in scope, after the discounts before a coupon.",
    )
    min_pieces: int = derived(
        lambda shown, _context: shown.terms.min_pieces,
        metadata=_TERMS,
        description="Least number of pieces in scope.",
    )
    scope: CouponScope = derived(
        lambda shown, _context: shown, metadata=_TERMS, description="The goods it covers."
    )
    stacks_with_campaigns: bool = derived(
        lambda shown, _context: shown.terms.stacks_with_campaigns,
        metadata=_TERMS,
        description="Whether it works on flash-sale and group-buy prices.",
    )
    validity_text: str = derived(
        _validity_text, metadata=_TERMS, description="When it is valid, in words."
    )
    description: str = derived(_description, metadata=_TERMS, description="The terms in words.")

    @batched(
        metadata=public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.RULES),
        description="GIFT: what is given.",
    )
    @staticmethod
    async def gift_sku(shown: Sequence[ShownTerms], info: BatchInfo) -> list[Sku | None]:
        return await skus_by_ids(info, [each.terms.gift_sku_id for each in shown])

    @staticmethod
    def of(terms: Terms, validity: Validity) -> CouponTerms:
        """Return what stands for the terms of coupons that can be used then."""
        return cast("CouponTerms", ShownTerms(terms, validity))


_status_of = member_of(CouponStatus)


def _status(coupon: Any, context: Context) -> CouponStatus:
    return shown_status(_status_of(coupon[_STATUS]), coupon[_FROM], coupon[_UNTIL], context.now)


@strawberry.type(description="A coupon of the member's.")
class MemberCoupon:
    """Its source is a coupon's row: `COUPON_COLUMNS`, place by place."""

    id: strawberry.ID = item(_at("id"), convert=str, description="The coupon's id.")
    code: str = item(_at("code"), description="Shown to a till.")
    status: CouponStatus = derived(_status, description="Where it stands.")
    valid_from: datetime = item(_FROM, description="From when on it can be used.")
    valid_until: datetime = item(_UNTIL, description="The first instant it can't.")

    @batched(description="What it promises.")
    @staticmethod
    async def terms(coupons: Sequence[Any], info: BatchInfo) -> list[CouponTerms]:
        del info
        found = await coupon_terms.terms_of({coupon[_TERMS_ID] for coupon in coupons})
        # Its window is made of the coupon's row only where it is asked for.
        return cast(
            "list[CouponTerms]",
            [ShownTerms(found[coupon[_TERMS_ID]], coupon) for coupon in coupons],
        )

    @batched(description="The order that it was used on.")
    @staticmethod
    async def used_on(
        coupons: Sequence[Any], info: BatchInfo
    ) -> list[Annotated[Order, strawberry.lazy("resolvers.member.orders.types")] | None]:
        ids = [
            coupon[_ORDER_ID] if coupon[_STATUS] == CouponStatus.USED else None
            for coupon in coupons
        ]
        wanted = list({order_id for order_id in ids if order_id is not None})
        # Not by way of the orders' own types: those show coupons, too.
        rows = await info.context.loaders.read(
            order_by_id, wanted, viewer_id=info.context.member_id
        )
        orders = dict(zip(wanted, rows, strict=True))
        return [None if order_id is None else orders[order_id] for order_id in ids]


async def coupons_by_ids(context: Context, ids: Sequence[UUID | None]) -> list[MemberCoupon | None]:
    """Return the viewer's coupons in the order of their ids; None for no id and for others'."""
    wanted = [coupon_id for coupon_id in ids if coupon_id is not None]
    rows = await context.loaders.read(coupon_by_id, wanted, viewer_id=context.member_id)
    found = dict(zip(wanted, rows, strict=True))
    return cast(
        "list[MemberCoupon | None]",
        [None if coupon_id is None else found[coupon_id] for coupon_id in ids],
    )
