"""What is read of products and SKUs, and how: one vocabulary for lists, loaders and pages.

A SKU's row holds the keys that are asked for, whether it is a row of its own (the loaders) or a
JSON object in its product's row (a page that is read in one statement).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from domain.catalog import LOWEST_PAID_DAYS

PRODUCT_COLUMNS = (
    *("id", "name", "subtitle", "images", "status", "position", "published_at", "sold"),
    *("min_price_fen", "max_price_fen", "in_stock", "attributes", "options", "no_reason_return"),
)
"""What a product's row holds where nothing else is said; the description is read when asked for."""

Keys = frozenset[str]
Value = Callable[[Any], str]
"""Takes a value into a statement, and answers with its place there, such as `$3`."""

_SKU_VALUES = {
    "id": "sku.id",
    "product_id": "sku.product_id",
    "code": "sku.code",
    "options": "sku.options",
    "image_url": "sku.image_url",
    "price_fen": "sku.price_fen",
    "purchase_limit": "sku.purchase_limit",
    "tier_code": "viewer.tier_code",
    "tier_price_fen": "tier_price.price_fen",
    "for_sale": "sku.status = 'ON_SALE' AND product.status = 'ON_SALE'",
    "available": "coalesce(stock.available, 0)",
    "label_price_fen": "sku.label_price_fen",
    "label_kind": "sku.label_kind",
    "bought_pieces": "coalesce(bought.pieces, 0)",
    "lowest_paid_fen": "(SELECT min(low.price_fen) FROM sku_daily_low AS low"
    " WHERE low.sku_id = sku.id AND low.day BETWEEN {from_day} AND {to_day})",
}
SKU_KEYS: Keys = frozenset(_SKU_VALUES)
"""Everything that is known of a SKU as one viewer sees it."""

PRICE_KEYS: Keys = frozenset({"id", "price_fen", "tier_code", "tier_price_fen"})
"""What every SKU's row holds: what it is, and what the viewer pays."""

_VIEWER_JOINS = """
    LEFT JOIN member AS viewer ON viewer.id = {viewer}
    LEFT JOIN sku_tier_price AS tier_price
        ON tier_price.sku_id = sku.id AND tier_price.tier_code = viewer.tier_code
"""
_JOINS = {
    "available": "LEFT JOIN stock_level AS stock ON stock.id = sku.id",
    "bought_pieces": "LEFT JOIN purchase_count AS bought"
    " ON bought.member_id = {viewer} AND bought.sku_id = sku.id",
}


@dataclass(frozen=True, slots=True)
class SkuView:
    """What is read of SKUs: the keys, who looks, and on which business day."""

    viewer_id: UUID | None
    today: date
    keys: Keys = SKU_KEYS

    def places(self, value: Value) -> dict[str, str]:
        """Take the view's values into a statement."""
        places = {"viewer": value(self.viewer_id)}
        if "lowest_paid_fen" in self.keys:
            places["from_day"] = value(self.today - timedelta(days=LOWEST_PAID_DAYS))
            places["to_day"] = value(self.today - timedelta(days=1))
        return places


def sku_columns(view: SkuView, places: dict[str, str]) -> str:
    """Return the columns of a statement that reads SKUs as rows of their own."""
    columns = [f"{_SKU_VALUES[key]} AS {key}" for key in sorted(view.keys)]
    return ", ".join(columns).format(**places)


def sku_joins(view: SkuView, places: dict[str, str]) -> str:
    """Return what such a statement joins to `sku`; `product` is the caller's to join."""
    joins = [_VIEWER_JOINS, *(_JOINS[key] for key in sorted(view.keys & _JOINS.keys()))]
    return "\n".join(joins).format(**places)


@dataclass(frozen=True, slots=True)
class ProductShape:
    """What is read of products in one statement: columns, and what hangs on them.

    With `skus` the row has `skus`, those on sale as JSON objects with the view's keys; with
    `has_categories` it has `categories`, JSON objects with `id`, `name` and `image_url`.
    """

    columns: tuple[str, ...] = PRODUCT_COLUMNS
    skus: SkuView | None = None
    has_categories: bool = False

    def select(self, value: Value) -> str:
        """Return what stands between SELECT and FROM product."""
        shown = [f"product.{column}" for column in self.columns]
        if self.skus is not None:
            shown.append(_skus_json(self.skus, self.skus.places(value)))
        if self.has_categories:
            shown.append(_CATEGORIES_JSON)
        return ", ".join(shown)


def _skus_json(view: SkuView, places: dict[str, str]) -> str:
    return _skus_json_template(view.keys).format(**places)


@cache
def _skus_json_template(keys: Keys) -> str:
    pairs = ", ".join(f"'{key}', {_SKU_VALUES[key]}" for key in sorted(keys))
    joins = "\n".join([_VIEWER_JOINS, *(_JOINS[key] for key in sorted(keys & _JOINS.keys()))])
    return f"""(
        SELECT json_agg(json_build_object({pairs}) ORDER BY sku.position, sku.id)
        FROM sku {joins}
        WHERE sku.product_id = product.id AND sku.status = 'ON_SALE'
    ) AS skus"""


_CATEGORIES_JSON = """(
    SELECT json_agg(json_build_object(
        'id', category.id, 'name', category.name, 'image_url', category.image_url
    ) ORDER BY category.position, category.id)
    FROM product_category AS place JOIN category ON category.id = place.category_id
    WHERE place.product_id = product.id AND place.is_direct
) AS categories"""
