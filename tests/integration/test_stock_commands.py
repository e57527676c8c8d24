"""`mall stock`: planted differences are found, told and mended."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateways.redis.connection import RedisClient
from gateways.redis.flash_keys import Part, Places
from gateways.redis.stock_gate import StockGate
from models import database as db
from models.flash_sales import FlashSale
from models.ids import new_id
from services import flash_counts, stock
from services.flash_gate import ItemPlace
from settings import Settings
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.shop import SkuFacts, a_sku
from tests.support.commands import mall
from tests.support.redis import RedisServer
from wiring.flash import flash_gate_of

pytestmark = pytest.mark.usefixtures("database")


async def a_counted_item(settings: Settings, redis: RedisClient, sku: SkuFacts) -> UUID:
    """Make an item of a sale that runs now, with two pieces, which the gate has counted."""
    item_id = await a_flash_item(sku, stock_id=await a_shelf(sku, 2))
    now = datetime.now(UTC)
    await FlashSale.all().update(
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
        close_due_at=now + timedelta(hours=1),
    )
    item = await flash_counts.of_item(item_id, now=now)
    assert item is not None
    assert await flash_counts.rebuild(item, flash_gate_of(settings, redis))
    return item_id


async def plant(settings: Settings, redis: RedisClient, item_id: UUID, free: int) -> None:
    """Have the gate believe in another number of pieces."""
    (part,) = Places(settings.flash_shards).parts(ItemPlace(item_id, 1))
    assert isinstance(part, Part)
    await redis.hset(part.item, "free", free)


async def test_differences_are_found_told_and_mended(
    settings: Settings, redis: RedisClient
) -> None:
    sku = await a_sku(stock=10)
    code = await db.fetch_value("SELECT code FROM sku WHERE id = $1", sku.id)
    item_id = await a_counted_item(settings, redis, sku)
    gate = StockGate(redis, stock.available_of)
    await gate.release(await gate.hold("k", {sku.id: 1}))
    assert await mall(settings, "stock", "verify") == (0, "The pieces agree.\n")

    await redis.hset(f"gate:{{sku:{sku.id}}}", "free", 11)
    await plant(settings, redis, item_id, 1)
    told = (
        f"SKU {sku.id}: the gate has 3 too many\n"
        f"item {item_id}: the gate has 1 too few\n"
        "2 differences.\n"
    )
    assert await mall(settings, "stock", "verify") == (1, told)

    status, said = await mall(settings, "stock", "rebuild", "--sku", code, "--item", str(item_id))
    assert (status, said.splitlines()) == (
        0,
        [f"SKU {sku.id} is counted anew.", f"item {item_id} is counted anew."],
    )
    assert await redis.hget(f"gate:{{sku:{sku.id}}}", "free") is None
    assert await mall(settings, "stock", "verify") == (0, "The pieces agree.\n")


async def test_everything_is_counted_anew_and_books_are_looked_at(
    settings: Settings, redis: RedisClient
) -> None:
    sku = await a_sku(stock=10)
    item_id = await a_counted_item(settings, redis, sku)
    gate = StockGate(redis, stock.available_of)
    await gate.release(await gate.hold("k", {sku.id: 1}))
    await plant(settings, redis, item_id, 7)
    status, said = await mall(settings, "stock", "rebuild", "--all")
    assert (status, said.splitlines()) == (
        0,
        ["1 SKUs are counted anew.", f"item {item_id} is counted anew."],
    )
    await db.execute("UPDATE stock_level SET sold = 1, available = available - 1")
    status, said = await mall(settings, "stock", "verify")
    assert status == 1
    assert re.fullmatch(r"stock\.sold: \{.*'sold': 1.*\}\n1 differences\.\n", said), said


async def test_what_cannot_be_done_is_said(settings: Settings, redis_server: RedisServer) -> None:
    unknown = str(new_id())
    assert await mall(settings, "stock", "rebuild") == (1, "mall: name SKUs and items, or --all\n")
    assert await mall(settings, "stock", "rebuild", "--sku", unknown) == (
        1,
        f"mall: there is no SKU {unknown}\n",
    )
    assert await mall(settings, "stock", "rebuild", "--item", unknown) == (
        1,
        f"mall: no open flash sale has the item {unknown}\n",
    )
    redis_server.stop()
    status, said = await mall(settings, "stock", "verify")
    assert (status, "Redis does not answer" in said) == (1, True)
