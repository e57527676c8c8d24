"""`mall worker` as processes of their own, stopped, killed and many at once."""

import asyncio
import signal

import pytest

from models import database as db
from services import queue
from tests.concurrency.conftest import StartWorker
from tests.factories.shop import a_sku
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper, assert_books_agree
from tests.support.simulator import Simulator
from tests.support.sockets import open_socket

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
async def shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


async def until_none(sql: str) -> None:
    """Wait until a count that the worker brings down is 0."""
    async with asyncio.timeout(20):
        while await db.fetch_value(sql):  # noqa: ASYNC110 (the worker is another process)
            await asyncio.sleep(0.02)


async def settled(*order_ids: str) -> None:
    """Wait until the worker has settled them all."""
    await until_none("SELECT count(*) FROM sales_order WHERE status = 'AWAITING_PAYMENT'")
    assert await db.fetch_value("SELECT count(*) FROM sales_order") == len(order_ids)


async def test_a_callback_wakes_the_worker(shopper: Shopper, worker_process: StartWorker) -> None:
    process = await worker_process()
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await settled(order["id"])
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 15) == 0
    await assert_books_agree()


async def test_whoever_follows_an_order_hears_of_its_payment(
    shopper: Shopper, worker_process: StartWorker, live: str
) -> None:
    """From WeChat's callback through the worker and Redis to a socket of the web process."""
    follow = "subscription ($id: ID!) { orderChanged(orderId: $id) { status } }"
    await worker_process()
    order = await shopper.place(await a_sku(9_900))
    async with open_socket(live) as socket:
        await socket.begin(shopper.token)
        id_ = await socket.follow(follow, {"id": order["id"]})
        assert await socket.event(id_) == {"orderChanged": {"status": "AWAITING_PAYMENT"}}
        await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
        assert await socket.event(id_) == {"orderChanged": {"status": "AWAITING_SHIPMENT"}}
    await until_none("SELECT count(*) FROM news")


async def test_what_a_killed_worker_left_another_does(
    shopper: Shopper, worker_process: StartWorker
) -> None:
    sku = await a_sku(9_900)
    first = await worker_process()
    orders = [await shopper.place(sku, key=f"o{i}") for i in range(8)]
    for number, order in enumerate(orders):
        prepay_id = await shopper.prepay(order["id"], key=f"p{number}")
        await shopper.wxsim.pay(prepay_id=prepay_id, wait=True)
        if number == 4:
            first.kill()
            await first.wait()
    # What it had leased comes back when the lease is over; here nobody waits for a minute.
    await db.execute("UPDATE wechat_event SET due_at = now() WHERE processed_at IS NULL")
    await worker_process()
    await settled(*(order["id"] for order in orders))
    await assert_books_agree()


async def test_three_workers_share_the_work(shopper: Shopper, worker_process: StartWorker) -> None:
    sku = await a_sku(9_900)
    orders = [await shopper.place(sku, key=f"o{i}") for i in range(12)]
    for number, order in enumerate(orders):
        prepay_id = await shopper.prepay(order["id"], key=f"p{number}")
        await shopper.wxsim.pay(prepay_id=prepay_id, wait=True)
    await asyncio.gather(*(worker_process() for _ in range(3)))
    await settled(*(order["id"] for order in orders))
    await assert_books_agree()


async def test_a_job_of_a_transaction_runs_and_one_of_a_rollback_does_not(
    worker_process: StartWorker, live: str
) -> None:
    async with db.in_transaction():
        kept = await queue.enqueue("payment_case.opened", case_id="1")

    async def roll_back() -> None:
        async with db.in_transaction():
            await queue.enqueue("payment_case.opened", case_id="2")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await roll_back()
    await worker_process()
    await until_none("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
    rows = await db.fetch(
        "SELECT id FROM procrastinate_jobs WHERE task_name = 'payment_case.opened'"
    )
    assert [row["id"] for row in rows] == [kept]


async def test_a_worker_that_waits_for_wechat_stops_in_time(
    shopper: Shopper, worker_process: StartWorker
) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"])
    await shopper.wxsim.fault("timeout", match={"host": "mch", "path": "/v3/pay/"})
    await db.execute("UPDATE payment SET query_due_at = now()")
    process = await worker_process(shutdown_grace_seconds=0.1, wechat_timeout_seconds=600)
    # Leased: it has asked, and waits.
    await until_none("SELECT count(*) FROM payment WHERE query_due_at <= now()")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 15) == 0
    await assert_books_agree()
