"""The product list and the product page, by hand."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from benchmarks.by_hand.shared import Shared, answer, now_utc, read, shared_of, told
from domain.catalog import LABELS, LOWEST_PAID_LABEL, PriceLabel
from domain.clock import business_day
from domain.members import SceneKind
from domain.money import to_pay_fen
from domain.scenes import target_scene_code

_PRODUCT = """
id, name, subtitle, images, status, published_at, sold, min_price_fen, max_price_fen, position,
in_stock
"""
_LIST = f"""
SELECT {_PRODUCT} FROM product WHERE status = 'ON_SALE' AND in_stock
ORDER BY in_stock DESC, position DESC, sold DESC, id DESC LIMIT 21
"""
_LIST_SKUS = """
SELECT sku.id, sku.product_id, sku.options, sku.price_fen, sku.purchase_limit,
       coalesce(stock.available, 0) AS available, member.tier_code,
       tier_price.price_fen AS tier_price_fen
FROM sku
LEFT JOIN stock_level AS stock ON stock.id = sku.id
LEFT JOIN member ON member.id = $2
LEFT JOIN sku_tier_price AS tier_price
    ON tier_price.sku_id = sku.id AND tier_price.tier_code = member.tier_code
WHERE sku.product_id = ANY($1) AND sku.status = 'ON_SALE'
ORDER BY sku.position, sku.id
"""
_PAGE = f"""
SELECT {_PRODUCT}, description_html, no_reason_return, attributes, options,
       (SELECT coalesce(sum(quantity), 0) FROM cart_line WHERE member_id = $2) AS cart_pieces
FROM product WHERE id = $1
"""
_PAGE_SKUS = """
SELECT sku.id, sku.code, sku.options, sku.image_url, sku.price_fen, sku.label_price_fen,
       sku.label_kind, sku.purchase_limit, coalesce(stock.available, 0) AS available,
       member.tier_code, tier_price.price_fen AS tier_price_fen,
       coalesce(bought.pieces, 0) AS bought_pieces,
       (SELECT min(low.price_fen) FROM sku_daily_low AS low
        WHERE low.sku_id = sku.id AND low.day BETWEEN $3 AND $4) AS lowest_paid_fen
FROM sku
LEFT JOIN stock_level AS stock ON stock.id = sku.id
LEFT JOIN member ON member.id = $2
LEFT JOIN sku_tier_price AS tier_price
    ON tier_price.sku_id = sku.id AND tier_price.tier_code = member.tier_code
LEFT JOIN purchase_count AS bought ON bought.member_id = $2 AND bought.sku_id = sku.id
WHERE sku.product_id = $1 AND sku.status = 'ON_SALE'
ORDER BY sku.position, sku.id
"""


async def ready(_request: Request) -> Response:
    """Say that it answers."""
    return PlainTextResponse("ok")


async def product_list(request: Request) -> Response:
    """Answer the first 20 products in stock with their SKUs: two queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    assert await read(request) == {"after": None}
    async with shared.pool.acquire() as connection:
        rows = await connection.fetch(_LIST)
        products = rows[:20]
        skus = await connection.fetch(_LIST_SKUS, [row["id"] for row in products], viewer)
    offers: dict[UUID, list[asyncpg.Record]] = {}
    for sku in skus:
        offers.setdefault(sku["product_id"], []).append(sku)
    nodes = []
    for row in products:
        offered = offers.get(row["id"], [])
        prices = [member_fen(sku, shared) for sku in offered]
        nodes.append(
            _card(row, offered, prices, shared, now)
            | {
                "skus": [
                    {
                        "id": str(sku["id"]),
                        "options": sku["options"],
                        "price": sku["price_fen"],
                        "memberPrice": member_fen,
                        "currentPrice": member_fen,
                        "stock": _stock(sku["available"], shared),
                    }
                    for sku, member_fen in zip(offered, prices, strict=True)
                ]
            }
        )
    page = {"hasNextPage": len(rows) > 20, "endCursor": _cursor(products[-1])}
    return answer({"products": {"nodes": nodes, "pageInfo": page}})


async def product_page(request: Request) -> Response:
    """Answer one product with everything on its page: two queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    product_id = UUID((await read(request))["id"])
    today = business_day(now)
    async with shared.pool.acquire() as connection:
        row = await connection.fetchrow(_PAGE, product_id, viewer)
        skus = await connection.fetch(
            _PAGE_SKUS, product_id, viewer, today - timedelta(days=7), today - timedelta(days=1)
        )
    prices = [member_fen(sku, shared) for sku in skus]
    product = _card(row, skus, prices, shared, now) | {
        "descriptionHtml": row["description_html"],
        "noReasonReturn": row["no_reason_return"],
        "attributes": row["attributes"],
        "options": [
            {
                "name": option["name"],
                "values": [
                    {
                        "value": value["value"],
                        "imageUrl": shared.url(value["image_url"]) if value["image_url"] else None,
                    }
                    for value in option["values"]
                ],
            }
            for option in row["options"]
        ],
        "skus": [_sku(sku, price, shared) for sku, price in zip(skus, prices, strict=True)],
        "shareCard": _share_card(row, shared),
    }
    return answer({"product": product, "me": {"counts": {"cartPieces": int(row["cart_pieces"])}}})


def _card(
    row: asyncpg.Record,
    skus: list[asyncpg.Record],
    prices: list[int],
    shared: Shared,
    now: datetime,
) -> dict[str, Any]:
    low, high = row["min_price_fen"], row["max_price_fen"]
    has_member_price = any(
        price < sku["price_fen"] for sku, price in zip(skus, prices, strict=True)
    )
    new_from = now - timedelta(days=shared.rules.catalog.new_for_days)
    labels = (
        ("Member price", has_member_price),
        ("New", new_from <= row["published_at"] <= now),
        ("Best seller", row["sold"] >= shared.rules.catalog.best_seller_pieces),
        ("Limited per member", any(sku["purchase_limit"] is not None for sku in skus)),
    )
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "subtitle": row["subtitle"],
        "images": [shared.url(image) for image in row["images"]],
        "labels": [told(label) for label, holds in labels if holds],
        "sold": row["sold"],
        "available": row["status"] == "ON_SALE" and any(sku["available"] > 0 for sku in skus),
        "currentPriceRange": {
            "min": min(prices) if prices else low,
            "max": max(prices) if prices else high,
        },
        "priceRange": {"min": low, "max": high},
    }


def _sku(sku: asyncpg.Record, member_fen: int, shared: Shared) -> dict[str, Any]:
    limit, image = sku["purchase_limit"], sku["image_url"]
    return {
        "id": str(sku["id"]),
        "code": sku["code"],
        "options": sku["options"],
        "imageUrl": shared.url(image) if image else None,
        "price": sku["price_fen"],
        "memberPrice": member_fen,
        "currentPrice": member_fen,
        "currentPriceKind": "MEMBER_PRICE" if member_fen < sku["price_fen"] else None,
        "referencePrice": _reference(sku, member_fen),
        "stock": _stock(sku["available"], shared),
        "purchaseLimit": limit,
        "purchaseLimitLeft": None if limit is None else max(limit - sku["bought_pieces"], 0),
    }


def _reference(sku: asyncpg.Record, current_fen: int) -> dict[str, Any] | None:
    lowest, label_fen = sku["lowest_paid_fen"], sku["label_price_fen"]
    if lowest is not None and lowest > current_fen:
        return {"amount": lowest, "label": told(LOWEST_PAID_LABEL)}
    if label_fen is not None and label_fen > current_fen:
        return {"amount": label_fen, "label": told(LABELS[PriceLabel(sku["label_kind"])])}
    return None


def member_fen(sku: asyncpg.Record, shared: Shared) -> int:
    """Return what the viewer's tier pays; the list price without a viewer."""
    if sku["tier_code"] is None:
        return int(sku["price_fen"])
    if sku["tier_price_fen"] is not None:
        return int(min(sku["tier_price_fen"], sku["price_fen"]))
    tier = shared.rules.tier(sku["tier_code"])
    return to_pay_fen(sku["price_fen"], tier.member_price_bps)


def _stock(available: int, shared: Shared) -> str:
    if available <= 0:
        return "OUT"
    return "LOW" if available <= shared.rules.catalog.low_stock_pieces else "IN_STOCK"


def _share_card(row: asyncpg.Record, shared: Shared) -> dict[str, str]:
    scene = target_scene_code(SceneKind.PRODUCT, row["id"])
    return {
        "title": row["name"],
        "imageUrl": shared.url(row["images"][0]),
        "path": f"pages/product/index?id={row['id']}",
        "miniProgramCodeUrl": shared.url(f"/codes/{scene}.png"),
    }


def _cursor(row: asyncpg.Record) -> str:
    values = [row["in_stock"], row["position"], row["sold"], str(row["id"])]
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()
