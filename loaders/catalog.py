"""The catalogue by key: products, SKUs as one viewer sees them, categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.catalog import LOWEST_PAID_DAYS
from models import database
from models.catalog_rows import PRODUCT_COLUMNS

STOCK = "stock"
"""What there is: `available` and `for_sale`."""

HISTORY = "history"
"""What was before: `lowest_paid_fen`, the labelled price, and the viewer's `bought_pieces`."""

SkuParts = frozenset[str]
EVERY_PART: SkuParts = frozenset((STOCK, HISTORY))
"""What a SKU's row holds beside its own columns and the viewer's prices."""

_SKU = """
    SELECT sku.id, sku.product_id, sku.code, sku.options, sku.image_url, sku.price_fen,
           sku.purchase_limit, viewer.tier_code, tier_price.price_fen AS tier_price_fen
           {columns}
    FROM sku
    LEFT JOIN member AS viewer ON viewer.id = $2
    LEFT JOIN sku_tier_price AS tier_price
        ON tier_price.sku_id = sku.id AND tier_price.tier_code = viewer.tier_code
    {joins}
"""
_STOCK_COLUMNS = """,
    sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS for_sale,
    coalesce(stock.available, 0) AS available
"""
_STOCK_JOINS = """
    JOIN product ON product.id = sku.product_id
    LEFT JOIN stock_level AS stock ON stock.id = sku.id
"""
_HISTORY_COLUMNS = """,
    sku.label_price_fen, sku.label_kind, coalesce(bought.pieces, 0) AS bought_pieces,
    (
        SELECT min(low.price_fen) FROM sku_daily_low AS low
        WHERE low.sku_id = sku.id AND low.day BETWEEN $3 AND $4
    ) AS lowest_paid_fen
"""
_HISTORY_JOINS = """
    LEFT JOIN purchase_count AS bought ON bought.member_id = $2 AND bought.sku_id = sku.id
"""


@cache
def _sku_statement(parts: SkuParts) -> str:
    """Return the start of a statement that reads SKUs as one viewer sees them, for a whole page."""
    columns = joins = ""
    if STOCK in parts:
        columns, joins = columns + _STOCK_COLUMNS, joins + _STOCK_JOINS
    if HISTORY in parts:
        columns, joins = columns + _HISTORY_COLUMNS, joins + _HISTORY_JOINS
    return _SKU.format(columns=columns, joins=joins)


async def product_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return products by id, on sale or not, without their descriptions."""
    rows = await database.fetch(f"SELECT {PRODUCT_COLUMNS} FROM product WHERE id = ANY($1)", ids)
    return by_id(ids, rows)


async def description_by_product_id(ids: Sequence[UUID]) -> list[str]:
    """Return the sanitised descriptions of products."""
    rows = await database.fetch("SELECT id, description_html FROM product WHERE id = ANY($1)", ids)
    texts = {row["id"]: row["description_html"] for row in rows}
    return [texts.get(id_, "") for id_ in ids]


async def sku_by_id(
    ids: Sequence[UUID], *, viewer_id: UUID | None, today: date, parts: SkuParts
) -> list[Record | None]:
    """Return SKUs by id, for sale or not, as the viewer sees them."""
    rows = await database.fetch(
        f"{_sku_statement(parts)} WHERE sku.id = ANY($1)",
        *_sku_values(ids, viewer_id, today, parts),
    )
    return by_id(ids, rows)


async def skus_by_product_id(
    ids: Sequence[UUID], *, viewer_id: UUID | None, today: date, parts: SkuParts
) -> list[list[Record]]:
    """Return each product's SKUs that are on sale, in their order, as the viewer sees them."""
    rows = await database.fetch(
        f"""
        {_sku_statement(parts)}
        WHERE sku.product_id = ANY($1) AND sku.status = 'ON_SALE'
        ORDER BY sku.position, sku.id
        """,
        *_sku_values(ids, viewer_id, today, parts),
    )
    return grouped(ids, rows, "product_id")


def _sku_values(
    ids: Sequence[UUID], viewer_id: UUID | None, today: date, parts: SkuParts
) -> list[Any]:
    """Return the statement's values; the days are those that a reference price looks back on."""
    values: list[Any] = [ids, viewer_id]
    if HISTORY in parts:
        values += [today - timedelta(days=LOWEST_PAID_DAYS), today - timedelta(days=1)]
    return values


async def category_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return categories by id."""
    rows = await database.fetch("SELECT id, name, image_url FROM category WHERE id = ANY($1)", ids)
    return by_id(ids, rows)


async def categories_by_parent_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return the categories right below each one, in their order."""
    rows = await database.fetch(
        """
        SELECT id, name, image_url, parent_id FROM category
        WHERE parent_id = ANY($1) ORDER BY position, id
        """,
        ids,
    )
    return grouped(ids, rows, "parent_id")


async def categories_by_product_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return the categories that each product was put in, without those above them."""
    rows = await database.fetch(
        """
        SELECT category.id, category.name, category.image_url, place.product_id
        FROM product_category AS place JOIN category ON category.id = place.category_id
        WHERE place.product_id = ANY($1) AND place.is_direct
        ORDER BY category.position, category.id
        """,
        ids,
    )
    return grouped(ids, rows, "product_id")


def by_id(ids: Sequence[UUID], rows: Iterable[Record]) -> list[Record | None]:
    """Return rows in the order of the ids, None for what isn't there."""
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


def grouped(ids: Sequence[UUID], rows: Iterable[Record], key: str) -> list[list[Record]]:
    """Return the rows of each id, in the order they came."""
    groups: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return [groups[id_] for id_ in ids]
