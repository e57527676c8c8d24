"""Domestic refunds: their rules, their way to the end, their events."""

from typing import Any

import pytest

from tests.wxsim.simulator import REFUNDS, Simulator
from wxsim.clock import rfc3339


async def status(sim: Simulator, number: str) -> str:
    answer = await sim.mch("GET", f"/v3/refund/domestic/refunds/{number}")
    return str(answer.json()["status"])


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_refund_is_processed_and_then_done(sim: Simulator) -> None:
    transaction_id = await sim.paid()
    made = (await sim.refund("R1", 40)).json()
    assert made == {
        "refund_id": made["refund_id"],
        "out_refund_no": "R1",
        "transaction_id": transaction_id,
        "out_trade_no": "T00000001",
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(sim.world.clock.now()),
        "status": "PROCESSING",
        "funds_account": "UNSETTLED",
        "amount": {
            "total": 100,
            "refund": 40,
            "payer_total": 100,
            "payer_refund": 40,
            "settlement_refund": 40,
            "settlement_total": 100,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    assert (made["refund_id"][:2], len(made["refund_id"])) == ("50", 29)
    assert await sim.state() == "REFUND"
    await sim.advance("2s")
    assert await status(sim, "R1") == "SUCCESS"
    mail = sim.inbox.mails[1]
    assert (mail.url, mail.data["event_type"]) == (REFUNDS, "REFUND.SUCCESS")
    assert mail.data["resource"]["original_type"] == "refund"
    event = sim.opened(mail)
    assert event == {
        "mchid": sim.mchid,
        "out_trade_no": "T00000001",
        "transaction_id": transaction_id,
        "out_refund_no": "R1",
        "refund_id": made["refund_id"],
        "refund_status": "SUCCESS",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40},
        "success_time": event["success_time"],
    }


async def test_the_same_number_is_the_same_refund(sim: Simulator) -> None:
    await sim.paid()
    first = (await sim.refund("R1", 40)).json()
    assert (await sim.refund("R1", 40)).json() == first
    assert code(await sim.refund("R1", 41)) == (400, "INVALID_REQUEST")
    await sim.advance("2m")
    assert (await sim.refund("R1", 40)).json()["status"] == "SUCCESS"
    assert (await sim.refund("R2", 60)).status_code == 200


async def test_refunds_never_exceed_the_order(sim: Simulator) -> None:
    await sim.paid()
    await sim.refund("R1", 60)
    await sim.advance("1m")
    assert code(await sim.refund("R2", 41)) == (400, "INVALID_REQUEST")
    assert (await sim.refund("R2", 40)).status_code == 200
    await sim.advance("1m")
    assert code(await sim.refund("R3", 1)) == (400, "INVALID_REQUEST")


async def test_refunds_of_one_order_are_a_minute_apart(sim: Simulator) -> None:
    await sim.paid()
    await sim.refund("R1", 1)
    await sim.advance("59s")
    assert code(await sim.refund("R2", 1)) == (429, "FREQUENCY_LIMITED")
    await sim.advance("1s")
    assert (await sim.refund("R2", 1)).status_code == 200
    await sim.control("settings", refund_gap_seconds=0)
    assert (await sim.refund("R3", 1)).status_code == 200


async def test_at_most_fifty_refunds(sim: Simulator) -> None:
    await sim.control("settings", refund_gap_seconds=0)
    await sim.paid()
    for number in range(50):
        assert (await sim.refund(f"R{number}", 1)).status_code == 200
    assert code(await sim.refund("R50", 1)) == (400, "INVALID_REQUEST")


async def test_the_window_is_a_year(sim: Simulator) -> None:
    await sim.paid()
    await sim.advance("364d")
    assert (await sim.refund("R1", 1)).status_code == 200
    await sim.advance("2d")
    assert code(await sim.refund("R2", 1)) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": {"refund": 101, "total": 100, "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 0, "total": 100, "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 1, "total": 100}}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 1, "total": 99, "currency": "CNY"}}, (400, "INVALID_REQUEST")),
        ({"out_refund_no": "R 1"}, (400, "PARAM_ERROR")),
        ({"out_refund_no": "x" * 65}, (400, "PARAM_ERROR")),
        ({"reason": "x" * 81}, (400, "PARAM_ERROR")),
        ({"notify_url": "http://mall.example/x"}, (400, "PARAM_ERROR")),
        ({"transaction_id": "42"}, (400, "PARAM_ERROR")),
        ({"out_trade_no": None}, (400, "PARAM_ERROR")),
        ({"out_trade_no": "T00000009"}, (404, "RESOURCE_NOT_EXISTS")),
        ({"out_trade_no": "U00000001"}, (400, "INVALID_REQUEST")),
        ({"surprise": 1}, (400, "PARAM_ERROR")),
    ],
)
async def test_refusals(sim: Simulator, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    await sim.paid()
    await sim.order("U00000001")
    assert code(await sim.refund("R1", 1, **changes)) == expected
    assert sim.world.payments.refunds == {}
    assert await sim.state() == "SUCCESS"


async def test_refund_by_transaction_id_and_without_notification(sim: Simulator) -> None:
    number = await sim.paid()
    data = {
        "transaction_id": number,
        "out_refund_no": "R1",
        "amount": {"refund": 100, "total": 100, "currency": "CNY"},
    }
    assert (await sim.mch("POST", "/v3/refund/domestic/refunds", data)).status_code == 200
    await sim.advance("2s")
    assert await status(sim, "R1") == "SUCCESS"
    assert [mail.data["event_type"] for mail in sim.inbox.mails] == ["TRANSACTION.SUCCESS"]


async def test_an_unknown_refund(sim: Simulator) -> None:
    answer = await sim.mch("GET", "/v3/refund/domestic/refunds/R9")
    assert code(answer) == (404, "RESOURCE_NOT_EXISTS")
    assert sim.is_sealed(answer)


async def test_a_coupons_share_is_not_paid_back(sim: Simulator) -> None:
    await sim.paid(coupon=25)
    amount = (await sim.refund("R1", 50)).json()["amount"]
    assert (amount["refund"], amount["payer_total"], amount["payer_refund"]) == (50, 75, 37)


async def test_abnormal_is_not_final_but_closed_is(sim: Simulator) -> None:
    await sim.paid()
    await sim.fault("refund.result", status="ABNORMAL", match={"times": 1})
    await sim.refund("R1", 100)
    await sim.advance("2s")
    assert await status(sim, "R1") == "ABNORMAL"
    assert sim.inbox.mails[1].data["event_type"] == "REFUND.ABNORMAL"
    done = await sim.control("refund/R1/result", status="CLOSED")
    assert done["status"] == "CLOSED"
    await sim.world.notifier.idle()
    assert sim.inbox.mails[2].data["event_type"] == "REFUND.CLOSED"
    assert await sim.refused("refund/R1/result", status="SUCCESS") == (409, "REFUND_DONE")
    # A closed refund has failed, so its money may be asked for again.
    await sim.advance("1m")
    assert (await sim.refund("R2", 100)).status_code == 200


async def test_not_enough_money(sim: Simulator) -> None:
    await sim.paid()
    await sim.fault("refund.result", code="NOT_ENOUGH", match={"times": 1})
    assert code(await sim.refund("R1", 1)) == (403, "NOT_ENOUGH")
    assert (await sim.refund("R1", 1)).status_code == 200


async def test_a_developer_can_end_a_refund_early(sim: Simulator) -> None:
    await sim.paid()
    await sim.refund("R1", 1)
    assert (await sim.control("refund/R1/result"))["status"] == "SUCCESS"
    await sim.advance("5s")  # The timer that was to end it finds it done.
    events = [mail.data["event_type"] for mail in sim.inbox.mails]
    assert events == ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]
    assert await sim.refused("refund/R9/result") == (404, "RESOURCE_NOT_EXISTS")
    assert await sim.refused("refund/R1/result", status="LOST") == (400, "BAD_RESULT")
