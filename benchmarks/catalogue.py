"""The products of a shop to measure: the same in every run but for ids; stock is never short."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.catalog import product_options
from models import database
from models.ids import new_id, readable_code

CATEGORIES = 40
STOCK = 1_000_000
_AT_A_TIME = 2_000
"""Products in one statement."""

_SEED = 20_261_122
_COLOURS = ("米白", "雾蓝", "墨黑", "豆沙")
_SIZES = ("S", "M", "L", "XL")
_WORDS = ("轻暖", "经典", "云朵", "远山", "晨光", "慢生活", "小满", "原野")
_THINGS = ("针织衫", "保温杯", "香薰", "帆布包", "马克杯", "毛毯", "雨伞", "手账本")
_ORDER = (
    "product",
    "product_category",
    "sku",
    "stock_level",
    "sku_tier_price",
    "sku_daily_low",
)
"""What refers to another comes after it."""

Variants = list[tuple[dict[str, str], str]]
Tables = defaultdict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A SKU as an order line remembers it."""

    sku_id: UUID
    product_id: UUID
    product_name: str
    sku_name: str
    image_url: str
    price_fen: int


async def fill(products: int) -> list[Offer]:
    """Write categories, products, three SKUs each, and their stock; returns what is on offer."""
    chance, now = random.Random(_SEED), datetime.now(UTC)
    categories = [new_id() for _ in range(CATEGORIES)]
    await _insert(
        "category",
        [
            {"id": id_, "name": f"分类 {place}", "position": place}
            for place, id_ in enumerate(categories)
        ],
    )
    offers: list[Offer] = []
    for begin in range(0, products, _AT_A_TIME):
        tables: Tables = defaultdict(list)
        for place in range(begin, min(begin + _AT_A_TIME, products)):
            offers += _add_product(tables, place, categories[place % CATEGORIES], chance, now)
        for table in _ORDER:
            if rows := tables[table]:
                await _insert(table, rows)
    return offers


def _add_product(
    tables: Tables, place: int, category_id: UUID, chance: random.Random, now: datetime
) -> list[Offer]:
    product_id, variants = new_id(), _variants(chance)
    product = _product(product_id, place, variants, chance, now)
    tables["product"].append(product)
    tables["product_category"].append(
        {"id": new_id(), "product_id": product_id, "category_id": category_id, "is_direct": True}
    )
    price_fen = chance.randrange(990, 29_900)
    skus = _add_skus(tables, product_id, place, variants, price_fen=price_fen, now=now)
    return [
        Offer(
            sku_id=sku["id"],
            product_id=product_id,
            product_name=product["name"],
            sku_name=" / ".join(option["value"] for option in sku["options"]),
            image_url=sku["image_url"],
            price_fen=sku["price_fen"],
        )
        for sku in skus
    ]


def _product(
    product_id: UUID, place: int, variants: Variants, chance: random.Random, now: datetime
) -> dict[str, Any]:
    """Return a product; the sweep writes its figures."""
    return {
        "id": product_id,
        "name": f"{chance.choice(_WORDS)}{chance.choice(_THINGS)} {place}",
        "subtitle": f"{chance.choice(_WORDS)}系列",
        "images": [f"/media/products/{place}-{number}.jpg" for number in range(3)],
        "description_html": _description(chance),
        "attributes": [{"name": "产地", "value": "云南"}, {"name": "材质", "value": "棉"}],
        "options": product_options(variants),
        "keywords": "",
        "status": "ON_SALE",
        "no_reason_return": True,
        "position": chance.randrange(100),
        "published_at": now - timedelta(days=chance.randrange(90)),
        "sold": 0,
        "min_price_fen": 0,
        "max_price_fen": 0,
        "in_stock": True,
        "created_at": now,
        "updated_at": now,
    }


def _add_skus(
    tables: Tables,
    product_id: UUID,
    place: int,
    variants: Variants,
    *,
    price_fen: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Add a product's SKUs: some with a tag price, a limit, a tier's price, a lowest price."""
    has_tag = place % 3 == 0
    skus = []
    for number, (options, image) in enumerate(variants):
        sku_id = new_id()
        skus.append(
            {
                "id": sku_id,
                "product_id": product_id,
                "code": readable_code(12),
                "options": [{"name": name, "value": value} for name, value in options.items()],
                "image_url": image,
                "price_fen": price_fen + 100 * number,
                "label_price_fen": price_fen * 5 // 4 + 200 if has_tag else None,
                "label_kind": "TAG_PRICE" if has_tag else None,
                "weight_grams": 200 + 50 * number,
                "purchase_limit": 99_999 if place % 10 == 0 else None,
                "status": "ON_SALE",
                "position": number,
                "created_at": now,
                "updated_at": now,
            }
        )
        tables["stock_level"].append(_stock(sku_id, now))
        if place % 5 == 0:
            tier_fen = price_fen * 9 // 10
            tier_price = {"sku_id": sku_id, "tier_code": "GOLD", "price_fen": tier_fen}
            tables["sku_tier_price"].append({"id": new_id(), **tier_price})
        if place % 4 == 0:
            day = (now - timedelta(days=2)).date()
            low = {"sku_id": sku_id, "day": day, "price_fen": price_fen + 500}
            tables["sku_daily_low"].append({"id": new_id(), **low})
    tables["sku"] += skus
    return skus


def _stock(sku_id: UUID, now: datetime) -> dict[str, Any]:
    nothing = dict.fromkeys(("restocked", "adjusted", "reserved", "sold", "set_aside"), 0)
    return {"id": sku_id, "initial": STOCK, "available": STOCK, "updated_at": now, **nothing}


def _variants(chance: random.Random) -> Variants:
    """Return three variants: options, and the picture of the colour."""
    colours = chance.sample(_COLOURS, 3)
    size = chance.choice(_SIZES)
    return [({"颜色": each, "尺码": size}, f"/media/colours/{each}.jpg") for each in colours]


def _description(chance: random.Random) -> str:
    sentences = "".join(
        f"<p>{chance.choice(_WORDS)}，{chance.choice(_WORDS)}。</p>" for _ in range(40)
    )
    return f"<h3>细节</h3>{sentences}"


async def _insert(table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows of the same columns in one statement."""
    names = ", ".join(rows[0])
    await database.execute(
        f"INSERT INTO {table} ({names})"
        f" SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)",
        database.to_json(rows),
    )
