"""What the reader hands out: plain values, in the shop's own words and ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

MAX_LINE_QUANTITY = 99
"""Pieces of one line that are still a shopper's; above are litres of fuel and the like."""
MAX_ORDER_LINES = 100
"""Lines that one order may have; a larger basket is split."""


class LeftOutReason(StrEnum):
    """Why a line of the source is not imported; the first that applies counts."""

    QUANTITY_ZERO = "quantity 0"
    QUANTITY_OVER_99 = "quantity over 99"
    WITHOUT_VALUE = "without value"
    UNKNOWN_PRODUCT = "product not in the product table"


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree department → category → type; `id` is its path in the source's words."""

    id: str
    parent_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product with the one SKU it has.

    `price_fen` is the most frequent price per piece; of a product never bought with a value
    (`is_sold` false) it is only the median of its kind. `rank` counts from 1, the one on most
    receipts first.
    """

    id: int
    name: str
    subtitle: str
    keywords: str
    category_ids: tuple[str, ...]
    brand: str
    manufacturer_id: int
    package_size: str | None
    weight_grams: int
    price_fen: int
    is_sold: bool
    rank: int


@dataclass(frozen=True, slots=True)
class Store:
    """A shop. The source knows nothing of it but its number."""

    id: int


@dataclass(frozen=True, slots=True)
class Demographics:
    """What 801 of the households said of themselves, in the source's brackets."""

    age: str | None
    income: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_comp: str | None
    kids_count: str | None


@dataclass(frozen=True, slots=True)
class Household:
    """A holder of the shop's loyalty card."""

    id: int
    first_basket_at: datetime
    baskets: int
    demographics: Demographics | None


@dataclass(frozen=True, slots=True)
class BasketLine:
    """Pieces of one product at its SKU's price."""

    product_id: int
    quantity: int
    price_fen: int

    @property
    def amount_fen(self) -> int:
        """Return what the line comes to at the SKU's price."""
        return self.quantity * self.price_fen


@dataclass(frozen=True, slots=True)
class Basket:
    """A purchase, or one part of it: `part` counts from 1 where a basket was split.

    `at` is the instant at which Shanghai's clocks show what the shop's clock showed.
    """

    id: int
    part: int
    household_id: int
    store_id: int
    at: datetime
    lines: tuple[BasketLine, ...]

    @property
    def amount_fen(self) -> int:
        """Return what all lines come to at the SKUs' prices."""
        return sum(line.amount_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon of a campaign that somebody redeemed, and the products it was good for.

    `amount_fen` is what it mostly took off, as far as the receipts tell.
    """

    campaign_id: int
    upc: int
    amount_fen: int
    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with both its days included, and the households that it was sent to.

    `most_redeemed` is the coupon that stands for it; `most_uses` is how many coupons of it a
    household redeemed at most.
    """

    id: int
    kind: str
    starts_on: date
    ends_on: date
    household_ids: tuple[int, ...]
    most_redeemed: Coupon
    most_uses: int


@dataclass(frozen=True, slots=True)
class Redemption:
    """A coupon redeemed on a day; `place` counts a household's of one campaign from 1."""

    household_id: int
    campaign_id: int
    upc: int
    day: date
    place: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the source holds, what comes in of it, and what is left out and why."""

    products: int
    products_sold: int
    stores: int
    households: int
    baskets: int
    baskets_with_lines: int
    baskets_split: int
    lines: int
    lines_in: int
    left_out: dict[LeftOutReason, int]
