"""What a quote is computed from: plain frozen values, fetched by the services.

Whoever builds a request has already decided what needs a clock or a database: promotions and
campaign prices are those running now for this buyer, coupons carry the status of this instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.money import WHOLE_BPS
from domain.orders import DeliveryMethod
from domain.rules import Rules, TierRules


class InvalidPricingInput(ValueError):
    """A value that no service may build: a mistake of ours, never a member's input."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise InvalidPricingInput(what)


def _is_share(bps: int) -> bool:
    return 0 <= bps <= WHOLE_BPS


class ScopeKind(StrEnum):
    """What a promotion or coupon applies to."""

    ALL = "ALL"
    CATEGORIES = "CATEGORIES"
    PRODUCTS = "PRODUCTS"


class CouponKind(StrEnum):
    """What a coupon gives. FREE_SHIPPING is the shipping coupon; the others are goods coupons."""

    AMOUNT_OFF = "AMOUNT_OFF"
    PERCENT_OFF = "PERCENT_OFF"
    FREE_SHIPPING = "FREE_SHIPPING"
    GIFT = "GIFT"


class CouponStatus(StrEnum):
    """Where a member's coupon stands at the instant of the quote."""

    USABLE = "USABLE"
    NOT_YET_VALID = "NOT_YET_VALID"
    RESERVED = "RESERVED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class DiscountKind(StrEnum):
    """The causes of money off, as members see them."""

    MEMBER_PRICE = "MEMBER_PRICE"
    LIMITED_TIME = "LIMITED_TIME"
    FLASH_SALE = "FLASH_SALE"
    GROUP_BUY = "GROUP_BUY"
    QUANTITY_DISCOUNT = "QUANTITY_DISCOUNT"
    FULL_REDUCTION = "FULL_REDUCTION"
    COUPON = "COUPON"
    POINTS = "POINTS"
    SHIPPING = "SHIPPING"


@dataclass(frozen=True, slots=True)
class Scope:
    """The goods that a promotion or coupon covers; `ids` are categories or products by `kind`."""

    kind: ScopeKind = ScopeKind.ALL
    ids: frozenset[UUID] = frozenset()

    def covers(self, line: Line) -> bool:
        """Tell whether a line's goods are in scope."""
        return self.covers_product(line.product_id, line.category_ids)

    def covers_product(self, product_id: UUID, category_ids: frozenset[UUID]) -> bool:
        """Tell whether a product is in scope; the ids are its categories' and those above them."""
        if self.kind is ScopeKind.ALL:
            return True
        if self.kind is ScopeKind.PRODUCTS:
            return product_id in self.ids
        return not self.ids.isdisjoint(category_ids)


ALL_GOODS = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPrice:
    """The price of a flash-sale or group-buy item; it makes its line a campaign line."""

    kind: DiscountKind
    source_id: UUID
    title: str
    price_fen: int

    def __post_init__(self) -> None:
        """Refuse another kind, or a price below zero."""
        campaigns = (DiscountKind.FLASH_SALE, DiscountKind.GROUP_BUY)
        _require(self.kind in campaigns, f"{self.kind} is not a campaign")
        _require(self.price_fen >= 0, "a campaign price is at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the order: `category_ids` holds the product's categories and their ancestors.

    `tier_price_fen` is the SKU's explicit price for the buyer's tier, in place of the tier's
    percentage. A `weight_grams` of 0 is an unknown weight. Virtual goods have `ships=False`.
    """

    sku_id: UUID
    product_id: UUID
    list_price_fen: int
    quantity: int
    category_ids: frozenset[UUID] = frozenset()
    weight_grams: int = 0
    ships: bool = True
    tier_price_fen: int | None = None
    campaign: CampaignPrice | None = None

    def __post_init__(self) -> None:
        """Refuse a line without pieces, or anything below zero."""
        _require(self.quantity >= 1, "a line has at least one piece")
        _require(self.list_price_fen >= 0, "a list price is at least 0")
        _require(self.weight_grams >= 0, "a weight is at least 0")
        _require(
            self.tier_price_fen is None or self.tier_price_fen >= 0, "a tier price is at least 0"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys. A visitor (`is_member=False`) earns nothing, and uses no points and no coupons.

    A member whose `consent_is_current` is false earns, and uses nothing before they have accepted
    the agreements anew. `extra_multipliers_bps` multiply the tier's points multiplier: 20 000
    doubles on a birthday.
    """

    tier: TierRules
    is_member: bool = True
    consent_is_current: bool = True
    points_balance: int = 0
    extra_multipliers_bps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a balance or a multiplier below zero."""
        _require(self.points_balance >= 0, "a balance of points is at least 0")
        _require(all(bps >= 0 for bps in self.extra_multipliers_bps), "multipliers are at least 0")

    @property
    def may_use_what_they_have(self) -> bool:
        """Tell whether points and coupons can be used."""
        return self.is_member and self.consent_is_current


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedTimePrice:
    """限时价: a price by SKU, or a percentage of the list price of the goods in scope."""

    id: UUID
    title: str
    price_fen_by_sku: Mapping[UUID, int] = field(default_factory=dict)
    pay_bps: int | None = None
    scope: Scope = ALL_GOODS

    def __post_init__(self) -> None:
        """Refuse a price below zero, or a percentage beyond 0 to 100 %."""
        _require(all(fen >= 0 for fen in self.price_fen_by_sku.values()), "prices are at least 0")
        _require(self.pay_bps is None or _is_share(self.pay_bps), "pay_bps is from 0 to 10 000")


class QuantityRule(StrEnum):
    """The two templates of a quantity discount."""

    EVERY_NTH_PIECE = "EVERY_NTH_PIECE"
    """第2件半价: every n-th piece, dearest first, is paid at `pay_bps`."""
    FROM_PIECES = "FROM_PIECES"
    """3件8折: from n pieces on, all pieces are paid at `pay_bps`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityDiscount:
    """A discount by pieces: every n-th piece, or all from n pieces on, is paid at `pay_bps`."""

    id: UUID
    title: str
    rule: QuantityRule
    pieces: int
    pay_bps: int
    scope: Scope = ALL_GOODS

    def __post_init__(self) -> None:
        """Refuse no pieces, or a percentage beyond 0 to 100 %."""
        _require(self.pieces >= 1, "a quantity discount counts at least one piece")
        _require(_is_share(self.pay_bps), "pay_bps is from 0 to 10 000")


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a full reduction: `off_fen` off from `min_spend_fen` on."""

    min_spend_fen: int
    off_fen: int

    def __post_init__(self) -> None:
        """Refuse anything below zero."""
        _require(self.min_spend_fen >= 0 and self.off_fen >= 0, "a rung is at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FullReduction:
    """满减: the best rung that the goods in scope reach, once."""

    id: UUID
    title: str
    rungs: tuple[Rung, ...]
    scope: Scope = ALL_GOODS


Promotion = LimitedTimePrice | QuantityDiscount | FullReduction


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """One coupon of the member, from its snapshot, with its status at this instant.

    AMOUNT_OFF uses `amount_off_fen`; PERCENT_OFF `pay_bps` (8 800 = 88 折) and `max_off_fen`;
    FREE_SHIPPING takes the shipping off, up to `max_off_fen`; GIFT pays for one piece of
    `gift_sku_id` among the lines.
    """

    id: UUID
    title: str
    title_en: str = ""
    kind: CouponKind
    valid_until: datetime
    status: CouponStatus = CouponStatus.USABLE
    amount_off_fen: int = 0
    pay_bps: int = WHOLE_BPS
    max_off_fen: int | None = None
    min_spend_fen: int = 0
    min_pieces: int = 0
    scope: Scope = ALL_GOODS
    stacks_with_campaigns: bool = False
    gift_sku_id: UUID | None = None

    def __post_init__(self) -> None:
        """Refuse anything below zero, or a percentage beyond 0 to 100 %."""
        amounts = (self.amount_off_fen, self.max_off_fen or 0, self.min_spend_fen, self.min_pieces)
        _require(min(amounts) >= 0, "a coupon's amounts are at least 0")
        _require(_is_share(self.pay_bps), "pay_bps is from 0 to 10 000")

    @property
    def titles(self) -> dict[str, str]:
        """Return its title in both languages, as facts; one without an English one has one."""
        return {"coupon": self.title, "coupon_en": self.title_en or self.title}

    @property
    def is_for_shipping(self) -> bool:
        """Tell whether this takes the order's one place for a shipping coupon."""
        return self.kind is CouponKind.FREE_SHIPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """Everything that the price of an order depends on.

    `coupons` are all that the member holds; `coupon_ids` those chosen, in the draft's order.
    `best_coupons` and `use_max_points` choose in the member's place and come before their
    choices. `province` is the first two digits of the address's division code, None without an
    address.
    """

    lines: tuple[Line, ...]
    buyer: Buyer
    rules: Rules
    promotions: tuple[Promotion, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    coupon_ids: tuple[UUID, ...] = ()
    best_coupons: bool = False
    points_to_spend: int = 0
    use_max_points: bool = False
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS
    province: str | None = None
