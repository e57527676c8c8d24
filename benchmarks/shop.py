"""A shop to measure: 2,000 products with 6,000 SKUs, and members who are signed in.

The same in every run but for ids. Stock is never short, so that no rule ends a measurement.
"""

from __future__ import annotations

import asyncio
import random
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
    chance = random.Random(_SEED)
    now = datetime.now(UTC)
    categories = [new_id() for _ in range(CATEGORIES)]
    await _insert(
        "category",
        ["id", "parent_id", "name", "position"],
        [(id_, None, f"分类 {place}", place) for place, id_ in enumerate(categories)],
    )
    products, skus, tier_prices, stock, places, lows = [], [], [], [], [], []
    for place in range(PRODUCTS):
        product_id = new_id()
        variants = _variants(chance)
        name = f"{chance.choice(_WORDS)}{chance.choice(_THINGS)} {place}"
        images = [f"/media/products/{place}-{number}.jpg" for number in range(3)]
        products.append(
            (
                product_id,
                name,
                f"{chance.choice(_WORDS)}系列",
                images,
                _description(chance),
                [{"name": "产地", "value": "云南"}, {"name": "材质", "value": "棉"}],
                product_options([(options, image) for options, image in variants]),
                "",
                "ON_SALE",
                True,
                chance.randrange(100),
                now - timedelta(days=chance.randrange(90)),
                0,
                0,
                0,
                True,
                now,
                now,
            )
        )
        places.append((new_id(), product_id, categories[place % CATEGORIES], True))
        price_fen = chance.randrange(990, 29_900)
        for number, (options, image) in enumerate(variants):
            sku_id = new_id()
            label_fen = price_fen * 5 // 4 if place % 3 == 0 else None
            skus.append(
                (
                    sku_id,
                    product_id,
                    readable_code(12),
                    [{"name": key, "value": value} for key, value in options.items()],
                    image,
                    price_fen + 100 * number,
                    label_fen,
                    "TAG_PRICE" if label_fen else None,
                    200 + 50 * number,
                    99_999 if place % 10 == 0 else None,
                    "ON_SALE",
                    number,
                    now,
                    now,
                )
            )
            stock.append((sku_id, STOCK, 0, 0, STOCK, 0, 0, 0, now))
            if place % 5 == 0:
                tier_prices.append((new_id(), sku_id, "GOLD", price_fen * 9 // 10))
            if place % 4 == 0:
                lows.append((new_id(), sku_id, (now - timedelta(days=2)).date(), price_fen + 500))
    await _insert(
        "product",
        [
            "id",
            "name",
            "subtitle",
            "images",
            "description_html",
            "attributes",
            "options",
            "keywords",
            "status",
            "no_reason_return",
            "position",
            "published_at",
            "sold",
            "min_price_fen",
            "max_price_fen",
            "in_stock",
            "created_at",
            "updated_at",
        ],
        products,
    )
    await _insert("product_category", ["id", "product_id", "category_id", "is_direct"], places)
    await _insert(
        "sku",
        [
            "id",
            "product_id",
            "code",
            "options",
            "image_url",
            "price_fen",
            "label_price_fen",
            "label_kind",
            "weight_grams",
            "purchase_limit",
            "status",
            "position",
            "created_at",
            "updated_at",
        ],
        skus,
    )
    await _insert(
        "stock_level",
        [
            "id",
            "initial",
            "restocked",
            "adjusted",
            "available",
            "reserved",
            "sold",
            "set_aside",
            "updated_at",
        ],
        stock,
    )
    await _insert("sku_tier_price", ["id", "sku_id", "tier_code", "price_fen"], tier_prices)
    await _insert("sku_daily_low", ["id", "sku_id", "day", "price_fen"], lows)
    return [row[0] for row in products], [row[0] for row in skus]


async def _insert(table: str, columns: list[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many rows in one statement."""
    names = ", ".join(columns)
    await database.execute(
        f"INSERT INTO {table} ({names})"
        f" SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)",
        database.to_json([dict(zip(columns, row, strict=True)) for row in rows]),
    )


def _variants(chance: random.Random) -> list[tuple[dict[str, str], str]]:
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
