"""Stock under everything at once: orders, payments, cancels; and a process that dies."""

import asyncio
import contextvars
import os
import signal
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from domain.drafts import DraftLine, OrderDraft
from domain.stock_gate import Freed
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from models.ids import new_id
from services import stock
from services.placing import DraftRefused, PlaceOrder, place_order
from tests.factories.orders import OpenGate
from tests.factories.shop import DATA, NOW, SkuFacts, a_buyer, a_sku, stock_of
from tests.support.redis import RedisServer

OPEN = OpenGate()
PATIENT = StockGateConfig(timeout_seconds=5)
"""A slow machine is no dead Redis."""
PROJECT = Path(__file__).resolve().parents[2]


async def place(
    member_id: UUID, lines: list[tuple[SkuFacts, int]], key: str, gate: StockGate | OpenGate
) -> UUID:
    draft = OrderDraft(
        lines=tuple(DraftLine(sku_id=sku.id, quantity=quantity) for sku, quantity in lines)
    )
    command = PlaceOrder(
        member_id=member_id,
        draft=draft,
        expected_payable_fen=None,
        remark=None,
        idempotency_key=key,
    )
    return await place_order(command, gate, DATA, now=NOW)


@pytest.mark.parametrize("servers", ["one", "cluster"])
@pytest.mark.usefixtures("database")
async def test_orders_payments_and_cancels_of_the_same_skus(
    redis: RedisClient, redis_cluster: RedisClient, servers: str
) -> None:
    client = redis_cluster if servers == "cluster" else redis
    gate = StockGate(client, stock.available_of, PATIENT)
    first, second = await a_sku(stock=1000, limit=99), await a_sku(stock=1000)
    buyer = await a_buyer()

    async def one(number: int) -> None:
        lines = [(first, 1), (second, 2)] if number % 2 else [(second, 2), (first, 1)]
        order_id = await place(buyer, lines, f"k{number}", gate)

        async def follow() -> None:
            async with db.in_transaction():
                if number % 3:
                    await stock.sell_reserved(order_id, now=NOW)
                else:
                    await stock.give_back_reserved(order_id, now=NOW)

        await db.retrying(follow)

    await asyncio.gather(*(one(number) for number in range(60)))
    # Forty were paid, twenty cancelled.
    assert await stock_of(first) == {"available": 960, "reserved": 0, "sold": 40}
    assert await stock_of(second) == {"available": 920, "reserved": 0, "sold": 80}
    assert await db.fetch_value("SELECT pieces FROM purchase_count") == 40
    counts = [await client.hget(f"gate:{{sku:{sku.id}}}", "free") for sku in (first, second)]
    # The gate was not told of what the twenty cancelled orders gave back; the rest is exact.
    assert counts == ["940", "880"]


@pytest.mark.usefixtures("database")
async def test_all_pieces_are_reserved_or_none() -> None:
    first, second, unknown = await a_sku(stock=5), await a_sku(stock=1), new_id()
    wanted = {first.id: 2, second.id: 2, unknown: 1}
    async with db.in_transaction():
        assert await stock.reserve(wanted, now=NOW) == {second.id: 1, unknown: 0}
        assert await stock.reserve({first.id: 5, unknown: 1}, now=NOW) == {unknown: 0}
        assert await stock.reserve({first.id: 5, second.id: 1}, now=NOW) == {}
    assert await stock_of(first) == {"available": 0, "reserved": 5, "sold": 0}
    assert await stock_of(second) == {"available": 0, "reserved": 1, "sold": 0}


@pytest.mark.usefixtures("database")
async def test_rivals_of_two_skus_get_both_or_neither() -> None:
    """Whoever waited for the rows is told of what those before them left."""
    first, second = await a_sku(stock=30), await a_sku(stock=20)

    async def rival(number: int) -> dict[UUID, int]:
        wanted = [(first.id, 1), (second.id, 1)]

        async def write() -> dict[UUID, int]:
            async with db.in_transaction():
                return await stock.reserve(dict(wanted[:: 1 if number % 2 else -1]), now=NOW)

        return await db.retrying(write)

    left = await asyncio.gather(*(rival(number) for number in range(50)))
    assert left.count({}) == 20
    assert left.count({second.id: 0}) == 30
    assert await stock_of(first) == {"available": 10, "reserved": 20, "sold": 0}
    assert await stock_of(second) == {"available": 0, "reserved": 20, "sold": 0}


async def until_somebody_waits() -> None:
    """Return once a statement waits for somebody's row."""
    async with asyncio.timeout(30):
        while True:
            if await db.fetch_value(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                return
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("freed", [1, 0])
@pytest.mark.usefixtures("database")
async def test_pieces_that_come_back_while_it_waits_are_reserved(freed: int) -> None:
    """When the statement began there were none; once it has the row, there are."""
    first, second = await a_sku(stock=1), await a_sku(stock=5)
    wanted = {first.id: 1, second.id: 2}
    order_id = await place(await a_buyer(), [(first, 1)], "k", OPEN)

    async def reserve() -> dict[UUID, int]:
        async with db.in_transaction():
            return await stock.reserve(wanted, now=NOW)

    async with db.in_transaction():
        await db.execute("UPDATE stock_level SET updated_at = $1 WHERE id = $2", NOW, first.id)
        # Outside of this transaction.
        waiting = asyncio.create_task(reserve(), context=contextvars.Context())
        await asyncio.create_task(until_somebody_waits(), context=contextvars.Context())
        if freed:
            assert await stock.give_back_reserved(order_id, now=NOW) == Freed({first.id: 1})
    assert await waiting == ({} if freed else {first.id: 0})
    assert await stock_of(first) == {"available": 0, "reserved": 1, "sold": 0}
    assert await stock_of(second) == {"available": 5 - 2 * freed, "reserved": 2 * freed, "sold": 0}


DYING = """
import asyncio, os, signal, sys
from uuid import UUID
from gateways.redis.connection import RedisConfig, connect
from gateways.redis.stock_gate import StockGate
from models import database
from models.ids import new_id
from services import stock
from tests.concurrency.test_stock import PATIENT, place
from tests.factories.shop import SkuFacts

class Dying(StockGate):
    async def hold(self, hold_id, quantities):
        answer = await super().hold(hold_id, quantities)
        assert answer.answer == "HELD", answer
        os.kill(os.getpid(), signal.SIGKILL)

async def main(database_url, redis_url, member_id, sku_id):
    await database.connect(database_url)
    gate = Dying(connect(RedisConfig(redis_url)), stock.available_of, PATIENT)
    await place(UUID(member_id), [(SkuFacts(UUID(sku_id), UUID(sku_id)), 1)], "k", gate)

asyncio.run(main(*sys.argv[1:]))
"""
"""Places an order, and dies as a power cut would between Redis and PostgreSQL."""


async def test_a_process_killed_between_redis_and_postgresql(
    database: str, redis: RedisClient, redis_server: RedisServer
) -> None:
    sku, buyer = await a_sku(stock=1), await a_buyer()
    arguments = [database, redis_server.url, str(buyer), str(sku.id)]
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, *arguments, cwd=PROJECT, env=dict(os.environ)
    )
    assert await dying.wait() == -signal.SIGKILL

    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 0
    assert await stock_of(sku) == {"available": 1, "reserved": 0, "sold": 0}
    # While the hold lasts the last piece is taken, and after that it is for the next one to buy.
    with pytest.raises(DraftRefused):
        await place(await a_buyer(), [(sku, 1)], "k", StockGate(redis, stock.available_of, PATIENT))
    later = StockGate(redis, stock.available_of, PATIENT, clock=lambda: time.time() + 61)
    assert await later.reconcile() == []
    await place(await a_buyer(), [(sku, 1)], "k", later)
    assert await stock_of(sku) == {"available": 0, "reserved": 1, "sold": 0}


async def test_its_own_retry_after_the_process_was_killed(
    database: str, redis: RedisClient, redis_server: RedisServer
) -> None:
    sku, buyer = await a_sku(stock=1), await a_buyer()
    arguments = [database, redis_server.url, str(buyer), str(sku.id)]
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, *arguments, cwd=PROJECT, env=dict(os.environ)
    )
    assert await dying.wait() == -signal.SIGKILL
    # The hold is named by member, operation and key: the retry shares it.
    await place(buyer, [(sku, 1)], "k", StockGate(redis, stock.available_of, PATIENT))
    assert await stock_of(sku) == {"available": 0, "reserved": 1, "sold": 0}
