"""Paying, settling, cancelling: against the simulator, with callbacks on a real socket."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import MallApp
from models import database as db
from services import payment_sweeps
from services.ports import Ports
from tests.factories.shop import a_sku, stock_of
from tests.support.graphql import GraphQLClient
from tests.support.shopping import (
    Shopper,
    a_shopper,
    assert_books_agree,
    callbacks,
    run_sweeps,
)
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


@pytest.fixture
async def shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


async def points_of(shopper: Shopper) -> dict[str, int]:
    document = "{ me { points { balance pending } membership { growth } } }"
    me = (await shopper.client.gql(document, token=shopper.token)).data["me"]
    return {**me["points"], **me["membership"]}


async def test_a_paid_order_is_settled_by_its_callback(shopper: Shopper, ports: Ports) -> None:
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku, 2)
    assert (order["status"], order["payable"]) == ("AWAITING_PAYMENT", 19_800)
    paid = await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("AWAITING_SHIPMENT", 19_800)
    assert shown["pointsEarned"] == 198
    assert [event["kind"] for event in shown["timeline"]] == ["PLACED", "PAID"]
    assert shown["wechatPayment"]["transactionId"] == paid["transaction_id"]
    assert await stock_of(sku) == {"available": 3, "reserved": 0, "sold": 2}
    assert await points_of(shopper) == {"balance": 0, "pending": 198, "growth": 0}
    await assert_books_agree()


async def test_refreshing_settles_without_a_callback(shopper: Shopper) -> None:
    await shopper.wxsim.fault("notify.drop")
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    payload = await shopper.refresh(order["id"])
    assert payload["userErrors"] == []
    assert payload["order"]["status"] == "AWAITING_SHIPMENT"
    await assert_books_agree()


async def test_the_poller_settles_what_no_callback_told(shopper: Shopper, ports: Ports) -> None:
    await shopper.wxsim.fault("notify.drop")
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    await run_sweeps(ports, after=timedelta(seconds=30))
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"
    await assert_books_agree()


async def test_five_callbacks_at_once_pay_once(shopper: Shopper, ports: Ports) -> None:
    await shopper.wxsim.fault("notify.duplicate", n=5)
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await callbacks(1)
    await asyncio.gather(*(run_sweeps(ports) for _ in range(5)))
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"
    assert (await points_of(shopper))["pending"] == 99
    assert await db.fetch_value("SELECT count(*) FROM wechat_event") == 1
    await assert_books_agree()


async def test_settling_and_refreshing_at_once_pay_once(shopper: Shopper, ports: Ports) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await callbacks(1)
    await asyncio.gather(
        *(shopper.refresh(order["id"]) for _ in range(10)), *(run_sweeps(ports) for _ in range(3))
    )
    assert (await points_of(shopper))["pending"] == 99
    await assert_books_agree()


async def test_paying_again_reuses_the_number(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    first = await shopper.prepay(order["id"], key="a")
    second = await shopper.prepay(order["id"], key="b")
    again = await shopper.prepay(order["id"], key="b")
    assert len({first, second, again}) == 3
    assert await db.fetch_value("SELECT count(*) FROM payment") == 1


async def test_another_method_closes_the_first_attempt(shopper: Shopper, ports: Ports) -> None:
    order = await shopper.place(await a_sku(9_900))
    prepay_id = await shopper.prepay(order["id"], key="a")
    payload = await shopper.pay_payload(order["id"], key="b", method="WECHAT_H5")
    assert payload["userErrors"] == []
    assert payload["payment"]["h5Url"].startswith("http")
    refused = await shopper.wxsim.http.post("/pay", json={"prepay_id": prepay_id})
    assert refused.status_code == 409
    rows = await db.fetch("SELECT method, status FROM payment ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("WECHAT_MINI_PROGRAM", "CLOSED"),
        ("WECHAT_H5", "PREPAID"),
    ]
    await shopper.wxsim.pay(h5_url=payload["payment"]["h5Url"], wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_the_official_account_needs_its_own_identity(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    payload = await shopper.pay_payload(order["id"], method="WECHAT_OFFICIAL_ACCOUNT")
    assert payload["payment"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_REQUIRED"]
    assert await db.fetch_value("SELECT count(*) FROM payment") == 0


async def test_a_paid_order_cannot_be_paid_or_cancelled(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    await shopper.refresh(order["id"])
    payload = await shopper.pay_payload(order["id"], key="again")
    assert [error["code"] for error in payload["userErrors"]] == ["ORDER_ALREADY_PAID"]
    payload = await shopper.cancel(order["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["ORDER_NOT_CANCELLABLE"]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_cancelling_gives_everything_back(shopper: Shopper) -> None:
    sku = await a_sku(9_900, stock=5, limit=2)
    order = await shopper.place(sku, 2)
    prepay_id = await shopper.prepay(order["id"])
    payload = await shopper.cancel(order["id"])
    assert payload["userErrors"] == []
    assert payload["order"]["status"] == "CANCELLED"
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    refused = await shopper.wxsim.http.post("/pay", json={"prepay_id": prepay_id})
    assert refused.status_code == 409
    again = await shopper.place(sku, 2, key="order-2")  # The limit was given back too.
    assert again["status"] == "AWAITING_PAYMENT"
    await assert_books_agree()


async def test_cancelling_twice_at_once_gives_back_once(shopper: Shopper) -> None:
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku, 2)
    payloads = await asyncio.gather(
        *(shopper.cancel(order["id"], key=f"c{i % 3}") for i in range(12))
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    await assert_books_agree()


async def test_cancelling_a_paid_order_settles_it(shopper: Shopper) -> None:
    await shopper.wxsim.fault("notify.drop")
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    payload = await shopper.cancel(order["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["ORDER_NOT_CANCELLABLE"]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"
    await assert_books_agree()


async def test_cancelling_waits_for_wechat(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"])
    await shopper.wxsim.fault("http", status=503, match={"host": "mch"})
    payload = await shopper.cancel(order["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_UNAVAILABLE"]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_PAYMENT"


async def test_an_overdue_order_is_cancelled_and_its_stock_returns(
    shopper: Shopper, ports: Ports
) -> None:
    sku = await a_sku(9_900, stock=5)
    sent, unsent = await shopper.place(sku, 1, key="a"), await shopper.place(sku, 1, key="b")
    await shopper.prepay(sent["id"])
    await run_sweeps(ports, after=timedelta(minutes=29))
    assert (await shopper.order(sent["id"]))["status"] == "AWAITING_PAYMENT"
    await run_sweeps(ports, after=timedelta(minutes=31))
    assert (await shopper.order(sent["id"]))["status"] == "CANCELLED"
    assert (await shopper.order(unsent["id"]))["status"] == "CANCELLED"
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    await assert_books_agree()


async def test_an_overdue_order_waits_while_wechat_is_away(shopper: Shopper, ports: Ports) -> None:
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku)
    await shopper.prepay(order["id"])
    await shopper.wxsim.fault("http", status=502, match={"host": "mch"})
    await run_sweeps(ports, after=timedelta(minutes=31))
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_PAYMENT"
    await shopper.wxsim.http.delete("/faults")
    await run_sweeps(ports, after=timedelta(minutes=33))
    assert (await shopper.order(order["id"]))["status"] == "CANCELLED"
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}


async def test_money_for_a_cancelled_order_goes_back(shopper: Shopper, ports: Ports) -> None:
    """The payment crossed the closing: WeChat took it although we had heard that it was closed."""
    sku = await a_sku(9_900, stock=5)
    order = await shopper.place(sku)
    await shopper.prepay(order["id"])
    number = await db.fetch_value("SELECT out_trade_no FROM payment")
    await db.execute("UPDATE payment SET status = 'CLOSED'")
    assert (await shopper.cancel(order["id"]))["order"]["status"] == "CANCELLED"
    await shopper.wxsim.pay(out_trade_no=number, wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    case = await db.fetch_one("SELECT kind, status, amount_fen FROM payment_case")
    assert case is not None
    assert (case["kind"], case["amount_fen"]) == ("PAID_AFTER_CANCEL", 9_900)
    await shopper.wxsim.advance("1m")
    await run_sweeps(ports, after=timedelta(minutes=2))
    assert await db.fetch_value("SELECT status FROM payment_case") == "REFUNDED"
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("CANCELLED", 0)
    assert shown["timeline"][-1]["kind"] == "REFUNDED"
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    await assert_books_agree()


async def test_paid_twice_sends_the_second_payment_back(shopper: Shopper, ports: Ports) -> None:
    """The first attempt was closed in our book while its money was on the way."""
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"], key="a")
    first = await db.fetch_value("SELECT out_trade_no FROM payment")
    await db.execute("UPDATE payment SET status = 'CLOSED'")
    second = await shopper.prepay(order["id"], key="b")
    await shopper.wxsim.pay(prepay_id=second, wait=True)
    await shopper.wxsim.pay(out_trade_no=first, wait=True)
    await callbacks(2)
    await run_sweeps(ports)
    case = await db.fetch_one(
        """
        SELECT c.kind, c.amount_fen, p.out_trade_no FROM payment_case AS c
        JOIN payment AS p ON p.id = c.payment_id
        """
    )
    assert case is not None
    assert tuple(case) == ("PAID_TWICE", 9_900, first)
    shown = await shopper.order(order["id"])
    assert (shown["status"], shown["paid"]) == ("AWAITING_SHIPMENT", 9_900)
    await assert_books_agree()


async def a_case(shopper: Shopper, ports: Ports) -> str:
    """Make a payment case, its refund not yet begun; returns the order's id."""
    order = await shopper.place(await a_sku(9_900))
    await shopper.prepay(order["id"])
    number = await db.fetch_value("SELECT out_trade_no FROM payment")
    await db.execute("UPDATE payment SET status = 'CLOSED'")
    await shopper.cancel(order["id"])
    await shopper.wxsim.pay(out_trade_no=number, wait=True)
    await payment_sweeps.settle_inbox(ports.pay, now=datetime.now(UTC))
    order_id: str = order["id"]
    return order_id


async def refunds_at_wechat(wxsim: Simulator) -> int:
    number = await db.fetch_value("SELECT out_trade_no FROM payment")
    return len((await wxsim.get(f"/orders/{number}"))["refunds"])


async def test_a_refund_that_was_done_but_answered_500_is_one_refund(
    shopper: Shopper, ports: Ports
) -> None:
    await a_case(shopper, ports)
    await shopper.wxsim.fault("commit_then_5xx", match={"host": "mch"}, times=1)
    await run_sweeps(ports)
    assert await db.fetch_value("SELECT status FROM payment_case") == "OPEN"
    await run_sweeps(ports, after=timedelta(minutes=2))
    await shopper.wxsim.advance("1m")
    await run_sweeps(ports, after=timedelta(minutes=4))
    assert await db.fetch_value("SELECT status FROM payment_case") == "REFUNDED"
    assert await refunds_at_wechat(shopper.wxsim) == 1


async def test_two_workers_refund_a_case_once(shopper: Shopper, ports: Ports) -> None:
    await a_case(shopper, ports)
    await asyncio.gather(*(run_sweeps(ports) for _ in range(6)))
    assert await refunds_at_wechat(shopper.wxsim) == 1


@pytest.mark.parametrize("result", ["ABNORMAL", "CLOSED"])
async def test_a_refund_that_wechat_cannot_pay_out_stays_a_case(
    shopper: Shopper, ports: Ports, result: str
) -> None:
    await shopper.wxsim.fault("refund.result", status=result)
    await a_case(shopper, ports)
    await run_sweeps(ports)
    await shopper.wxsim.advance("1m")
    await run_sweeps(ports, after=timedelta(minutes=2))
    assert await db.fetch_value("SELECT status FROM payment_case") == "ABNORMAL"
    assert await db.fetch_value("SELECT refund_due_at IS NOT NULL FROM payment_case") is True


async def test_a_notification_signed_by_the_certificate_is_taken(
    shopper: Shopper, ports: Ports
) -> None:
    await shopper.wxsim.fault("notify.cert_signed")
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_an_answer_that_is_not_wechats_is_not_believed(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.fault("bad_response_signature", match={"host": "mch"}, times=1)
    payload = await shopper.pay_payload(order["id"], key="k")
    assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_UNAVAILABLE"]
    assert await shopper.prepay(order["id"], key="k")


async def test_one_pay_key_is_for_one_order(shopper: Shopper) -> None:
    sku = await a_sku(9_900)
    first, second = await shopper.place(sku, key="a"), await shopper.place(sku, key="b")
    await shopper.prepay(first["id"], key="k")
    payload = await shopper.pay_payload(second["id"], key="k")
    assert [(e["code"], e["path"]) for e in payload["userErrors"]] == [
        ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    ]
    assert await db.fetch_value("SELECT count(*) FROM payment") == 1


async def test_twenty_at_once_make_one_attempt(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    payloads = await asyncio.gather(
        *(shopper.pay_payload(order["id"], key=f"k{i % 4}") for i in range(20))
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    assert await db.fetch_value("SELECT count(*) FROM payment") == 1


async def test_an_order_in_its_last_minute_is_not_payable(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    await db.execute("UPDATE sales_order SET pay_before = now() + interval '50 seconds'")
    payload = await shopper.pay_payload(order["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["ORDER_NOT_PAYABLE"]
    assert await db.fetch_value("SELECT count(*) FROM payment") == 0


async def test_statements_of_paying_and_settling(
    shopper: Shopper, ports: Ports, statements: StatementLog
) -> None:
    order = await shopper.place(await a_sku(9_900))
    async with statements.record() as heard:
        prepay_id = await shopper.prepay(order["id"])
    assert len(heard) <= 5, heard
    await shopper.wxsim.pay(prepay_id=prepay_id, wait=True)
    async with statements.record() as heard:
        await payment_sweeps.settle_inbox(ports.pay, now=datetime.now(UTC))
    assert len(heard) <= 10, heard


async def test_another_amount_does_not_pay(shopper: Shopper, ports: Ports) -> None:
    await shopper.wxsim.fault("notify.tampered_amount")
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    await callbacks(1)
    await run_sweeps(ports)
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_PAYMENT"
    assert await db.fetch_value("SELECT kind FROM payment_case") == "AMOUNT_MISMATCH"
    await assert_books_agree()


@pytest.mark.parametrize(
    "kind",
    ["notify.forged_signature", "notify.old_timestamp", "notify.wrong_serial", "notify.signtest"],
)
async def test_a_notification_that_proves_nothing_is_refused(
    shopper: Shopper, ports: Ports, kind: str
) -> None:
    await shopper.wxsim.fault(kind, times=1)
    order = await shopper.place(await a_sku(9_900))
    paid = await shopper.wxsim.pay(prepay_id=await shopper.prepay(order["id"]), wait=True)
    assert paid["notify_state"] != "delivered"
    assert await db.fetch_value("SELECT count(*) FROM wechat_event") == 0
    await shopper.wxsim.advance("30s")  # WeChat sends it again, properly.
    await callbacks(1)
    await run_sweeps(ports)
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_a_notification_to_another_merchant_is_not_ours(live: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{live}/wechat/pay/notify/1234567890", json={})
        assert answer.status_code == 404
        huge = await http.post(f"{live}/wechat/pay/notify/1900006891", content=b"x" * 100_000)
        assert huge.status_code == 413
        empty = await http.post(f"{live}/wechat/pay/notify/1900006891", content=b"")
        assert empty.status_code == 401


async def test_a_notification_may_come_before_the_prepay_answer(
    shopper: Shopper, ports: Ports
) -> None:
    await shopper.wxsim.fault("notify.before_response")
    order = await shopper.place(await a_sku(9_900))
    await shopper.pay_payload(order["id"])
    await callbacks(1)
    await run_sweeps(ports)
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_SHIPMENT"
    await assert_books_agree()


async def test_a_prepay_that_was_done_but_answered_500_keeps_its_number(shopper: Shopper) -> None:
    order = await shopper.place(await a_sku(9_900))
    await shopper.wxsim.fault("commit_then_5xx", match={"host": "mch"}, times=1)
    payload = await shopper.pay_payload(order["id"], key="k")
    assert [error["code"] for error in payload["userErrors"]] == ["WECHAT_UNAVAILABLE"]
    prepay_id = await shopper.prepay(order["id"], key="k")
    await shopper.wxsim.pay(prepay_id=prepay_id)
    assert (await shopper.refresh(order["id"]))["order"]["status"] == "AWAITING_SHIPMENT"
    assert await db.fetch_value("SELECT count(*) FROM payment") == 1


async def test_somebody_elses_order_is_not_there(
    shopper: Shopper, client: GraphQLClient, wxsim: Simulator
) -> None:
    order = await shopper.place(await a_sku(9_900))
    other = await a_shopper(client, wxsim)
    for payload in (
        await other.pay_payload(order["id"]),
        await other.refresh(order["id"]),
        await other.cancel(order["id"]),
    ):
        assert payload["order"] is None
        assert [(e["code"], e["path"]) for e in payload["userErrors"]] == [
            ("NOT_FOUND", ["orderId"])
        ]
    assert (await shopper.order(order["id"]))["status"] == "AWAITING_PAYMENT"
    assert await other.order(order["id"]) is None


@pytest.mark.parametrize("operation", ["payOrder", "cancelOrder", "refreshPayment"])
async def test_without_a_token_nothing_is_done(client: GraphQLClient, operation: str) -> None:
    extra = {
        "payOrder": ', method: WECHAT_H5, idempotencyKey: "k"',
        "cancelOrder": ', idempotencyKey: "k"',
        "refreshPayment": "",
    }[operation]
    document = f'mutation {{ {operation}(input: {{orderId: "x"{extra}}}) {{ order {{ id }} }} }}'
    assert (await client.gql(document)).error_codes == ["UNAUTHENTICATED"]
