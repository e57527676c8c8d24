"""Promotions: limited-time prices, quantity discounts, full reductions (docs/rules.md, section 5).

What a promotion takes off is pricing's to say. Here stand when and for whom it runs, what may be
published, and what of it a product's page shows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar
from uuid import UUID

from domain.clock import business_day
from domain.errors import InvalidInput
from domain.money import MAX_FEN, WHOLE_BPS, to_pay_fen
from domain.pricing import (
    FullReduction,
    LimitedTimePrice,
    Promotion,
    QuantityDiscount,
    QuantityRule,
    Rung,
    Scope,
    ScopeKind,
)


class PromotionKind(StrEnum):
    """The steps of the price that promotions take part in."""

    LIMITED_TIME = "LIMITED_TIME"
    QUANTITY_DISCOUNT = "QUANTITY_DISCOUNT"
    FULL_REDUCTION = "FULL_REDUCTION"


KINDS: Mapping[type[Promotion], PromotionKind] = {
    LimitedTimePrice: PromotionKind.LIMITED_TIME,
    QuantityDiscount: PromotionKind.QUANTITY_DISCOUNT,
    FullReduction: PromotionKind.FULL_REDUCTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A promotion with its window (the end excluded) and whom it is for.

    `tier_codes` empty is for everybody, with a token or without. `priority` decides which of a
    product's promotions is named first, the highest; it never changes a price.
    """

    promotion: Promotion
    starts_at: datetime
    ends_at: datetime
    tier_codes: frozenset[str] = frozenset()
    priority: int = 0

    @property
    def kind(self) -> PromotionKind:
        """Return which step of the price it takes part in."""
        return KINDS[type(self.promotion)]

    def runs(self, now: datetime) -> bool:
        """Tell whether it runs at this instant."""
        return self.starts_at <= now < self.ends_at

    def is_for(self, tier_code: str | None) -> bool:
        """Tell whether it is for a tier; None is who has no tier."""
        return not self.tier_codes or tier_code in self.tier_codes


# ── The stored form ──


def terms_to_json(promotion: Promotion) -> dict[str, Any]:
    """Return what a promotion says beside its title and scope, as plain values."""
    match promotion:
        case LimitedTimePrice():
            prices = {str(sku): fen for sku, fen in promotion.price_fen_by_sku.items()}
            return {"prices": prices, "pay_bps": promotion.pay_bps}
        case QuantityDiscount():
            return {
                "rule": promotion.rule.value,
                "pieces": promotion.pieces,
                "pay_bps": promotion.pay_bps,
            }
        case FullReduction():
            return {"rungs": [[rung.min_spend_fen, rung.off_fen] for rung in promotion.rungs]}


def promotion_from_json(
    kind: PromotionKind, promotion_id: UUID, title: str, scope: Scope, terms: Mapping[str, Any]
) -> Promotion:
    """Read a stored promotion."""
    match kind:
        case PromotionKind.LIMITED_TIME:
            return LimitedTimePrice(
                id=promotion_id,
                title=title,
                price_fen_by_sku={UUID(sku): fen for sku, fen in terms["prices"].items()},
                pay_bps=terms["pay_bps"],
                scope=scope,
            )
        case PromotionKind.QUANTITY_DISCOUNT:
            return QuantityDiscount(
                id=promotion_id,
                title=title,
                rule=QuantityRule(terms["rule"]),
                pieces=terms["pieces"],
                pay_bps=terms["pay_bps"],
                scope=scope,
            )
        case PromotionKind.FULL_REDUCTION:
            rungs = tuple(Rung(spend, off) for spend, off in terms["rungs"])
            return FullReduction(id=promotion_id, title=title, rungs=rungs, scope=scope)


# ── What may be published ──

MAX_TITLE_LENGTH = 128


def check(scheduled: Scheduled) -> None:
    """Refuse what can't be meant.

    Raises:
        InvalidInput: with the field at fault.
    """
    promotion = scheduled.promotion
    require(0 < len(promotion.title.strip()) <= MAX_TITLE_LENGTH, "title", "A title is expected.")
    require(scheduled.starts_at < scheduled.ends_at, "endsAt", "The end must come after the start.")
    has_ids = bool(promotion.scope.ids)
    require(
        has_ids == (promotion.scope.kind is not ScopeKind.ALL),
        "scope",
        "Categories or products are named, and only for such a scope.",
    )
    match promotion:
        case LimitedTimePrice():
            _check_limited_time(promotion)
        case QuantityDiscount():
            require(promotion.pieces >= 2, "pieces", "At least 2 pieces are expected.")
            require(promotion.pay_bps < WHOLE_BPS, "payBps", "Less than 10000 is expected.")
        case FullReduction():
            _check_rungs(promotion.rungs)


def _check_limited_time(promotion: LimitedTimePrice) -> None:
    """One of the two forms: prices of single SKUs, or a share of the list price."""
    has_prices = bool(promotion.price_fen_by_sku)
    require(
        has_prices == (promotion.pay_bps is None),
        "terms",
        "Either prices by SKU or a percentage is expected.",
    )
    if has_prices:
        require(
            promotion.scope.kind is ScopeKind.ALL, "scope", "Prices by SKU are their own scope."
        )
        require(max(promotion.price_fen_by_sku.values()) <= MAX_FEN, "prices", "Too large.")
    else:
        require((promotion.pay_bps or 0) < WHOLE_BPS, "payBps", "Less than 10000 is expected.")


def _check_rungs(rungs: tuple[Rung, ...]) -> None:
    require(bool(rungs), "rungs", "At least one rung is expected.")
    for rung in rungs:
        require(
            0 < rung.off_fen <= rung.min_spend_fen <= MAX_FEN,
            "rungs",
            "A rung takes something off, at most what it asks for.",
        )
    for lower, higher in pairwise(rungs):
        require(
            lower.min_spend_fen < higher.min_spend_fen and lower.off_fen < higher.off_fen,
            "rungs",
            "Each rung asks for more and takes more off than the one before.",
        )


def require(holds: bool, field: str, problem: str) -> None:
    """Refuse what an operator wants, in words for operators.

    Raises:
        InvalidInput: it doesn't hold.
    """
    if not holds:
        raise InvalidInput(path=(field,), problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Another promotion of the same kind that some goods and members would meet at the same time.

    Nobody is hurt by it: prices go by the lowest, discounts by what takes most off. `products`
    counts the products that both cover, `starts_at` and `ends_at` when both run.
    """

    promotion_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    products: int


def could_meet(one: Scheduled, other: Scheduled) -> bool:
    """Tell whether both would run at some instant for some member, in the same step."""
    return (
        one.kind is other.kind
        and one.starts_at < other.ends_at
        and other.starts_at < one.ends_at
        and (
            not one.tier_codes
            or not other.tier_codes
            or not one.tier_codes.isdisjoint(other.tier_codes)
        )
    )


# ── What runs ──

_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Timetable:
    """Promotions by their windows; answers with what runs at an instant."""

    __slots__ = ("_running", "_scheduled")

    def __init__(self, scheduled: Iterable[Scheduled] = ()) -> None:
        self._scheduled = tuple(scheduled)
        self._running: Running | None = None

    def at(self, now: datetime) -> Running:
        """Return what runs at this instant; until one begins or ends that is one and the same."""
        running = self._running
        if running is None or not running.since <= now < running.until:
            running = self._running = self._at(now)
        return running

    def _at(self, now: datetime) -> Running:
        edges = [edge for each in self._scheduled for edge in (each.starts_at, each.ends_at)]
        return Running(
            [each for each in self._scheduled if each.runs(now)],
            since=max((edge for edge in edges if edge <= now), default=_EVER),
            until=min((edge for edge in edges if edge > now), default=_NEVER),
        )


class Running:
    """The promotions that run from one instant to another, tier by tier."""

    __slots__ = (
        *("_by_tier", "_scheduled", "category_ids", "has_prices", "has_titles", "price_days"),
        *("since", "until"),
    )

    def __init__(
        self,
        scheduled: Iterable[Scheduled] = (),
        *,
        since: datetime = _EVER,
        until: datetime = _NEVER,
    ) -> None:
        # The highest priority first; between equals the one published first: ids grow with time.
        self._scheduled = sorted(scheduled, key=lambda each: (-each.priority, each.promotion.id))
        self._by_tier: dict[str | None, TierOffers] = {}
        self.since = since
        self.until = until
        kinds = {each.kind for each in self._scheduled}
        self.has_prices = PromotionKind.LIMITED_TIME in kinds
        self.has_titles = bool(kinds - {PromotionKind.LIMITED_TIME})
        self.category_ids = _sorted(
            category_id
            for each in self._scheduled
            if each.promotion.scope.kind is ScopeKind.CATEGORIES
            for category_id in each.promotion.scope.ids
        )
        """The categories that it takes to tell what a product is covered by."""
        self.price_days = _sorted(
            business_day(each.starts_at)
            for each in self._scheduled
            if each.kind is PromotionKind.LIMITED_TIME
        )
        """The days on which the limited-time prices that run now began."""

    def of_tier(self, tier_code: str | None) -> TierOffers:
        """Return what runs for a tier; None is who has no tier."""
        found = self._by_tier.get(tier_code)
        if found is None:
            mine = [each for each in self._scheduled if each.is_for(tier_code)]
            found = self._by_tier[tier_code] = TierOffers(mine)
        return found


_Ordered = TypeVar("_Ordered", UUID, date)


def _sorted(values: Iterable[_Ordered]) -> tuple[_Ordered, ...]:
    """Return each value once, so that equal sets make equal tuples."""
    return tuple(sorted(set(values)))


Since = tuple[int, datetime]
"""Fen or basis points that a limited-time price asks for one piece, and since when it does."""


class TierOffers:
    """What runs for one tier, made ready to be asked for one product after the other."""

    __slots__ = ("_everywhere", "_named", "_of_category", "_of_product", "_others", "promotions")

    def __init__(self, scheduled: Collection[Scheduled]) -> None:
        self.promotions = tuple(each.promotion for each in scheduled)
        self._named: dict[object, Since] = {}
        self._everywhere: Since | None = None
        self._of_product: dict[UUID, Since] = {}
        self._of_category: dict[UUID, Since] = {}
        self._others: list[tuple[Scope, str]] = []
        for each in sorted(scheduled, key=lambda each: each.promotion.id):
            if isinstance(each.promotion, LimitedTimePrice):
                self._add_limited(each.promotion, each.starts_at)
        for each in scheduled:
            if not isinstance(each.promotion, LimitedTimePrice):
                self._others.append((each.promotion.scope, each.promotion.title))

    def _add_limited(self, offer: LimitedTimePrice, since: datetime) -> None:
        for sku_id, price_fen in offer.price_fen_by_sku.items():
            # Rows have ids as they are, or as JSON holds them.
            for key in (sku_id, str(sku_id)):
                self._named[key] = _lower(self._named.get(key), (price_fen, since))
        if offer.pay_bps is None:
            return
        share = (offer.pay_bps, since)
        if offer.scope.kind is ScopeKind.ALL:
            self._everywhere = _lower(self._everywhere, share)
            return
        of_products = offer.scope.kind is ScopeKind.PRODUCTS
        shares = self._of_product if of_products else self._of_category
        for id_ in offer.scope.ids:
            shares[id_] = _lower(shares.get(id_), share)

    def titles(self, product_id: UUID, category_ids: Collection[UUID]) -> list[str]:
        """Return the titles of quantity discounts and full reductions on a product, in order."""
        return [title for scope, title in self._others if _covers(scope, product_id, category_ids)]

    def share(self, product_id: UUID, category_ids: Iterable[UUID]) -> Since | None:
        """Return the lowest share of the list price, in basis points, asked for a product."""
        lowest = self._everywhere
        if self._of_product and (found := self._of_product.get(product_id)):
            lowest = _lower(lowest, found)
        if self._of_category:
            for category_id in category_ids:
                if found := self._of_category.get(category_id):
                    lowest = _lower(lowest, found)
        return lowest

    def lowest(self, sku_id: object, list_price_fen: int, share: Since | None) -> Since | None:
        """Return the lowest limited-time price of a SKU, in fen; None where there is none.

        `sku_id` may be a UUID or its text, `share` is its product's.
        """
        named = self._named.get(sku_id) if self._named else None
        if share is None:
            return named
        price_fen = to_pay_fen(list_price_fen, share[0])
        if named is not None and named[0] <= price_fen:
            return named
        return price_fen, share[1]


def _lower(known: Since | None, other: Since) -> Since:
    """Return the lower of two; between equals the one that is known."""
    return other if known is None or other[0] < known[0] else known


def _covers(scope: Scope, product_id: UUID, category_ids: Collection[UUID]) -> bool:
    if scope.kind is ScopeKind.ALL:
        return True
    if scope.kind is ScopeKind.PRODUCTS:
        return product_id in scope.ids
    return not scope.ids.isdisjoint(category_ids)
