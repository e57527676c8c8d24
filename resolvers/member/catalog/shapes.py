"""Looking ahead: what of products and SKUs is read, for what an operation asks of them.

Everything that hangs on a page of products is then read in one statement. Where nobody looks ahead,
each level reads what is asked of it in a call of its own.
"""

from __future__ import annotations

from functools import lru_cache

from models.catalog_rows import PRICE_KEYS, SKU_KEYS, Keys, ProductShape, SkuView
from resolvers.common.asked import Asked
from resolvers.common.context import Context
from resolvers.member.catalog.viewpoint import shopper, view_of
from services.catalog import ListOrder

looks_ahead = True
"""Benchmarks turn it off, to see what it brings."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "subtitle": ("subtitle",),
    "images": ("images",),
    "options": ("options",),
    "attributes": ("attributes",),
    "priceRange": ("min_price_fen", "max_price_fen"),
    "currentPriceRange": ("min_price_fen", "max_price_fen"),
    "sold": ("sold",),
    "labels": ("published_at", "sold"),
    "available": ("status",),
    "noReasonReturn": ("no_reason_return",),
    "descriptionHtml": ("description_html",),
    "shareCard": ("name", "images"),
}
"""A field of Product → the columns that it is made from."""

_OF_SKUS = ("skus", "available", "currentPriceRange", "labels")
"""The fields of Product that tell something of its SKUs."""

_KEYS: dict[str, tuple[str, ...]] = {
    "product": ("product_id",),
    "code": ("code",),
    "options": ("options",),
    "imageUrl": ("image_url",),
    "purchaseLimit": ("purchase_limit",),
    "labels": ("purchase_limit",),
    "stock": ("available", "for_sale"),
    "available": ("available", "for_sale"),
    "referencePrice": ("label_price_fen", "label_kind", "lowest_paid_fen"),
    "purchaseLimitLeft": ("purchase_limit", "bought_pieces"),
}
"""A field of Sku, or of Product above it → the keys of a SKU's row that it is made from."""


def sku_view(context: Context, asked: Asked | None = None) -> SkuView:
    """Return what is read of SKUs, for what is asked of them; everything where that isn't known.

    Needs the request's `viewpoint`: promotions that run have a say in it.
    """
    viewer_id, today = shopper(context)
    keys = SKU_KEYS if asked is None else sku_keys(asked)
    running = view_of(context).running
    return SkuView(viewer_id, today, keys, running.category_ids, running.price_days)


@lru_cache(maxsize=1_024)
def sku_keys(asked: Asked) -> Keys:
    """Return the keys that are needed for what is asked, of SKUs or of products above them."""
    return PRICE_KEYS.union(*(keys for name, keys in _KEYS.items() if asked.for_any(name)))


def product_shape(
    context: Context, asked: Asked, *, order: ListOrder | None = None
) -> ProductShape:
    """Return what is read of the products that a field answers with.

    With an order they stand at the nodes of a connection, whose cursors may be asked for.
    """
    if not looks_ahead:
        return ProductShape(columns=_columns(asked, order))
    named = asked.directly() if order is None else asked.of_nodes()
    return ProductShape(
        columns=_columns(asked, order),
        skus=None if named.isdisjoint(_OF_SKUS) else sku_view(context, asked),
        category_keys=_category_keys(asked) if "categories" in named else (),
    )


def _category_keys(asked: Asked) -> tuple[str, ...]:
    return ("id", "name", "image_url") if asked.for_any("imageUrl") else ("id", "name")


@lru_cache(maxsize=1_024)
def _columns(asked: Asked, order: ListOrder | None) -> tuple[str, ...]:
    named = asked.directly() if order is None else asked.of_nodes()
    columns = {"id"}.union(*(_COLUMNS.get(name, ()) for name in named))
    if order is not None and asked.for_any("startCursor", "endCursor", "cursor"):
        columns |= set(order.cursor_columns)
    return tuple(sorted(columns))
