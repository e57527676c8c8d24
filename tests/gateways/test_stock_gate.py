"""The stock gate against a real server: what it holds, refuses, forgets and reads anew."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

import pytest
from redis.asyncio import RedisCluster

from domain.stock_gate import Freed, GateAnswer, StockDrift, StockHold, hold_id
from gateways.redis.connection import RedisClient, RedisConfig, connect
from gateways.redis.stock_gate import StockGate, StockGateConfig
from tests.support.redis import RedisServer

APPLE = UUID(int=1)
PEAR = UUID(int=2)
UNKNOWN = UUID(int=3)


@pytest.fixture(params=["server", "cluster"])
def redis(
    request: pytest.FixtureRequest, redis: RedisClient, redis_cluster: RedisClient
) -> RedisClient:
    """One server, then a cluster of three: every script runs on both."""
    return {"server": redis, "cluster": redis_cluster}[request.param]


class Shop:
    """A gate over a dictionary that plays PostgreSQL, and a clock that stands still."""

    def __init__(self, client: RedisClient, **stock: int) -> None:
        self.now = 1_000_000.0
        self.available = {
            {"apple": APPLE, "pear": PEAR}[name]: pieces for name, pieces in stock.items()
        }
        self.readings = 0
        self.client = client
        # The breaker's pause is what other tests are about.
        config = StockGateConfig(timeout_seconds=5.0, breaker_seconds=0.0)
        self.gate = StockGate(client, self.read, config, clock=lambda: self.now)

    async def read(self, sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
        self.readings += 1
        return {sku: self.available[sku] for sku in sku_ids if sku in self.available}

    async def order(self, key: str, **wanted: int) -> StockHold:
        """Hold, reserve in "PostgreSQL", commit."""
        quantities = {{"apple": APPLE, "pear": PEAR}[name]: n for name, n in wanted.items()}
        hold = await self.gate.hold(key, quantities)
        if hold.answer is not GateAnswer.REFUSED:
            for sku, quantity in quantities.items():
                self.available[sku] -= quantity
            await self.gate.commit(hold)
        return hold

    async def free(self, sku: UUID = APPLE) -> int | None:
        value = await self.client.hget(f"gate:{{sku:{sku}}}", "free")
        return None if value is None else int(value)


async def test_a_missing_count_is_read_from_postgresql_once(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    assert (await shop.order("a", apple=1)).answer is GateAnswer.HELD
    assert (await shop.order("b", apple=1)).answer is GateAnswer.HELD
    assert shop.readings == 1
    assert await shop.free() == 1


async def test_a_sold_out_sku_is_refused_with_what_is_left(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    hold = await shop.gate.hold("a", {APPLE: 4})
    assert (hold.answer, hold.left) == (GateAnswer.REFUSED, {APPLE: 3})
    assert await shop.free() == 3


async def test_a_refusal_gives_the_other_lines_back_and_names_every_short_one(
    redis: RedisClient,
) -> None:
    shop = Shop(redis, apple=3, pear=1)
    hold = await shop.gate.hold("a", {APPLE: 2, PEAR: 2})
    assert (hold.answer, hold.left) == (GateAnswer.REFUSED, {PEAR: 1})
    assert (await shop.free(APPLE), await shop.free(PEAR)) == (3, 1)

    hold = await shop.gate.hold("b", {APPLE: 4, PEAR: 2})
    assert hold.left == {APPLE: 3, PEAR: 1}


async def test_fifty_at_once_for_three_pieces(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    holds = await asyncio.gather(*(shop.gate.hold(f"k{i}", {APPLE: 1}) for i in range(50)))
    answers = [hold.answer for hold in holds]
    assert answers.count(GateAnswer.HELD) == 3
    assert answers.count(GateAnswer.REFUSED) == 47


async def test_a_retry_holds_once(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    first = await shop.gate.hold("same", {APPLE: 2})
    retry = await shop.gate.hold("same", {APPLE: 2})
    assert (set(first.taken), set(retry.taken)) == ({APPLE}, set())
    assert retry.answer is GateAnswer.HELD
    assert await shop.free() == 1

    await shop.gate.release(retry)  # The pieces are the first call's to give back.
    assert await shop.free() == 1
    await shop.gate.release(first)
    assert await shop.free() == 3


async def test_release_gives_back_once(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    hold = await shop.gate.hold("a", {APPLE: 2})
    await shop.gate.release(hold)
    await shop.gate.release(hold)
    assert await shop.free() == 3


async def test_cancelled_pieces_come_back(redis: RedisClient) -> None:
    shop = Shop(redis, apple=1)
    await shop.order("a", apple=1)
    shop.available[APPLE] += 1
    await shop.gate.free(Freed({APPLE: 1}))
    assert (await shop.order("b", apple=1)).answer is GateAnswer.HELD


async def test_giving_back_to_an_unknown_count_lets_postgresql_tell(redis: RedisClient) -> None:
    shop = Shop(redis, apple=5)
    await shop.gate.free(Freed({APPLE: 1}))
    assert await shop.free() is None
    assert (await shop.gate.hold("a", {APPLE: 5})).answer is GateAnswer.HELD


async def test_a_sku_that_postgresql_does_not_know_is_left_to_it(redis: RedisClient) -> None:
    shop = Shop(redis, apple=1)
    hold = await shop.gate.hold("a", {APPLE: 1, UNKNOWN: 1})
    assert (hold.answer, set(hold.taken)) == (GateAnswer.HELD, {APPLE})


async def test_holds_in_flight_are_left_out_of_a_rebuilt_count(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    in_flight = await shop.gate.hold("a", {APPLE: 2})
    await shop.gate.recount([APPLE])
    assert (await shop.gate.hold("b", {APPLE: 2})).left == {APPLE: 1}

    await shop.gate.release(in_flight)
    assert await shop.free() == 3


async def test_a_hold_counted_twice_is_found_before_anybody_is_refused(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    committed = await shop.gate.hold("a", {APPLE: 1})
    shop.available[APPLE] -= 1  # PostgreSQL has committed; the gate has not heard of it yet.
    await shop.gate.recount([APPLE])
    await shop.gate.release(await shop.gate.hold("b", {APPLE: 1}))
    assert await shop.free() == 1

    await shop.gate.commit(committed)
    assert (await shop.gate.hold("c", {APPLE: 2})).answer is GateAnswer.HELD


async def test_an_empty_redis_never_means_sold_out_or_unlimited(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    in_flight = await shop.gate.hold("a", {APPLE: 1})
    await redis.flushall()
    assert (await shop.gate.hold("b", {APPLE: 4})).left == {APPLE: 3}

    shop.available[APPLE] -= 1
    await shop.gate.commit(in_flight)  # Its hold is gone, so the count may have missed it.
    assert await shop.free() is None
    assert (await shop.gate.hold("c", {APPLE: 3})).left == {APPLE: 2}


async def test_releasing_after_redis_was_emptied_invents_no_pieces(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    lost = await shop.gate.hold("a", {APPLE: 1})
    await redis.flushall()
    await shop.order("b", apple=1)
    await shop.gate.release(lost)
    assert await shop.free() == 2


@pytest.mark.parametrize("committed", [True, False])
async def test_a_process_killed_between_redis_and_postgresql(
    redis: RedisClient, *, committed: bool
) -> None:
    shop = Shop(redis, apple=3)
    await shop.gate.hold("dead", {APPLE: 2})
    if committed:
        shop.available[APPLE] -= 2
    assert (await shop.gate.hold("b", {APPLE: 3})).left == {APPLE: 1}

    shop.now += 60
    hold = await shop.gate.hold("c", {APPLE: 3})
    left = {APPLE: 1} if committed else {}
    assert hold.left == left


async def test_a_retry_keeps_the_hold_alive(redis: RedisClient) -> None:
    shop = Shop(redis, apple=1)
    await shop.gate.hold("a", {APPLE: 1})
    shop.now += 59
    await shop.gate.hold("a", {APPLE: 1})
    shop.now += 59
    assert (await shop.gate.hold("b", {APPLE: 1})).answer is GateAnswer.REFUSED


async def test_a_reservation_that_commits_during_the_reading_makes_it_read_again(
    redis: RedisClient,
) -> None:
    shop = Shop(redis, apple=3)
    in_flight = await shop.gate.hold("a", {APPLE: 1})
    await shop.gate.recount([APPLE])
    read = shop.read

    async def commit_behind(sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
        stale = await read(sku_ids)
        if shop.readings == 2:
            shop.available[APPLE] -= 1
            await shop.gate.commit(in_flight)
        return stale

    gate = StockGate(redis, commit_behind, StockGateConfig(timeout_seconds=5.0))
    assert (await gate.hold("b", {APPLE: 3})).left == {APPLE: 2}
    assert shop.readings == 3


async def test_a_count_that_keeps_moving_is_left_to_postgresql(redis: RedisClient) -> None:
    gate: StockGate

    async def always_moving(sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
        await gate.free(Freed(dict.fromkeys(sku_ids, 1)))
        return dict.fromkeys(sku_ids, 7)

    gate = StockGate(redis, always_moving, StockGateConfig(timeout_seconds=5.0))
    assert (await gate.hold("a", {APPLE: 1})).answer is GateAnswer.UNAVAILABLE


async def test_every_key_expires(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3, pear=1)
    await shop.order("a", apple=1)
    await shop.gate.free(Freed({PEAR: 1}))
    for sku in (APPLE, PEAR):
        assert 0 < await redis.pttl(f"gate:{{sku:{sku}}}") <= 86_400_000


@pytest.mark.parametrize(("wrong", "pieces"), [(9, 6), (1, -2)])
async def test_reconciling_reports_and_mends_a_wrong_count(
    redis: RedisClient, wrong: int, pieces: int
) -> None:
    shop = Shop(redis, apple=3, pear=2)
    await shop.gate.release(await shop.gate.hold("a", {APPLE: 1, PEAR: 1}))
    await redis.hset(f"gate:{{sku:{APPLE}}}", "free", wrong)
    assert await shop.gate.reconcile() == [StockDrift(APPLE, pieces)]
    assert (await shop.gate.hold("b", {APPLE: 4})).left == {APPLE: 3}
    assert await shop.gate.reconcile() == []


async def test_reconciling_lets_holds_in_flight_be(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    await shop.gate.hold("uncommitted", {APPLE: 1})
    assert await shop.gate.reconcile() == []
    shop.available[APPLE] -= 1  # Committed in PostgreSQL, not yet told to the gate.
    assert await shop.gate.reconcile() == []
    assert await shop.free() == 2


async def test_reconciling_ends_overdue_holds(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    await shop.gate.hold("dead", {APPLE: 2})
    shop.now += 60
    assert await shop.gate.reconcile() == []
    assert await redis.hkeys(f"gate:{{sku:{APPLE}}}") == ["version"]
    assert (await shop.gate.hold("b", {APPLE: 3})).answer is GateAnswer.HELD


async def test_reconciling_leaves_a_sku_that_moves_for_the_next_time(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    await shop.gate.release(await shop.gate.hold("a", {APPLE: 1}))
    read = shop.read

    async def order_behind(sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
        await shop.order("b", apple=1)
        return await read(sku_ids)

    gate = StockGate(redis, order_behind, StockGateConfig(timeout_seconds=5.0))
    assert await gate.reconcile() == []
    assert await shop.free() == 2


async def test_reconciling_forgets_a_sku_that_postgresql_lost(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3)
    await shop.order("a", apple=1)
    del shop.available[APPLE]
    assert await shop.gate.reconcile() == []
    assert await shop.free() is None


async def test_comparing_reports_and_changes_nothing(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3, pear=2)
    await shop.gate.release(await shop.gate.hold("a", {APPLE: 1, PEAR: 1}))
    await shop.gate.hold("dead", {PEAR: 1})
    shop.now += 60  # The count of pears may be right or wrong: nobody knows what became of that.
    await redis.hset(f"gate:{{sku:{APPLE}}}", "free", 9)
    before = {sku: await redis.hgetall(f"gate:{{sku:{sku}}}") for sku in (APPLE, PEAR)}
    assert await shop.gate.compare() == [StockDrift(APPLE, 6)]
    del shop.available[PEAR]
    assert await shop.gate.compare() == [StockDrift(APPLE, 6)]
    assert {sku: await redis.hgetall(f"gate:{{sku:{sku}}}") for sku in (APPLE, PEAR)} == before


async def test_all_counts_are_read_anew_on_demand(redis: RedisClient) -> None:
    shop = Shop(redis, apple=3, pear=2)
    hold = await shop.gate.hold("a", {APPLE: 1, PEAR: 1})
    await redis.hset(f"gate:{{sku:{APPLE}}}", "free", 9)
    assert await shop.gate.recount_all() == 2
    assert (await shop.free(APPLE), await shop.free(PEAR)) == (None, None)
    assert (await shop.gate.hold("b", {APPLE: 3})).left == {APPLE: 2}
    await shop.gate.release(hold)
    assert await shop.free() == 3


async def test_a_stopped_redis_lets_orders_pass_until_it_is_back(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    shop = Shop(client, apple=2)
    redis_server.stop()
    hold = await shop.gate.hold("a", {APPLE: 1})
    assert hold.answer is GateAnswer.UNAVAILABLE
    await shop.gate.commit(hold)
    await shop.gate.free(Freed({APPLE: 1}))
    assert await shop.gate.reconcile() == []
    assert await shop.gate.compare() == []
    assert await shop.gate.recount_all() == 0

    redis_server.start()
    assert (await shop.gate.hold("b", {APPLE: 1})).answer is GateAnswer.HELD
    await client.aclose()


async def test_a_paused_redis_lets_orders_pass_and_catches_up(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    shop = Shop(client, apple=2)
    await shop.order("a", apple=1)
    redis_server.pause()
    hurried = StockGate(client, shop.read, StockGateConfig(timeout_seconds=0.02))
    late = await hurried.hold("b", {APPLE: 1})
    assert late.answer is GateAnswer.UNAVAILABLE
    assert hurried.is_bypassed

    redis_server.resume()
    shop.available[APPLE] -= 1
    await shop.gate.commit(late)
    assert (await shop.gate.hold("c", {APPLE: 1})).left == {APPLE: 0}
    await client.aclose()


async def test_an_open_breaker_asks_nothing(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    shop = Shop(client, apple=2)
    gate = StockGate(client, shop.read, StockGateConfig(breaker_seconds=3_600.0))
    redis_server.stop()
    assert (await gate.hold("a", {APPLE: 1})).answer is GateAnswer.UNAVAILABLE
    redis_server.start()
    assert (await gate.hold("b", {APPLE: 1})).answer is GateAnswer.UNAVAILABLE
    assert shop.readings == 0
    await client.aclose()


async def test_scripts_survive_a_restart_of_redis(redis_server: RedisServer) -> None:
    client = connect(RedisConfig(redis_server.url))
    shop = Shop(client, apple=5, pear=5)
    await shop.order("a", apple=1, pear=1)
    redis_server.stop()
    redis_server.start()
    assert (await shop.order("b", apple=1, pear=1)).answer is GateAnswer.HELD
    assert (await shop.free(APPLE), await shop.free(PEAR)) == (3, 3)
    await client.aclose()


async def test_a_clusters_nodes_share_the_counts(redis_cluster: RedisClient) -> None:
    """SKUs lie on different nodes; what spans them is asked side by side."""
    assert isinstance(redis_cluster, RedisCluster)
    await redis_cluster.initialize()
    skus = [UUID(int=number) for number in range(100, 112)]
    nodes = {redis_cluster.get_node_from_key(f"gate:{{sku:{sku}}}") for sku in skus}
    assert len(nodes) == 3
    available = dict.fromkeys(skus, 2)

    async def read(sku_ids: Collection[UUID]) -> Mapping[UUID, int]:
        return {sku: available[sku] for sku in sku_ids}

    gate = StockGate(redis_cluster, read, StockGateConfig(timeout_seconds=5.0))
    hold = await gate.hold("a", dict.fromkeys(skus, 1))
    assert (hold.answer, hold.taken) == (GateAnswer.HELD, frozenset(skus))
    assert (await gate.hold("b", dict.fromkeys(skus, 2))).left == dict.fromkeys(skus, 1)
    await gate.release(hold)
    assert await gate.reconcile() == []
    for sku in skus:
        assert await redis_cluster.hget(f"gate:{{sku:{sku}}}", "free") == "2"


def test_a_hold_is_named_by_member_operation_and_key() -> None:
    names = {
        hold_id(APPLE, "placeOrder", "k"),
        hold_id(PEAR, "placeOrder", "k"),
        hold_id(APPLE, "claimFlashSale", "k"),
        hold_id(APPLE, "placeOrder", "l"),
    }
    assert len(names) == 4
    assert hold_id(APPLE, "placeOrder", "k") in names
