"""Our client of a cluster: shared by many tasks, and never a stranger's failure to its callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from redis.asyncio import RedisCluster as LibraryCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from domain.stock_gate import GateAnswer
from gateways.redis.cluster import SharedCluster
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.limits import Limit, LimitsConfig, RateLimits, Window
from gateways.redis.stock_gate import StockGate, StockGateConfig
from gateways.redis.token_store import Issued, TokenStore
from settings import Settings
from tests.support.redis_cluster import RedisCluster
from wiring.ports import open_ports

SKUS = [UUID(int=number) for number in range(100, 112)]
HOME = "203.0.113.7"


@pytest.fixture
async def two_slots(
    _redis_cluster: RedisCluster, redis_cluster: RedisClient
) -> AsyncIterator[SharedCluster]:
    """A client of the empty cluster that runs two commands at a time."""
    client = connect(RedisConfig(_redis_cluster.url, is_cluster=True, max_connections=2))
    assert isinstance(client, SharedCluster)
    yield client
    await client.aclose()


async def _plenty(sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
    return dict.fromkeys(sku_ids, 100)


async def _keys(client: RedisClient) -> set[str]:
    """The keys of all nodes."""
    return {key async for key in client.scan_iter(match="*")}


async def _get(client: RedisClient, key: str) -> object:
    return await client.get(key)


async def test_fifty_tasks_share_a_client_that_knows_no_node_yet(
    redis_cluster: RedisClient,
) -> None:
    gate = StockGate(redis_cluster, _plenty, StockGateConfig(timeout_seconds=5.0))
    wanted = dict.fromkeys(SKUS, 1)
    holds = await asyncio.gather(*(gate.hold(f"k{number}", wanted) for number in range(50)))
    assert {hold.answer for hold in holds} == {GateAnswer.HELD}
    assert {await redis_cluster.hget(f"gate:{{sku:{sku}}}", "free") for sku in SKUS} == {"50"}


async def test_no_command_is_sent_to_the_wrong_node(redis_cluster: RedisClient) -> None:
    assert isinstance(redis_cluster, SharedCluster)
    await asyncio.gather(*(redis_cluster.set(f"key-{number}", 1) for number in range(50)))
    assert redis_cluster.reinitialize_counter == 0, "nodes said that keys have moved"


async def test_more_than_the_connections_wait_for_each_other(two_slots: SharedCluster) -> None:
    names = [f"key-{number}" for number in range(100)]
    await asyncio.gather(*(two_slots.set(name, name) for name in names))
    assert await asyncio.gather(*(two_slots.get(name) for name in names)) == names


async def test_whatever_the_library_stumbles_over_is_told_as_unreachable(
    redis_cluster: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_arguments: Any, **_options: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    await redis_cluster.initialize()
    monkeypatch.setattr(LibraryCluster, "execute_command", stumble)
    with pytest.raises(RedisConnectionError):
        await redis_cluster.get("key")
    gate = StockGate(redis_cluster, _plenty)
    assert (await gate.hold("k", {SKUS[0]: 1})).answer is GateAnswer.UNAVAILABLE


async def test_what_redis_says_is_told_as_it_is(redis_cluster: RedisClient) -> None:
    await redis_cluster.set("key", "text")
    with pytest.raises(RedisError, match="wrong kind of value"):
        await redis_cluster.hget("key", "field")


async def test_a_caller_who_leaves_early_takes_nobody_along(
    redis_cluster: RedisClient,
) -> None:
    """They leave while the client learns the nodes; the others get their answers all the same."""
    first = asyncio.create_task(_get(redis_cluster, "key"))
    second = asyncio.create_task(_get(redis_cluster, "other"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None
    assert first.cancelled()


async def test_after_a_caller_left_the_nodes_are_asked_anew(two_slots: SharedCluster) -> None:
    await two_slots.set("key", "1")
    before = two_slots.get_nodes()
    hasty = asyncio.create_task(_get(two_slots, "key"))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    for _ in range(4):  # Nobody's slot is lost with them.
        assert await two_slots.get("key") == "1"
    assert {node.name for node in two_slots.get_nodes()} == {node.name for node in before}


async def test_a_client_that_is_to_ask_anew_closes_its_connections(
    two_slots: SharedCluster,
) -> None:
    await two_slots.set("key", "1")
    hasty = asyncio.create_task(_get(two_slots, "key"))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    connections = [connection for node in two_slots.get_nodes() for connection in node._connections]
    assert connections
    await two_slots.aclose()
    assert not any(connection.is_connected for connection in connections)


async def test_a_process_of_the_mall_finds_the_cluster_by_its_settings(
    _redis_cluster: RedisCluster, settings: Settings
) -> None:
    theirs = settings.model_copy(
        update={"redis_url": SecretStr(_redis_cluster.url), "redis_cluster": True}
    )
    async with open_ports(theirs) as (ports, client):
        assert isinstance(client, SharedCluster)
        assert await ports.gate.reconcile() == []
        assert await client.ping()
        assert len(client.get_nodes()) == 3


async def test_a_node_that_dies_under_fifty_orders_and_comes_back(tmp_path: Path) -> None:
    cluster = RedisCluster(tmp_path, node_timeout_ms=500)
    try:
        await cluster.form()
        client = connect(RedisConfig(cluster.url, is_cluster=True, timeout_seconds=2.0))
        config = StockGateConfig(timeout_seconds=5.0, breaker_seconds=0.0)
        gate = StockGate(client, _plenty, config)
        wanted = dict.fromkeys(SKUS, 1)
        assert (await gate.hold("before", wanted)).answer is GateAnswer.HELD

        async def order(number: int) -> GateAnswer:
            if number == 25:
                cluster.kill(2)
            return (await gate.hold(f"k{number}", wanted)).answer

        answers = await asyncio.gather(*(order(number) for number in range(50)))
        assert set(answers) <= {GateAnswer.HELD, GateAnswer.UNAVAILABLE}
        assert (await gate.hold("dead", wanted)).answer is GateAnswer.UNAVAILABLE
        assert await gate.reconcile() == []

        cluster.restart(2)
        async with asyncio.timeout(30):
            while True:
                # Of the dead node's SKUs nothing is known; they are read anew.
                if (await gate.hold("after", wanted)).answer is GateAnswer.HELD:
                    break
        await client.aclose()
    finally:
        cluster.stop()


@pytest.mark.parametrize("window", list(Window))
async def test_doors_are_counted_on_a_cluster(redis_cluster: RedisClient, window: Window) -> None:
    config = LimitsConfig(
        doors={"door": [Limit(2, 60, window)]}, timeout_seconds=5.0, breaker_seconds=0.0
    )
    here, there = RateLimits(redis_cluster, config), RateLimits(redis_cluster, config)
    assert [await limits.knock("door", HOME) for limits in (here, there)] == [None, None]
    wait_seconds = await here.knock("door", HOME)
    assert wait_seconds is not None
    assert 55 < wait_seconds <= 60
    assert len(await _keys(redis_cluster)) == 1


async def test_one_of_many_fetches_a_token_on_a_cluster(redis_cluster: RedisClient) -> None:
    fetched: list[str] = []

    async def fetch() -> Issued:
        fetched.append("once")
        return Issued("token", 7_200)

    stores = [TokenStore(redis_cluster) for _ in range(5)]
    names = ["app-a:token", "app-b:token", "app-a:ticket"]
    found = await asyncio.gather(*(store.get(name, fetch) for store in stores for name in names))
    assert set(found) == {"token"}
    assert len(fetched) == len(names)
    await stores[0].discard("app-a:token", "token")
    assert await _keys(redis_cluster) == {
        "wechat:{app-a:ticket}:value",
        "wechat:{app-b:token}:value",
    }
