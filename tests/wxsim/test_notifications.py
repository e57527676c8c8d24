"""What is sent to the merchant, how often, and what counts as delivered."""

from itertools import pairwise
from typing import Any

import pytest

from tests.wxsim.simulator import SHOP, Simulator
from wxsim.keys import SIGNATURE_TYPE
from wxsim.notify import GAPS


async def real_gaps(sim: Simulator) -> None:
    await sim.control("settings", time_scale=1)


async def test_the_event_is_signed_and_encrypted(sim: Simulator) -> None:
    transaction_id = await sim.paid()
    (mail,) = sim.inbox.mails
    assert mail.url == SHOP
    assert mail.headers["Wechatpay-Serial"] == sim.world.keys.public_id
    assert mail.headers["Wechatpay-Signature-Type"] == SIGNATURE_TYPE
    assert mail.signed_by(sim.public_key())
    assert abs(int(mail.headers["Wechatpay-Timestamp"]) - sim.world.clock.wall()) < 300
    data = mail.data
    assert len(data["id"]) == 36
    assert (data["event_type"], data["resource_type"]) == (
        "TRANSACTION.SUCCESS",
        "encrypt-resource",
    )
    assert (data["resource"]["original_type"], data["resource"]["associated_data"]) == (
        "transaction",
        "transaction",
    )
    event = sim.opened(mail)
    target = f"/v3/pay/transactions/out-trade-no/T00000001?mchid={sim.mchid}"
    assert event == (await sim.mch("GET", target)).json()
    assert event["transaction_id"] == transaction_id


async def test_the_schedule_is_wechats(sim: Simulator) -> None:
    await real_gaps(sim)
    sim.inbox.always = 500
    times: list[float] = []
    sim.inbox.on_mail = lambda: times.append(sim.world.clock.now())
    await sim.paid()
    await sim.advance("2d")
    gaps = [round(b - a, 3) for a, b in pairwise(times)]
    assert gaps == [
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    ]  # fmt: skip
    assert sum(GAPS) == 24 * 3600 + 4 * 60
    (notification,) = sim.world.notifier.log.values()
    assert (notification.state, len(notification.attempts)) == ("failed", 16)


async def test_every_attempt_is_signed_afresh_under_the_same_id(sim: Simulator) -> None:
    sim.inbox.answers = [500, 404, 200]
    await sim.paid()
    await sim.advance("1m")
    mails = sim.inbox.mails
    assert len(mails) == 3
    assert len({mail.body for mail in mails}) == 1
    assert len({mail.headers["Wechatpay-Nonce"] for mail in mails}) == 3
    assert len({mail.headers["Wechatpay-Signature"] for mail in mails}) == 3
    assert all(mail.signed_by(sim.public_key()) for mail in mails)


@pytest.mark.parametrize(
    ("answer", "deliveries"), [(200, 1), (204, 1), (201, 2), (302, 2), (400, 2), (500, 2)]
)
async def test_only_200_and_204_count(sim: Simulator, answer: int, deliveries: int) -> None:
    await real_gaps(sim)
    sim.inbox.answers = [answer]
    await sim.paid()
    await sim.advance("1h")
    assert len(sim.inbox.mails) == deliveries


async def test_the_scale_shortens_the_gaps(sim: Simulator) -> None:
    sim.inbox.answers = [500]
    await sim.paid()
    await sim.advance("240ms")
    assert len(sim.inbox.mails) == 1
    await sim.advance("10ms")  # 15 s at 1/60.
    assert len(sim.inbox.mails) == 2


async def test_a_broken_connection_is_tried_again(sim: Simulator) -> None:
    def refuse() -> None:
        sim.inbox.on_mail = lambda: None
        raise ConnectionRefusedError

    sim.inbox.on_mail = refuse
    await sim.paid()
    (notification,) = sim.world.notifier.log.values()
    assert [a.error for a in notification.attempts] == ["ConnectionRefusedError"]
    await sim.advance("1s")
    assert [a.status for a in notification.attempts] == [None, 204]
    assert notification.state == "delivered"


async def test_resending_by_hand(sim: Simulator) -> None:
    await sim.paid()
    (notification,) = (await listed(sim))["notifications"]
    assert (notification["state"], len(notification["attempts"])) == ("delivered", 1)
    again = await sim.control(f"notify/{notification['id']}/resend")
    assert len(again["notification"]["attempts"]) == 2
    assert [mail.data["id"] for mail in sim.inbox.mails] == [notification["id"]] * 2
    assert await sim.refused("notify/none/resend") == (404, "UNKNOWN_NOTIFICATION")


async def test_a_resend_that_succeeds_ends_the_retries(sim: Simulator) -> None:
    sim.inbox.answers = [500]
    await sim.paid()
    (notification,) = sim.world.notifier.log.values()
    await sim.control(f"notify/{notification.id}/resend")
    assert notification.state == "delivered"
    await sim.advance("1d")
    assert len(sim.inbox.mails) == 2


async def listed(sim: Simulator) -> dict[str, Any]:
    data: dict[str, Any] = (await sim.http.get("/_sim/notify")).json()
    return data


async def test_the_log_holds_no_content(sim: Simulator) -> None:
    await sim.paid()
    (notification,) = (await listed(sim))["notifications"]
    assert notification.keys() == {
        "id", "event_type", "state", "url", "created_at", "next_at", "out_trade_no",
        "out_refund_no", "attempts",
    }  # fmt: skip


async def test_the_log_is_bounded(sim: Simulator) -> None:
    for number in range(510):
        sim.world.notifier.send("TRANSACTION.SUCCESS", "transaction", "", SHOP, {"n": number})
    await sim.world.notifier.idle()
    assert len(sim.world.notifier.log) == 500
    assert next(iter(sim.world.notifier.log.values())).resource == {"n": 10}
