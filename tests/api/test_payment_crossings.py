"""Payments that cross something else: a closing, a cancelling, a change of address, a refusal."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.app import MallApp
from domain.payments import Transaction
from domain.rules import ProvinceShipping, Rules, ShippingRules
from models import database as db
from services import due_work, payment_sweeps, settling
from services import rules as rule_versions
from services.ports import Ports
from tests.factories.shop import XIZANG, a_sku, an_address, stock_of
from tests.support.graphql import GraphQLClient
from tests.support.ports import ReplacePorts
from tests.support.shopping import (
    Shopper,
    a_shopper,
    assert_books_agree,
    callbacks,
    run_sweeps,
)
from tests.support.simulator import Simulator

pytestmark = pytest.mark.usefixtures("live")

CHANGE_ADDRESS = """
mutation ($i: ChangeOrderAddressInput!) { changeOrderAddress(input: $i) {
  order { id payable } userErrors { code path } } }
"""


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


@pytest.fixture
async def shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


def codes(payload: Any) -> list[tuple[str, Any]]:
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


async def number_of(order_id: str) -> str:
    """Return the out_trade_no of the order's latest attempt."""
    number: str = await db.fetch_value(
        "SELECT out_trade_no FROM payment WHERE order_id = $1 ORDER BY id DESC LIMIT 1", order_id
    )
    return number


async def state_at_wechat(wxsim: Simulator, number: str) -> str:
    state: str = (await wxsim.get(f"/orders/{number}"))["order"]["trade_state"]
    return state


async def close_in_our_book() -> None:
    """Believe that open attempts are closed, though WeChat may still take their money."""
    await db.execute(
        "UPDATE payment SET status = 'CLOSED', query_due_at = now() WHERE status = 'PREPAID'"
    )


class Meanwhile:
    """WeChat Pay, with something that happens as a number is asked about."""

    def __init__(self, pay: Any, happening: Callable[[], Awaitable[object]]) -> None:
        self._pay = pay
        self._happening = happening

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pay, name)

    async def query(self, out_trade_no: str) -> Transaction | None:
        told: Transaction | None = await self._pay.query(out_trade_no)
        await self._happening()
        return told

    async def prepay_jsapi(self, request: Any) -> str:
        prepay_id: str = await self._pay.prepay_jsapi(request)
        await self._happening()
        return prepay_id


async def test_money_for_an_amount_of_before_is_a_case(shopper: Shopper, ports: Ports) -> None:
    """The first number was closed, the address and with it the shipping changed: now it is paid."""
    now = datetime.now(UTC)
    dear = ShippingRules(exceptions=(ProvinceShipping((XIZANG[:2],), base_fen=2_000),))
    shipped = now - timedelta(days=1)
    await rule_versions.publish(Rules(shipping=dear), effective_at=shipped, now=now)
    order = await shopper.place(await a_sku(5_000))
    await shopper.prepay(order["id"])
    first = await number_of(order["id"])
    await close_in_our_book()
    far = await an_address(shopper.member_id, region_code=XIZANG, is_default=False)
    given = {"i": {"orderId": order["id"], "addressId": str(far)}}
    changed = (await shopper.client.gql(CHANGE_ADDRESS, given, shopper.token)).data
    now_payable = changed["changeOrderAddress"]["order"]["payable"]
    assert (order["payable"], now_payable) == (5_800, 7_000)

    await shopper.wxsim.pay(out_trade_no=first, wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    case = await db.fetch_one("SELECT kind, amount_fen FROM payment_case")
    assert case is not None
    assert tuple(case) == ("AMOUNT_MISMATCH", order["payable"])
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("AWAITING_PAYMENT", 0)
    await assert_books_agree()

    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"], key="again"), wait=True)
    await run_sweeps(ports)
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("AWAITING_SHIPMENT", now_payable)
    await assert_books_agree()


async def test_cancelling_an_order_that_is_paid_at_this_moment_says_so(
    shopper: Shopper, ports: Ports, replace_ports: ReplacePorts
) -> None:
    """Money for an earlier number comes in while a later one is being closed."""
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku)
    await shopper.prepay(order["id"], key="a")
    first = await number_of(order["id"])
    await close_in_our_book()
    await shopper.prepay(order["id"], key="b")
    await shopper.wxsim.pay(out_trade_no=first, wait=True)
    told = await ports.pay.query(first)
    assert told is not None

    async def the_money_comes() -> None:
        await settling.settle(told, mchid=ports.pay.mchid, now=datetime.now(UTC))

    replace_ports(pay=Meanwhile(ports.pay, the_money_comes))
    payload = await shopper.cancel(order["id"], key="c")
    assert codes(payload) == [("ORDER_NOT_CANCELLABLE", ["orderId"])]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"
    assert await db.fetch_value("SELECT count(*) FROM idempotency_key WHERE key = 'c'") == 0
    assert await stock_of(sku) == {"available": 4, "reserved": 0, "sold": 1}
    await assert_books_agree()


async def test_an_order_paid_before_the_prepay_answer_is_told_as_paid(
    shopper: Shopper, ports: Ports, replace_ports: ReplacePorts
) -> None:
    order = await shopper.place(await a_sku(9_900))

    async def the_money_comes() -> None:
        await shopper.wxsim.pay(out_trade_no=await number_of(order["id"]), wait=True)
        await payment_sweeps.settle_inbox(ports.pay, now=datetime.now(UTC))

    replace_ports(pay=Meanwhile(ports.pay, the_money_comes))
    payload = await shopper.pay_payload(order["id"])
    assert codes(payload) == [("ORDER_ALREADY_PAID", ["orderId"])]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_a_paid_orders_other_number_is_closed(shopper: Shopper, ports: Ports) -> None:
    """Nobody should be able to pay a second time, and nobody should ask about it for ever."""
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"], key="a")
    first = await number_of(order["id"])
    await close_in_our_book()
    await shopper.prepay(order["id"], key="b")
    second = await number_of(order["id"])
    await shopper.wxsim.pay(out_trade_no=first, wait=True)
    await run_sweeps(ports)
    await run_sweeps(ports, after=timedelta(minutes=1))
    assert await state_at_wechat(shopper.wxsim, second) == "CLOSED"
    await run_sweeps(ports, after=timedelta(minutes=20))
    assert await db.fetch_value("SELECT count(*) FROM payment WHERE query_due_at IS NOT NULL") == 0
    await assert_books_agree()


async def test_a_number_that_opened_after_its_closing_is_closed_at_the_last_look(
    shopper: Shopper, ports: Ports
) -> None:
    """A prepay call may reach WeChat after the cancelling that had found nothing to close."""
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"])
    number = await number_of(order["id"])
    await close_in_our_book()
    assert (await shopper.cancel(order["id"]))["order"]["status"] == "CANCELLED"
    await run_sweeps(ports, after=timedelta(minutes=11))
    assert await state_at_wechat(shopper.wxsim, number) == "CLOSED"
    assert await db.fetch_value("SELECT query_due_at FROM payment") is None


async def test_what_cannot_be_paid_that_way_leaves_the_open_number_open(shopper: Shopper) -> None:
    """Asking for a method that one has no identity for takes nobody's running payment away."""
    order = await shopper.place(await a_sku(9_900))
    prepay_id = await shopper.prepay(order["id"])
    payload = await shopper.pay_payload(order["id"], key="b", method="WECHAT_OFFICIAL_ACCOUNT")
    assert codes(payload) == [("WECHAT_REQUIRED", ["method"])]
    other = await shopper.place(await a_sku(9_900), key="order-2")
    await shopper.prepay(other["id"], key="c")
    payload = await shopper.pay_payload(order["id"], key="c", method="WECHAT_H5")
    assert codes(payload) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    assert await db.fetch_value("SELECT count(*) FROM payment WHERE status = 'PREPAID'") == 2
    await shopper.wxsim.pay(prepay_id=prepay_id, wait=True)


@pytest.mark.parametrize("code", ["SIGN_ERROR", "PARAM_ERROR", "NO_AUTH", "ORDER_PAID"])
async def test_wechat_refusing_to_tell_is_wechat_unavailable(shopper: Shopper, code: str) -> None:
    """A definite no to a question is no news of the payment."""
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku)
    await shopper.prepay(order["id"])
    await shopper.wxsim.fault("errcode", match={"host": "mch"}, code=code, status=403)
    for payload in (
        await shopper.cancel(order["id"]),
        await shopper.refresh(order["id"]),
        await shopper.pay_payload(order["id"], key="b", method="WECHAT_H5"),
    ):
        assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_UNAVAILABLE"]
    assert await stock_of(sku) == {"available": 4, "reserved": 1, "sold": 0}
    await shopper.wxsim.http.delete("/faults")
    assert (await shopper.cancel(order["id"]))["order"]["status"] == "CANCELLED"


async def test_a_sweep_asks_about_many_at_once(shopper: Shopper, ports: Ports) -> None:
    """Slow answers must not make a batch last longer than its lease."""
    sku = await a_sku(9_900)
    for number in range(8):
        order = await shopper.place(sku, key=f"o{number}")
        await shopper.prepay(order["id"], key=f"p{number}")
    asked: list[int] = []
    running = 0
    everybody_asks = asyncio.Event()

    class Slow:
        mchid = ports.pay.mchid

        async def query(self, _number: str) -> None:
            nonlocal running
            running += 1
            asked.append(running)
            if running == due_work.AT_ONCE:
                everybody_asks.set()
            await everybody_asks.wait()
            running -= 1

    after = datetime.now(UTC) + timedelta(seconds=30)
    slow: Any = Slow()
    async with asyncio.timeout(5):
        assert await payment_sweeps.query_payments(slow, now=after) == 8
    assert max(asked) == due_work.AT_ONCE
