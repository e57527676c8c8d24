"""The worker's look at the stock gate: what was wrong is mended, and seen from outside."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from api.app import MallApp
from gateways.redis.connection import RedisClient
from jobs import schedule
from jobs.sweeps import run_once
from services.ports import Ports
from tests.factories.shop import a_sku

DRIFT, RECOUNTS = "mall_stock_gate_drift_pieces", "mall_stock_gate_recounts_total"


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


async def test_a_wrong_count_is_mended_and_shows_in_the_figures(
    ports: Ports, redis: RedisClient
) -> None:
    sku = await a_sku(stock=5)
    await ports.gate.release(await ports.gate.hold("k", {sku.id: 1}))
    await redis.hset(f"gate:{{sku:{sku.id}}}", "free", 8)
    [sweep] = [each for each in schedule.sweeps(ports) if each.name == "stock_gate"]
    assert sweep.every_seconds <= 60
    before = REGISTRY.get_sample_value(RECOUNTS) or 0
    await run_once(sweep)
    assert REGISTRY.get_sample_value(DRIFT) == 3
    assert REGISTRY.get_sample_value(RECOUNTS) == before + 1
    assert (await ports.gate.hold("l", {sku.id: 6})).left == {sku.id: 5}

    await run_once(sweep)
    assert REGISTRY.get_sample_value(DRIFT) == 0
    assert REGISTRY.get_sample_value(RECOUNTS) == before + 1
