"""Both gates behind one port: freed pieces come back to the gate that has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from domain.stock_gate import Claimable, Freed, GateAnswer, StockDrift
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.gates import Gates
from gateways.redis.stock_gate import StockGate, StockGateConfig
from tests.support.flash_sales import ITEM, FlashShop, member
from tests.support.redis import RedisServer

APPLE = UUID(int=1)


async def _three(_sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
    return {APPLE: 3}


def _stock_gate(client: RedisClient) -> StockGate:
    return StockGate(client, _three, StockGateConfig(timeout_seconds=5.0, breaker_seconds=0.0))


async def test_freed_pieces_come_back_to_the_gate_that_has_them(redis: RedisClient) -> None:
    shop = FlashShop(redis, pieces=2, limit=2)
    await shop.publish()
    gates = Gates(_stock_gate(redis), shop.gate)
    await shop.given(1, quantity=2)
    hold = await gates.hold("a", {APPLE: 2})
    assert hold.answer is GateAnswer.HELD
    await gates.commit(hold)

    await gates.free(Freed({APPLE: 2}, (Claimable(ITEM, member(1), 1),)))
    assert await redis.hget(f"gate:{{sku:{APPLE}}}", "free") == "3"
    looked = await shop.gate.look([shop.item.place], member(1))
    assert looked is not None
    assert (looked[ITEM].remaining, looked[ITEM].mine) == (1, 1)


async def test_the_rest_is_the_stock_gates(redis: RedisClient) -> None:
    gates = Gates(_stock_gate(redis), FlashShop(redis).gate)
    hold = await gates.hold("a", {APPLE: 1})
    await gates.release(hold)
    assert (await gates.hold("b", {APPLE: 4})).left == {APPLE: 3}
    await redis.hset(f"gate:{{sku:{APPLE}}}", "free", 5)
    assert await gates.reconcile() == [StockDrift(APPLE, 2)]
    await gates.hold("c", {APPLE: 1})
    await gates.recount([APPLE])
    assert await redis.hget(f"gate:{{sku:{APPLE}}}", "free") is None


async def test_freeing_never_fails(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    gates = Gates(_stock_gate(client), FlashShop(client).gate)
    redis_server.stop()
    await gates.free(Freed({APPLE: 1}, (Claimable(ITEM, member(1), 1),)))
    await client.aclose()
