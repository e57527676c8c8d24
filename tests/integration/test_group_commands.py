"""`mall group-buys`, and what publishing refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.errors import InvalidInput, NotFound
from models import database as db
from models.ids import new_id
from services import group_admin
from services.group_admin import NewGroupBuy, NewItem
from settings import Settings
from tests.factories.campaigns import HOUR
from tests.factories.group_buys import a_group_buy
from tests.factories.orders import OpenGate
from tests.factories.shop import NOW, SkuFacts, a_sku, stock_of
from tests.support.commands import mall

pytestmark = pytest.mark.usefixtures("database")


def a_file(folder: Path, sku: SkuFacts, **changes: Any) -> str:
    now = datetime.now(UTC)
    given = {
        "product_id": str(sku.product_id),
        "name": "两人团",
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
        "team_size": 2,
        "team_hours": 24,
        "per_member_limit": 5,
        "items": [{"sku_id": str(sku.id), "price_fen": 600, "set_aside": 4}],
        **changes,
    }
    file = folder / "group-buy.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    return str(file)


async def test_a_group_buy_is_published_listed_extended_and_called_off(
    settings: Settings, tmp_path: Path
) -> None:
    sku = await a_sku(stock=10)
    status, said = await mall(settings, "group-buys", "publish", a_file(tmp_path, sku))
    assert status == 0, said
    group_buy_id = said.strip()
    assert (await stock_of(sku))["available"] == 6
    status, said = await mall(settings, "group-buys", "list")
    assert (status, "两人团" in said, "PUBLISHED" in said) == (0, True, True)
    until = datetime.now(UTC) + timedelta(days=3)
    assert (await mall(settings, "group-buys", "extend", group_buy_id, until.isoformat()))[0] == 0
    assert await db.fetch_value("SELECT ends_at FROM group_buy") == until
    assert (await mall(settings, "group-buys", "cancel", group_buy_id))[0] == 0
    assert await db.fetch_value("SELECT state FROM group_buy") == "CANCELLED"
    status, said = await mall(settings, "group-buys", "extend", group_buy_id, until.isoformat())
    assert (status, "It was called off" in said) == (1, True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"team_size": 1}, "teamSize: A team has 2 to 100 members."),
        ({"starts_at": "2026-11-01T00:00:00"}, "times are given with their offset"),
        ({"items": [{}]}, "KeyError: 'sku_id'"),
        ({"product_id": str(UUID(int=7))}, "there is no such product."),
    ],
)
async def test_a_file_that_is_none(
    settings: Settings, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    file = a_file(tmp_path, await a_sku(), **changes)
    status, said = await mall(settings, "group-buys", "publish", file)
    assert status == 1
    assert told in said


async def test_of_a_group_buy_that_is_not_there(settings: Settings) -> None:
    status, said = await mall(settings, "group-buys", "cancel", str(new_id()))
    assert (status, "there is no such group buy." in said) == (1, True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name_en": "x" * 129}, "nameEn"),
        ({"ends_at": NOW - 2 * HOUR}, "endsAt"),
        ({"starts_at": NOW - 3 * HOUR, "ends_at": NOW}, "endsAt"),
        ({"team_size": 101}, "teamSize"),
        ({"team_hours": 0}, "teamHours"),
        ({"team_hours": 169}, "teamHours"),
        ({"per_member_limit": 0}, "perMemberLimit"),
        ({"items": ()}, "items"),
    ],
)
async def test_what_can_not_be_meant_is_refused(changes: dict[str, Any], field: str) -> None:
    sku = await a_sku()
    new = NewGroupBuy(
        product_id=sku.product_id,
        name="两人团",
        starts_at=NOW - HOUR,
        ends_at=NOW + HOUR,
        team_size=2,
        team_hours=24,
        per_member_limit=1,
        items=(NewItem(sku_id=sku.id, price_fen=600),),
    )
    with pytest.raises(InvalidInput) as refused:
        await group_admin.publish(replace(new, **changes), OpenGate(), now=NOW)
    assert refused.value.path == (field,)
    assert await db.fetch_value("SELECT count(*) FROM group_buy") == 0


async def test_items_have_one_price_each_that_is_none_below_zero() -> None:
    sku, other = await a_sku(stock=10), await a_sku()
    twice = (sku, sku)
    for skus, price_fen, set_aside in ((twice, 600, None), ((sku,), -1, None), ((sku,), 600, 0)):
        with pytest.raises(InvalidInput):
            await a_group_buy(*skus, price_fen=price_fen, set_aside=set_aside)
    with pytest.raises(NotFound):
        await a_group_buy(sku, other)


async def test_what_is_not_available_can_not_be_set_aside() -> None:
    sku = await a_sku(stock=10)
    with pytest.raises(InvalidInput, match="Fewer pieces"):
        await a_group_buy(sku, set_aside=11)
    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}
    assert await db.fetch_value("SELECT count(*) FROM group_buy") == 0
