"""`mall flash-sales`: from a file to a sale that Redis knows, and off again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateways.redis.connection import RedisClient
from models import database as db
from services import flash_counts
from settings import Settings
from tests.factories.shop import SkuFacts, a_sku, stock_of
from tests.support.commands import mall
from wiring.flash import flash_gate_of

pytestmark = pytest.mark.usefixtures("database")


def a_file(folder: Path, sku: SkuFacts, **changes: Any) -> str:
    now = datetime.now(UTC)
    given = {
        "name": "整点秒杀",
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        "items": [{"sku_id": str(sku.id), "price_fen": 990, "quantity": 4, "buckets": 2}],
        **changes,
    }
    file = folder / f"{uuid4()}.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    return str(file)


async def test_a_sale_is_drafted_published_extended_and_called_off(
    settings: Settings, redis: RedisClient, tmp_path: Path
) -> None:
    sku = await a_sku(stock=10)

    status, said = await mall(settings, "flash-sales", "draft", a_file(tmp_path, sku))
    assert status == 0
    sale = UUID(said.strip())
    assert await mall(settings, "flash-sales", "publish", str(sale)) == (0, "")
    assert await stock_of(sku) == {"available": 6, "reserved": 0, "sold": 0}
    assert await pieces_in_redis(settings, redis) == 4

    end = datetime.now(UTC) + timedelta(hours=3)
    extended = await mall(settings, "flash-sales", "extend", str(sale), end.isoformat())
    assert extended == (0, "")
    assert await db.fetch_value("SELECT ends_at FROM flash_sale") == end
    assert await mall(settings, "flash-sales", "cancel", str(sale)) == (0, "")
    status, said = await mall(settings, "flash-sales", "list")
    assert (status, str(sale) in said, "CANCELLED" in said) == (0, True, True)


async def pieces_in_redis(settings: Settings, redis: RedisClient) -> int | None:
    now = datetime.now(UTC)
    [item] = await flash_counts.of_open_sales(now=now)
    seen = await flash_gate_of(settings, redis).inspect(item.config.place, now=now)
    return seen.free if seen else None


async def test_what_is_refused_says_why(settings: Settings, tmp_path: Path) -> None:
    sku, nobodys = await a_sku(stock=10), str(uuid4())
    wanted = {
        "times are given with their offset": (
            "draft",
            a_file(tmp_path, sku, ends_at="2126-11-01T00:00:00"),
        ),
        "TypeError": ("draft", a_file(tmp_path, sku, colour="red")),
        "flashSaleId: There is no such flash sale.": ("pause", nobodys),
    }

    answers = await asyncio.gather(
        *(mall(settings, "flash-sales", *arguments) for arguments in wanted.values())
    )

    for told, (status, said) in zip(wanted, answers, strict=True):
        assert status == 1
        assert told in said
    assert await db.fetch_value("SELECT count(*) FROM flash_sale") == 0
