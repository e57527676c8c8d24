"""A shop to measure: 2,000 products with 6,000 SKUs, and members who are signed in.

The same in every run but for ids. Stock is never short, so that no rule ends a measurement.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from cli.mini_program import MiniProgram, Wechat, connect
from domain.catalog import product_options
from domain.ledger import EntryReason, SourceKind
from domain.members import AgreementKind
from models import database
from models.ids import new_id, readable_code
from services import points, product_figures
from services.sealed_addresses import Recipient, seal_recipient
from settings import Settings
from wiring.ports import personal_data_of

PRODUCTS = 2_000
MEMBERS = 64
CATEGORIES = 40
STOCK = 1_000_000
_SEED = 20_261_122
_COLOURS = ("米白", "雾蓝", "墨黑", "豆沙")
_SIZES = ("S", "M", "L", "XL")
_WORDS = ("轻暖", "经典", "云朵", "远山", "晨光", "慢生活", "小满", "原野")
_THINGS = ("针织衫", "保温杯", "香薰", "帆布包", "马克杯", "毛毯", "雨伞", "手账本")
_TIERS = ("REGULAR", "SILVER", "GOLD")
_VERSION = "2026-01"
_ADDRESS = Recipient(name="张三", phone="13800138000", detail="世纪大道 100 号")
_REGION = "310115"
Variants = list[tuple[dict[str, str], str]]
Tables = defaultdict[str, list[dict[str, Any]]]
_POINTS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Shopper:
    """A signed-in member; `user` is the person at the simulator."""

    token: str
    user: str
    member_id: str


@dataclass(frozen=True, slots=True)
class Shop:
    """What the generator knows of the shop."""

    products: list[str]
    skus: list[str]
    shoppers: list[Shopper]


async def fill(settings: Settings) -> Shop:
    """Fill an empty, migrated database; needs the running web server and simulator."""
    await database.connect(settings.postgres_url, statement_timeout_seconds=120)
    try:
        products, skus = await _catalogue()
        await _agreements()
        shoppers = await _shoppers(settings)
        await _equip(settings, [UUID(shopper.member_id) for shopper in shoppers])
        await product_figures.rebuild()
        await database.execute("VACUUM (ANALYZE)")
    finally:
        await database.close()
    return Shop([str(id_) for id_ in products], [str(id_) for id_ in skus], shoppers)


async def _catalogue() -> tuple[list[UUID], list[UUID]]:
    chance, now = random.Random(_SEED), datetime.now(UTC)
    categories = [new_id() for _ in range(CATEGORIES)]
    tables: Tables = defaultdict(list)
    for place, id_ in enumerate(categories):
        tables["category"].append({"id": id_, "name": f"分类 {place}", "position": place})
    for place in range(PRODUCTS):
        product_id, variants = new_id(), _variants(chance)
        tables["product"].append(_product(product_id, place, variants, chance, now))
        tables["product_category"].append(
            {
                "id": new_id(),
                "product_id": product_id,
                "category_id": categories[place % CATEGORIES],
                "is_direct": True,
            }
        )
        price_fen = chance.randrange(990, 29_900)
        _add_skus(tables, product_id, place, variants, price_fen=price_fen, now=now)
    for table, rows in tables.items():
        await _insert(table, rows)
    return [row["id"] for row in tables["product"]], [row["id"] for row in tables["sku"]]


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
) -> None:
    """Add a product's SKUs: some with a tag price, a limit, a tier's price, a lowest price."""
    has_tag = place % 3 == 0
    for number, (options, image) in enumerate(variants):
        sku_id = new_id()
        tables["sku"].append(
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


def _stock(sku_id: UUID, now: datetime) -> dict[str, Any]:
    nothing = dict.fromkeys(("restocked", "adjusted", "reserved", "sold", "set_aside"), 0)
    return {"id": sku_id, "initial": STOCK, "available": STOCK, "updated_at": now, **nothing}


async def _insert(table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows of the same columns in one statement."""
    names = ", ".join(rows[0])
    await database.execute(
        f"INSERT INTO {table} ({names})"
        f" SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)",
        database.to_json(rows),
    )


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


async def _agreements() -> None:
    now = datetime.now(UTC)
    await database.copy_rows(
        "agreement",
        ["id", "kind", "version", "title", "title_en", "url", "effective_at"],
        [
            (new_id(), kind.value, _VERSION, kind.value, kind.value, "https://example.com/", now)
            for kind in AgreementKind
        ],
    )


async def _shoppers(settings: Settings) -> list[Shopper]:
    """Sign members in through the public API, as mini-programs."""
    async with connect(4) as http:
        wechat = Wechat(http, settings.simulator_url)
        consents = [
            {"kind": kind, "version": _VERSION, "given": True} for kind in ("MEMBERSHIP", "PRIVACY")
        ]

        async def enter(number: int) -> Shopper:
            phone = f"139{number:08d}"
            user = await wechat.user(nickname=f"用户 {number}", phone=phone)
            program = MiniProgram(http, settings.base_url)
            await program.sign_in(await wechat.login_code(user))
            session = await program.join(await wechat.phone_code(user), consents)
            return Shopper(session.access_token, user, session.member_id)

        turns = asyncio.Semaphore(4)

        async def in_turn(number: int) -> Shopper:
            async with turns:
                return await enter(number)

        return await asyncio.gather(*(in_turn(number) for number in range(MEMBERS)))


async def _equip(settings: Settings, member_ids: list[UUID]) -> None:
    """Give every member an address, a tier and points."""
    now = datetime.now(UTC)
    data = personal_data_of(settings)
    await database.copy_rows(
        "address",
        ["id", "member_id", "encrypted", "region_code", "is_default", "created_at", "updated_at"],
        [
            (new_id(), member_id, seal_recipient(_ADDRESS, data), _REGION, True, now, now)
            for member_id in member_ids
        ],
    )
    for place, member_id in enumerate(member_ids):
        await database.execute(
            "UPDATE member SET tier_code = $2 WHERE id = $1", member_id, _TIERS[place % 3]
        )
        async with database.in_transaction():
            await points.grant(
                member_id,
                _POINTS,
                reason=EntryReason.ADJUSTMENT,
                source=(SourceKind.ADJUSTMENT, new_id()),
                now=now,
                expires_at=now + timedelta(days=365),
            )


def dump(shop: Shop) -> bytes:
    """Return the shop for the generator's process."""
    return orjson.dumps(shop)


def load(text: bytes) -> Shop:
    """Read it there."""
    given = orjson.loads(text)
    return Shop(given["products"], given["skus"], [Shopper(**each) for each in given["shoppers"]])
