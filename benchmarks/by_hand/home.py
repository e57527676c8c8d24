"""The home page by hand: products with their SKUs and categories, for a member or for anybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.by_hand.reading import member_fen
from benchmarks.by_hand.shared import answer, now_utc, shared_of

_PRODUCTS = """
SELECT id, name, images FROM product WHERE status = 'ON_SALE'
ORDER BY in_stock DESC, position DESC, sold DESC, id DESC LIMIT 20
"""
_SKUS = """
SELECT sku.id, sku.product_id, sku.options, sku.price_fen, member.tier_code,
       tier_price.price_fen AS tier_price_fen
FROM sku
LEFT JOIN member ON member.id = $2
LEFT JOIN sku_tier_price AS tier_price
    ON tier_price.sku_id = sku.id AND tier_price.tier_code = member.tier_code
WHERE sku.product_id = ANY($1) AND sku.status = 'ON_SALE'
ORDER BY sku.position, sku.id
"""
_CATEGORIES = """
SELECT place.product_id, category.name
FROM product_category AS place JOIN category ON category.id = place.category_id
WHERE place.product_id = ANY($1) AND place.is_direct
ORDER BY category.position, category.id
"""


async def home(request: Request) -> Response:
    """Answer the first 20 products: three queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer_or_none(request, now)
    async with shared.pool.acquire() as connection:
        products = await connection.fetch(_PRODUCTS)
        ids = [row["id"] for row in products]
        skus = await connection.fetch(_SKUS, ids, viewer)
        categories = await connection.fetch(_CATEGORIES, ids)
    offers, names = _grouped(ids, skus), _grouped(ids, categories)
    nodes = [
        {
            "id": str(row["id"]),
            "name": row["name"],
            "images": [shared.url(image) for image in row["images"]],
            "skus": [
                {
                    "id": str(sku["id"]),
                    "options": [{"value": option["value"]} for option in sku["options"]],
                    "price": sku["price_fen"],
                    "memberPrice": member_fen(sku, shared),
                }
                for sku in offers[row["id"]]
            ],
            "categories": [{"name": category["name"]} for category in names[row["id"]]],
        }
        for row in products
    ]
    return answer({"products": {"nodes": nodes}})


def _grouped(ids: list[UUID], rows: list[Any]) -> dict[UUID, list[asyncpg.Record]]:
    groups: dict[UUID, list[asyncpg.Record]] = {id_: [] for id_ in ids}
    for row in rows:
        groups[row["product_id"]].append(row)
    return groups
