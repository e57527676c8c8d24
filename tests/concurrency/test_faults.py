"""Everything that can go wrong at once, against real processes: nobody gets what isn't there.

Each test ends with `adds_up`: the books agree, every piece of stock is where it belongs, and within
a minute Redis counts what PostgreSQL has.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from api.app import MallApp
from gateways.redis.connection import RedisConfig, connect
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from services import stock
from services.ports import Ports
from settings import Settings
from tests.concurrency.conftest import StartWorker
from tests.factories.members import signed_in_member
from tests.factories.shop import SkuFacts, a_sku, an_address, stock_of
from tests.support.application import ServerProcess
from tests.support.graphql import GraphQLClient
from tests.support.redis import RedisServer
from tests.support.shopping import (
    PLACE,
    Shopper,
    a_shopper,
    assert_books_agree,
    run_sweeps,
)
from tests.support.simulator import Simulator

StartServer = Callable[[], Awaitable[ServerProcess]]
Lines = Iterable[tuple[SkuFacts, int]]

TRIES = 60
PATIENT = StockGateConfig(timeout_seconds=5)
AGAIN = {"BUSY", "CONFLICT", "INTERNAL", "WECHAT_UNAVAILABLE", "NO_ANSWER"}
"""What a client tries again under the same key."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A member with an address, and a token."""

    id: UUID
    token: str


async def buyers(settings: Settings, number: int) -> list[Buyer]:
    made = []
    for _ in range(number):
        member = await signed_in_member(settings)
        await an_address(member.id)
        made.append(Buyer(member.id, member.token))
    return made


async def place(client: GraphQLClient, buyer: Buyer, lines: Lines, key: str) -> str:
    """Place an order once; returns its id, or the code of what stood in the way."""
    draft = {"lines": [{"skuId": str(sku.id), "quantity": pieces} for sku, pieces in lines]}
    try:
        answer = await client.gql(
            PLACE, {"i": {"draft": draft, "idempotencyKey": key}}, buyer.token
        )
    except httpx.TransportError:
        return "NO_ANSWER"
    if answer.errors:
        code: str = answer.error_codes[0]
        return code
    payload = answer.data["placeOrder"]
    errors = payload["userErrors"]
    outcome: str = errors[0]["code"] if errors else payload["order"]["id"]
    return outcome


async def place_surely(clients: list[GraphQLClient], buyer: Buyer, lines: Lines, key: str) -> str:
    """Place an order as a client that tries again, elsewhere too, until the answer is definite."""
    lines = list(lines)
    for number in range(TRIES):
        outcome = await place(clients[number % len(clients)], buyer, lines, key)
        if outcome not in AGAIN:
            return outcome
        await asyncio.sleep(0.05)
    return outcome


def is_order(outcome: str) -> bool:
    return len(outcome) == 36


async def adds_up(redis_server: RedisServer, *skus: SkuFacts) -> None:
    """Check the books, the shelves, and that the gate is right a minute from now."""
    redis_server.recover()
    await assert_books_agree()
    client = connect(RedisConfig(redis_server.url))
    later = StockGate(client, stock.available_of, PATIENT, clock=lambda: time.time() + 61)
    await later.reconcile()
    for sku in skus:
        counted = await client.hget(f"gate:{{sku:{sku.id}}}", "free")
        available = (await stock_of(sku))["available"]
        assert counted is None or int(counted) == available
    await client.aclose()


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


async def test_fifty_members_order_the_last_three_pieces(
    settings: Settings, server: StartServer, redis_server: RedisServer
) -> None:
    sku = await a_sku(stock=3)
    clients = [(await server()).client, (await server()).client]
    members = await buyers(settings, 50)
    outcomes = await asyncio.gather(
        *(place(clients[n % 2], buyer, [(sku, 1)], "k") for n, buyer in enumerate(members))
    )
    assert Counter("ORDER" if is_order(each) else each for each in outcomes) == {
        "ORDER": 3,
        "OUT_OF_STOCK": 47,
    }
    assert await stock_of(sku) == {"available": 0, "reserved": 3, "sold": 0}
    await adds_up(redis_server, sku)


async def test_carts_in_opposite_order_never_meet_a_deadlock(
    settings: Settings, server: StartServer, redis_server: RedisServer
) -> None:
    skus = [await a_sku(stock=1_000, limit=500) for _ in range(4)]
    clients = [(await server()).client, (await server()).client]
    members = await buyers(settings, 4)
    outcomes = await asyncio.gather(
        *(
            place(
                clients[number % 2],
                buyer,
                [(sku, 1) for sku in (skus if number % 2 else reversed(skus))],
                f"k{number}",
            )
            for number in range(15)
            for buyer in members
        )
    )
    assert [each for each in outcomes if not is_order(each)] == []
    for sku in skus:
        assert await stock_of(sku) == {"available": 940, "reserved": 60, "sold": 0}
    await adds_up(redis_server, *skus)


async def test_a_web_process_killed_under_load_leaves_definite_answers(
    settings: Settings, server: StartServer, redis_server: RedisServer
) -> None:
    sku = await a_sku(stock=30)
    dying, living = await server(), await server()
    members = await buyers(settings, 40)
    under_way = [
        asyncio.create_task(place(dying.client, buyer, [(sku, 1)], "k")) for buyer in members
    ]
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    await dying.kill()
    first = await asyncio.gather(*under_way)
    assert "NO_ANSWER" in first
    second = await asyncio.gather(
        *(place_surely([living.client], buyer, [(sku, 1)], "k") for buyer in members)
    )
    # Who was told of an order finds that order; nobody has two.
    assert [(a, b) for a, b in zip(first, second, strict=True) if is_order(a) and a != b] == []
    orders = {each for each in second if is_order(each)}
    assert len(orders) == await db.fetch_value("SELECT count(*) FROM sales_order") <= 30
    assert {each for each in second if not is_order(each)} <= {"OUT_OF_STOCK"}
    # What the dead process held at the gate comes back within its minute; then all is for sale.
    await adds_up(redis_server, sku)
    last = await asyncio.gather(
        *(place_surely([living.client], buyer, [(sku, 1)], "again") for buyer in members)
    )
    await adds_up(redis_server, sku)
    shelf = await stock_of(sku)
    assert shelf["reserved"] == len(orders | {each for each in last if is_order(each)})
    assert shelf["available"] == 30 - shelf["reserved"]


async def restore_old_counts(redis_server: RedisServer, skus: list[SkuFacts]) -> None:
    """Bring back a Redis that remembers more and fewer pieces than there are."""
    async with Redis.from_url(redis_server.url) as client:
        for number, sku in enumerate(skus):
            key = f"gate:{{sku:{sku.id}}}"
            await client.delete(key)
            await client.hset(key, mapping={"free": 500 if number % 2 else 0, "version": 1})


async def flush(redis_server: RedisServer) -> None:
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()


@pytest.mark.parametrize("what", ["flushed", "stopped", "paused", "of old"])
async def test_redis_under_load(
    settings: Settings, server: StartServer, redis_server: RedisServer, what: str
) -> None:
    skus = [await a_sku(stock=20) for _ in range(2)]
    client = (await server()).client
    members = await buyers(settings, 30)

    async def orders(key: str) -> list[str]:
        return await asyncio.gather(
            *(place(client, buyer, [(sku, 1) for sku in skus], key) for buyer in members)
        )

    under_way = asyncio.create_task(orders("first"))
    match what:
        case "flushed":
            await flush(redis_server)
        case "stopped":
            redis_server.stop()
        case "paused":
            redis_server.pause()
        case "of old":
            await restore_old_counts(redis_server, skus)
    started = time.monotonic()
    outcomes = await under_way + await orders("second")
    assert time.monotonic() - started < 30, "a dead Redis slows orders, it doesn't hold them up"
    assert set(outcomes) - {each for each in outcomes if is_order(each)} <= {"OUT_OF_STOCK"}
    made = sum(is_order(each) for each in outcomes)
    assert made == await db.fetch_value("SELECT count(*) FROM sales_order")
    assert made <= 20
    # Whatever Redis remembers, after a look by the reconciler the shelf is sold to the last piece.
    await adds_up(redis_server, *skus)
    for number in range(20 - made):
        assert is_order(await place_surely([client], members[number], [(skus[0], 1)], "third"))
    assert (await stock_of(skus[0]))["available"] == 0
    await adds_up(redis_server, *skus)


async def test_postgresql_cutting_every_connection_under_load(
    settings: Settings,
    server: StartServer,
    redis_server: RedisServer,
    worker_process: StartWorker,
    database_url: str,
) -> None:
    sku = await a_sku(stock=1_000)
    clients = [(await server()).client, (await server()).client]
    worker = await worker_process()
    members = await buyers(settings, 20)
    is_over = asyncio.Event()
    cutter = await asyncpg.connect(database_url)

    async def cut() -> None:
        while not is_over.is_set():
            await cutter.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name IN ('membermall-web', 'membermall-worker',"
                " 'membermall-jobs')"
            )
            await asyncio.sleep(0.05)

    cutting = asyncio.create_task(cut())
    first = asyncio.gather(*(place(clients[0], buyer, [(sku, 1)], "k") for buyer in members))
    outcomes = await first
    is_over.set()
    await cutting
    assert all(is_order(each) or each in AGAIN for each in outcomes)
    surely = await asyncio.gather(
        *(place_surely(clients, buyer, [(sku, 1)], "k") for buyer in members)
    )
    assert len({each for each in surely if is_order(each)}) == 20
    assert await db.fetch_value("SELECT count(*) FROM sales_order") == 20
    # More cuts than the pool has places: none of them may be lost.
    for _ in range(3):
        everybody = await asyncio.gather(
            *(place_surely(clients, buyer, [(sku, 1)], "after") for buyer in members)
        )
        assert all(is_order(each) for each in everybody)
    assert worker.returncode is None
    assert await stock_of(sku) == {"available": 960, "reserved": 40, "sold": 0}
    await cutter.close()
    await adds_up(redis_server, sku)


@pytest.fixture
async def shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


async def pay_surely(shopper: Shopper, order_id: str, key: str) -> str:
    """Ask to pay under one key until WeChat has answered; returns the code of a refusal, or ""."""
    for _ in range(TRIES):
        payload = await shopper.pay_payload(order_id, key=key)
        if not payload["userErrors"]:
            package: str = payload["payment"]["package"]
            await shopper.wxsim.http.post(
                "/pay", json={"prepay_id": package.removeprefix("prepay_id="), "wait": True}
            )
            return ""
        code: str = payload["userErrors"][0]["code"]
        if code not in AGAIN:
            return code
    return code


@pytest.mark.usefixtures("live")
async def test_wechat_failing_in_every_way_under_load(
    shopper: Shopper, ports: Ports, redis_server: RedisServer
) -> None:
    sku = await a_sku(9_900, stock=100)
    orders = [await shopper.place(sku, key=f"o{number}") for number in range(20)]
    for kind, facts in {
        "latency": {"ms": 30},
        "http": {"status": 503},
        "commit_then_5xx": {},
        "bad_response_signature": {},
        "notify.drop": {},
        "notify.duplicate": {"n": 5},
    }.items():
        host = {"host": "mch"} if not kind.startswith("notify") else {}
        await shopper.wxsim.fault(kind, match={**host, "probability": 0.3}, **facts)
    codes = await asyncio.gather(
        *(pay_surely(shopper, order["id"], f"p{n}") for n, order in enumerate(orders))
    )
    assert set(codes) <= {"", "ORDER_ALREADY_PAID"}
    for step in range(1, 4):  # What no callback told, the poller finds; what failed comes again.
        await run_sweeps(ports, after=timedelta(minutes=step))
    await shopper.wxsim.http.delete("/faults")
    for step in range(8, 20, 6):
        await run_sweeps(ports, after=timedelta(minutes=step))
    assert await stock_of(sku) == {"available": 80, "reserved": 0, "sold": 20}
    assert await db.fetch_value("SELECT count(*) FROM payment_case") == 0
    assert await db.fetch_value("SELECT sum(paid_fen) FROM sales_order") == 20 * 9_900
    await adds_up(redis_server, sku)


@pytest.mark.usefixtures("live")
async def test_everybody_settles_the_same_payment(
    shopper: Shopper, ports: Ports, redis_server: RedisServer
) -> None:
    await shopper.wxsim.fault("notify.duplicate", n=5)
    sku = await a_sku(9_900, stock=10)
    order = await shopper.place(sku)
    prepay_id = await shopper.prepay(order["id"])
    await asyncio.gather(
        shopper.wxsim.pay(prepay_id=prepay_id, wait=True),
        *(shopper.pay_payload(order["id"], key=f"p{number}") for number in range(5)),
        *(shopper.refresh(order["id"]) for _ in range(5)),
        *(run_sweeps(ports, after=timedelta(seconds=30)) for _ in range(3)),
    )
    await asyncio.gather(*(run_sweeps(ports, after=timedelta(minutes=2)) for _ in range(3)))
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("AWAITING_SHIPMENT", 9_900)
    assert [step["kind"] for step in shown["timeline"]] == ["PLACED", "PAID"]
    assert await db.fetch_value("SELECT count(*) FROM payment_case") == 0
    assert await stock_of(sku) == {"available": 9, "reserved": 0, "sold": 1}
    await adds_up(redis_server, sku)


async def cancel_against_pay(
    shopper: Shopper, ports: Ports, rounds: int, seed: int
) -> Counter[tuple[str, ...]]:
    """Let cancelling race paying; each order ends paid with its pieces, or cancelled without.

    Returns how often each end was met.
    """
    chance = random.Random(seed)
    sku = await a_sku(9_900, stock=rounds)

    async def late(action: Awaitable[Any], turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await action

    for number in range(rounds):
        order = await shopper.place(sku, key=f"o{number}")
        prepay_id = await shopper.prepay(order["id"], key=f"p{number}")
        actions: list[Awaitable[Any]] = [
            shopper.cancel(order["id"], key=f"c{number}"),
            # Closed already, WeChat refuses; that is one of the ways this may end.
            shopper.wxsim.http.post("/pay", json={"prepay_id": prepay_id, "wait": True}),
            shopper.refresh(order["id"]),
            run_sweeps(ports, after=timedelta(seconds=30)),
        ]
        chance.shuffle(actions)
        await asyncio.gather(*(late(action, chance.randrange(40)) for action in actions))
    for minutes in (1, 3, 12):
        await shopper.wxsim.advance("1m")
        await run_sweeps(ports, after=timedelta(minutes=minutes))
    rows = await db.fetch(
        """
        SELECT sales_order.status, payment.status AS payment, payment_case.status AS case
        FROM sales_order JOIN payment ON payment.order_id = sales_order.id
        LEFT JOIN payment_case ON payment_case.payment_id = payment.id
        """
    )
    ends = Counter(tuple(row) for row in rows)
    assert set(ends) <= {
        ("AWAITING_SHIPMENT", "SUCCEEDED", None),
        ("CANCELLED", "CLOSED", None),
        ("CANCELLED", "SUCCEEDED", "REFUNDED"),
    }
    assert sum(ends.values()) == rounds
    paid = ends["AWAITING_SHIPMENT", "SUCCEEDED", None]
    assert await stock_of(sku) == {"available": rounds - paid, "reserved": 0, "sold": paid}
    return ends


@pytest.mark.usefixtures("live")
async def test_cancelling_races_paying(
    shopper: Shopper, ports: Ports, redis_server: RedisServer
) -> None:
    await cancel_against_pay(shopper, ports, rounds=30, seed=1)
    await adds_up(redis_server)


@pytest.mark.soak
@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("seed", range(10))
async def test_cancelling_races_paying_for_long(
    shopper: Shopper, ports: Ports, redis_server: RedisServer, seed: int
) -> None:
    ends = await cancel_against_pay(shopper, ports, rounds=200, seed=seed)
    assert len(ends) > 1
    await adds_up(redis_server)
