"""Words and pure rules of the catalogue: stock levels, labels, struck-through prices, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.rules import CatalogRules


class SaleStatus(StrEnum):
    """Whether a product or SKU can be seen and bought."""

    ON_SALE = "ON_SALE"
    OFF_SALE = "OFF_SALE"


class StockLevel(StrEnum):
    """What a shopper is told of the stock."""

    IN_STOCK = "IN_STOCK"
    LOW = "LOW"
    OUT = "OUT"


def stock_level(available: int, rules: CatalogRules) -> StockLevel:
    """Return the level shown for a number of available pieces."""
    if available <= 0:
        return StockLevel.OUT
    return StockLevel.LOW if available <= rules.low_stock_pieces else StockLevel.IN_STOCK


class ProductSort(StrEnum):
    """The orders a product list can be read in."""

    RECOMMENDED = "RECOMMENDED"
    NEWEST = "NEWEST"
    BEST_SELLING = "BEST_SELLING"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"


class PriceLabel(StrEnum):
    """The words of a labelled reference price: 吊牌价 or 建议零售价."""

    TAG_PRICE = "TAG_PRICE"
    SUGGESTED_RETAIL_PRICE = "SUGGESTED_RETAIL_PRICE"


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """A struck-through price in fen and the words for where it comes from."""

    amount_fen: int
    label: str


LOWEST_PAID_DAYS = 7
"""A computed reference price looks at the 7 days before (rules, section 5)."""

LOWEST_PAID_LABEL = "Lowest price of the last 7 days"
LABELS: Mapping[PriceLabel, str] = {
    PriceLabel.TAG_PRICE: "Tag price",
    PriceLabel.SUGGESTED_RETAIL_PRICE: "Suggested retail price",
}


def reference_price(
    current_fen: int,
    *,
    lowest_paid_fen: int | None,
    label_price_fen: int | None,
    label_kind: PriceLabel | None,
) -> ReferencePrice | None:
    """Return the price to strike through beside the current one, None when nothing is above it.

    What was really paid in the 7 days before comes first: beside a price that has just fallen it
    is the honest measure. A labelled price stands in where nothing was paid, or not more than now.
    """
    if lowest_paid_fen is not None and lowest_paid_fen > current_fen:
        return ReferencePrice(lowest_paid_fen, LOWEST_PAID_LABEL)
    if label_kind is not None and label_price_fen is not None and label_price_fen > current_fen:
        return ReferencePrice(label_price_fen, LABELS[label_kind])
    return None


class ProductLabel(StrEnum):
    """The small tags on a product's card; the value is the English text."""

    NEW = "New"
    BEST_SELLER = "Best seller"
    MEMBER_PRICE = "Member price"
    LIMITED_TIME = "Limited-time price"
    PURCHASE_LIMIT = "Limited per member"


def product_labels(
    *,
    published_at: datetime,
    sold: int,
    has_member_price: bool,
    has_limited_time_price: bool,
    is_limited: bool,
    rules: CatalogRules,
    now: datetime,
) -> list[ProductLabel]:
    """Return the tags of a product for one viewer, in the order they are shown."""
    given = {
        ProductLabel.LIMITED_TIME: has_limited_time_price,
        ProductLabel.MEMBER_PRICE: has_member_price,
        ProductLabel.NEW: now - timedelta(days=rules.new_for_days) <= published_at <= now,
        ProductLabel.BEST_SELLER: sold >= rules.best_seller_pieces > 0,
        ProductLabel.PURCHASE_LIMIT: is_limited,
    }
    return [label for label, holds in given.items() if holds]


def variant_name(options: Sequence[Mapping[str, str]]) -> str:
    """Return the name of a SKU within its product: its option values, as an order keeps them."""
    return " / ".join(option["value"] for option in options)


def product_options(
    variants: Sequence[tuple[Mapping[str, str], str | None]],
) -> list[dict[str, Any]]:
    """Return what a shopper chooses by, from the options and picture of each SKU in order.

    Options and values stand in the order they first appear. The first option's values, usually
    colours, carry the picture of the first SKU that has one.
    """
    options: dict[str, dict[str, str | None]] = {}
    for values, image_url in variants:
        for place, (name, value) in enumerate(values.items()):
            pictures = options.setdefault(name, {})
            pictures[value] = pictures.get(value) or (image_url if place == 0 else None)
    return [
        {
            "name": name,
            "values": [{"value": value, "image_url": url} for value, url in pictures.items()],
        }
        for name, pictures in options.items()
    ]


class BannerSlot(StrEnum):
    """Where a banner is shown."""

    LAUNCH = "LAUNCH"
    HOME = "HOME"
    CATEGORY = "CATEGORY"
    MEMBER_CENTRE = "MEMBER_CENTRE"
    PAY_RESULT = "PAY_RESULT"
