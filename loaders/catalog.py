"""The catalogue by key: products, SKUs as one viewer sees them, categories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from models import database
from models.catalog_rows import PRODUCT_COLUMNS, SkuView, sku_columns, sku_joins


async def product_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return products by id, on sale or not, without their descriptions."""
    rows = await database.fetch(
        f"SELECT {', '.join(PRODUCT_COLUMNS)} FROM product WHERE id = ANY($1)", ids
    )
    return by_id(ids, rows)


async def description_by_product_id(ids: Sequence[UUID]) -> list[str]:
    """Return the sanitised descriptions of products."""
    rows = await database.fetch("SELECT id, description_html FROM product WHERE id = ANY($1)", ids)
    texts = {row["id"]: row["description_html"] for row in rows}
    return [texts.get(id_, "") for id_ in ids]


async def sku_by_id(ids: Sequence[UUID], *, view: SkuView) -> list[Record | None]:
    """Return SKUs by id, for sale or not, as the viewer sees them."""
    return by_id(ids, await _skus(view, "sku.id = ANY({})", ids))


async def skus_by_product_id(ids: Sequence[UUID], *, view: SkuView) -> list[list[Record]]:
    """Return each product's SKUs that are on sale, in their order, as the viewer sees them."""
    rows = await _skus(
        view,
        "sku.product_id = ANY({}) AND sku.status = 'ON_SALE' ORDER BY sku.position, sku.id",
        ids,
    )
    return grouped(ids, rows, "product_id")


async def _skus(view: SkuView, which: str, ids: Sequence[UUID]) -> list[Record]:
    values: list[Any] = []

    def value(given: Any) -> str:
        values.append(given)
        return f"${len(values)}"

    places = view.places(value)
    return await database.fetch(
        f"""
        SELECT {sku_columns(view, places)}
        FROM sku JOIN product ON product.id = sku.product_id {sku_joins(view, places)}
        WHERE {which.format(value(ids))}
        """,
        *values,
    )


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


async def category_ids_by_product_id(ids: Sequence[UUID]) -> list[frozenset[UUID]]:
    """Return the categories of each product, and those above them: what scopes are tested by."""
    rows = await database.fetch(
        "SELECT product_id, category_id FROM product_category WHERE product_id = ANY($1)", ids
    )
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        found[row["product_id"]].add(row["category_id"])
    return [frozenset(found[id_]) for id_ in ids]


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
