"""What is read of products and SKUs, and how: one vocabulary for lists, loaders and pages.

A SKU's row holds the keys that are asked for, whether it is a row of its own (the loaders) or a
JSON object in its product's row (a page that is read in one statement).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
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

PROMOTED_IN = "promoted_in"
"""The key of the categories a product is in, of those that promotions run for."""

LOWEST_BEFORE = "lowest_before"
"""The key of the lowest prices paid in the days before limited-time prices began, by first day."""

_PROMOTION_VALUES = {
    PROMOTED_IN: "ARRAY(SELECT place.category_id FROM product_category AS place"
    " WHERE place.product_id = sku.product_id AND place.category_id = ANY({categories}))",
    LOWEST_BEFORE: "(SELECT json_object_agg(start.day, ("
    "SELECT min(low.price_fen) FROM sku_daily_low AS low WHERE low.sku_id = sku.id"
    f" AND low.day BETWEEN start.day - {LOWEST_PAID_DAYS} AND start.day - 1))"
    " FROM unnest({price_days}::date[]) AS start (day))",
}
"""What is read of SKUs only while promotions need it."""

PRICE_KEYS: Keys = frozenset({"id", "price_fen"})
"""What every SKU's row holds: what it is, and what anybody pays."""

_TIER_KEYS: Keys = frozenset({"tier_code", "tier_price_fen"})
"""What makes the viewer pay something else; without a viewer there is no tier."""

_OF_VIEWER = {
    "tier_code": """
        LEFT JOIN member AS viewer ON viewer.id = {viewer}
        LEFT JOIN sku_tier_price AS tier_price
            ON tier_price.sku_id = sku.id AND tier_price.tier_code = viewer.tier_code""",
    "bought_pieces": """
        LEFT JOIN purchase_count AS bought
            ON bought.member_id = {viewer} AND bought.sku_id = sku.id""",
}
_JOINS = {
    "available": "LEFT JOIN stock_level AS stock ON stock.id = sku.id",
    **_OF_VIEWER,
}
"""A key → what has to be joined for it."""


@dataclass(frozen=True, slots=True)
class SkuView:
    """What is read of SKUs: the keys, who looks, and on which business day.

    Who looks without a token has bought nothing and has no tier: their rows lack `tier_code` and
    `tier_price_fen`. `categories` are those that promotions run for, `price_days` the first days of
    the limited-time prices that run.
    """

    viewer_id: UUID | None
    today: date
    keys: Keys = SKU_KEYS
    categories: tuple[UUID, ...] = ()
    price_days: tuple[date, ...] = ()

    def read(self, *more: str) -> Keys:
        """Return the keys that a statement reads."""
        keys = self.keys.union(more)
        if self.price_days and "lowest_paid_fen" in keys:
            keys |= {LOWEST_BEFORE}
        return keys - _TIER_KEYS if self.viewer_id is None else keys | _TIER_KEYS

    def places(self, value: Value) -> dict[str, str]:
        """Take the view's values into a statement."""
        places = {}
        if self.viewer_id is not None:
            places["viewer"] = value(self.viewer_id)
        if "lowest_paid_fen" in self.keys:
            places["from_day"] = value(self.today - timedelta(days=LOWEST_PAID_DAYS))
            places["to_day"] = value(self.today - timedelta(days=1))
            if self.price_days:
                places["price_days"] = value(self.price_days)
        if self.categories:
            places["categories"] = value(self.categories)
        return places


def sku_columns(view: SkuView, places: dict[str, str]) -> str:
    """Return the columns of a statement that reads SKUs as rows of their own, by product."""
    promoted = (PROMOTED_IN,) if view.categories else ()
    keys = view.read("product_id", *promoted)
    columns = [f"{value} AS {key}" for key, value in _values(keys, places)]
    return ", ".join(columns).format(**places)


def sku_joins(view: SkuView, places: dict[str, str]) -> str:
    """Return what such a statement joins to `sku`; `product` is the caller's to join."""
    return _joins(view.read(), places)


@dataclass(frozen=True, slots=True)
class ProductShape:
    """What is read of products in one statement: columns, and what hangs on them.

    With `skus` the row has `skus`, those on sale as JSON objects with the view's keys, and
    `promoted_in` where promotions ask for it; with `category_keys` it has `categories`, JSON
    objects with these keys.
    """

    columns: tuple[str, ...] = PRODUCT_COLUMNS
    skus: SkuView | None = None
    category_keys: tuple[str, ...] = ()

    def select(self, value: Value) -> str:
        """Return what stands between SELECT and FROM product."""
        skus, places = self.skus, {}
        if skus is not None:
            places = skus.places(value)
        keys = None if skus is None else skus.read()
        return _select(self.columns, keys, self.category_keys, tuple(places.items()))


@lru_cache(maxsize=1_024)
def _select(
    columns: tuple[str, ...],
    sku_keys: Keys | None,
    category_keys: tuple[str, ...],
    places: tuple[tuple[str, str], ...],
) -> str:
    """Write it once: the same operations ask for the same all day."""
    shown = [f"product.{column}" for column in columns]
    if sku_keys is not None:
        shown.append(_skus_json(sku_keys, dict(places)))
    if "categories" in dict(places):
        shown.append(_promoted_in(dict(places)))
    if category_keys:
        shown.append(_categories_json(category_keys))
    return ", ".join(shown)


def _skus_json(keys: Keys, places: dict[str, str]) -> str:
    pairs = ", ".join(f"'{key}', {value}" for key, value in _values(keys, places))
    joins = _joins(keys, places)
    return f"""(
        SELECT json_agg(json_build_object({pairs}) ORDER BY sku.position, sku.id)
        FROM sku {joins}
        WHERE sku.product_id = product.id AND sku.status = 'ON_SALE'
    ) AS skus""".format(**places)


def _promoted_in(places: dict[str, str]) -> str:
    return f"""ARRAY(
        SELECT place.category_id FROM product_category AS place
        WHERE place.product_id = product.id AND place.category_id = ANY({places["categories"]})
    ) AS {PROMOTED_IN}"""


def _categories_json(keys: tuple[str, ...]) -> str:
    pairs = ", ".join(f"'{key}', category.{key}" for key in keys)
    return f"""(
        SELECT json_agg(json_build_object({pairs}) ORDER BY category.position, category.id)
        FROM product_category AS place JOIN category ON category.id = place.category_id
        WHERE place.product_id = product.id AND place.is_direct
    ) AS categories"""


def _values(keys: Keys, places: dict[str, str]) -> list[tuple[str, str]]:
    """Return keys and what they are in SQL; without a viewer nothing was bought."""
    values = {**_SKU_VALUES, **_PROMOTION_VALUES}
    if "viewer" not in places:
        values["bought_pieces"] = "0"
    return [(key, values[key]) for key in sorted(keys)]


def _joins(keys: Keys, places: dict[str, str]) -> str:
    joined = (
        keys & _JOINS.keys() if "viewer" in places else keys & _JOINS.keys() - _OF_VIEWER.keys()
    )
    return "\n".join(_JOINS[key] for key in sorted(joined)).format(**places)
