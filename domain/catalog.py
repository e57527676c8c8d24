"""Words of the catalogue."""

from __future__ import annotations

from enum import StrEnum


class SaleStatus(StrEnum):
    """Whether a product or SKU can be seen and bought."""

    ON_SALE = "ON_SALE"
    OFF_SALE = "OFF_SALE"


class StockLevel(StrEnum):
    """What a shopper is told of the stock."""

    IN_STOCK = "IN_STOCK"
    LOW = "LOW"
    OUT = "OUT"


LOW_STOCK_PIECES = 10
"""From 1 to this many pieces the level is LOW."""


def stock_level(available: int) -> StockLevel:
    """Return the level shown for a number of available pieces."""
    if available <= 0:
        return StockLevel.OUT
    return StockLevel.LOW if available <= LOW_STOCK_PIECES else StockLevel.IN_STOCK


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


class BannerSlot(StrEnum):
    """Where a banner is shown."""

    LAUNCH = "LAUNCH"
    HOME = "HOME"
    CATEGORY = "CATEGORY"
    MEMBER_CENTRE = "MEMBER_CENTRE"
    PAY_RESULT = "PAY_RESULT"
