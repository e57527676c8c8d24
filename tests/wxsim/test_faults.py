"""What goes wrong on purpose."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.wxsim.simulator import Simulator

QUERY = "/v3/pay/transactions/out-trade-no/T00000001?mchid=1900006891"


async def active(sim: Simulator) -> list[str]:
    data = (await sim.http.get("/_sim/faults")).json()
    return [fault["kind"] for fault in data["faults"]]


async def test_http_does_nothing_and_answers_a_gateways_page(sim: Simulator) -> None:
    await sim.fault("http", status=502, match={"host": "mch", "times": 1})
    answer = await sim.order()
    assert (answer.status_code, "wechatpay-signature" in answer.headers) == (502, False)
    assert answer.headers["content-type"].startswith("text/html")
    assert sim.world.payments.orders == {}
    assert await active(sim) == []
    assert (await sim.order()).status_code == 200


async def test_commit_then_5xx_does_it_all_the_same(sim: Simulator) -> None:
    await sim.fault("commit_then_5xx", match={"path": "/v3/pay/transactions/jsapi", "times": 1})
    answer = await sim.order()
    assert (answer.status_code, answer.json()["code"]) == (500, "SYSTEM_ERROR")
    assert list(sim.world.payments.orders) == ["T00000001"]
    await sim.control("pay", out_trade_no="T00000001")
    await sim.fault("commit_then_5xx", match={"path": "/mch/v3/refund", "times": 1})
    assert (await sim.refund("R1", 1)).status_code == 500
    assert (await sim.refund("R1", 1)).json()["status"] == "PROCESSING"
    assert sim.world.payments.orders["T00000001"].refund_count == 1


async def test_timeout_commits_and_stays_silent(sim: Simulator) -> None:
    await sim.fault("timeout", ms=30, match={"host": "mch", "times": 1})
    with pytest.raises(AssertionError):  # The transport saw no answer begin.
        await sim.order()
    assert list(sim.world.payments.orders) == ["T00000001"]
    assert (await entries(sim))[-1]["status"] is None


async def entries(sim: Simulator) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = (await sim.http.get("/_sim/journal")).json()["entries"]
    return data


async def test_latency(sim: Simulator) -> None:
    await sim.fault("latency", ms=20, match={"host": "api", "times": 1})
    loop = asyncio.get_running_loop()
    started = loop.time()
    await sim.access_token()
    assert loop.time() - started >= 0.02


@pytest.mark.parametrize("errcode", [-1, 45009, 45011, 40001])
async def test_errcode(sim: Simulator, errcode: int) -> None:
    await sim.fault("errcode", errcode=errcode, match={"path": "/cgi-bin/*token", "times": 1})
    assert (await sim.stable_token())["errcode"] == errcode
    assert "access_token" in await sim.stable_token()


async def test_errcode_on_the_pay_host(sim: Simulator) -> None:
    await sim.fault("errcode", code="FREQUENCY_LIMITED", status=429, match={"host": "mch"})
    answer = await sim.order()
    assert (answer.status_code, answer.json()["code"]) == (429, "FREQUENCY_LIMITED")
    assert sim.is_sealed(answer)


@pytest.mark.parametrize("kind", ["bad_response_signature", "signtest"])
async def test_wrongly_signed_answers(sim: Simulator, kind: str) -> None:
    await sim.fault(kind, match={"times": 1})
    answer = await sim.order()
    assert answer.status_code == 200
    assert not sim.is_sealed(answer)
    probe = answer.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert probe is (kind == "signtest")
    assert sim.is_sealed(await sim.mch("GET", QUERY))


async def test_unsigned_answers(sim: Simulator) -> None:
    await sim.fault("missing_signature", match={"times": 1})
    answer = await sim.order()
    assert answer.status_code == 200
    assert "wechatpay-signature" not in answer.headers
    assert "request-id" in answer.headers


async def test_whitespace_is_signed_as_sent(sim: Simulator) -> None:
    await sim.order()
    plain = await sim.mch("GET", QUERY)
    await sim.fault("body.whitespace", match={"host": "mch", "times": 1})
    loose = await sim.mch("GET", QUERY)
    assert loose.json() == plain.json()
    assert loose.content != plain.content
    assert sim.is_sealed(loose)


async def test_lost_for_good_or_for_one_attempt(sim: Simulator) -> None:
    await sim.fault("notify.drop", match={"times": 1})
    await sim.paid()
    await sim.advance("2d")
    assert sim.inbox.mails == []
    assert next(iter(sim.world.notifier.log.values())).state == "dropped"
    await sim.fault("notify.drop", attempt_only=True, match={"times": 1})
    await sim.paid("T00000002")
    assert sim.inbox.mails == []
    await sim.advance("1m")
    assert [sim.opened(mail)["out_trade_no"] for mail in sim.inbox.mails] == ["T00000002"]


async def test_delay(sim: Simulator) -> None:
    await sim.fault("notify.delay", ms=60_000, match={"times": 1})
    await sim.order()
    await sim.control("pay", out_trade_no="T00000001")
    await sim.advance("59s")
    assert sim.inbox.mails == []
    await sim.advance("1s")
    assert len(sim.inbox.mails) == 1


async def test_duplicates_come_at_once_under_one_id(sim: Simulator) -> None:
    await sim.fault("notify.duplicate", n=5, match={"times": 1})
    await sim.paid()
    assert len(sim.inbox.mails) == 5
    assert len({mail.data["id"] for mail in sim.inbox.mails}) == 1
    assert len({mail.headers["Wechatpay-Nonce"] for mail in sim.inbox.mails}) == 5


@pytest.mark.parametrize(
    "kind", ["notify.forged_signature", "notify.signtest", "notify.wrong_serial"]
)
async def test_false_notifications_are_followed_by_the_true_one(sim: Simulator, kind: str) -> None:
    await sim.fault(kind, match={"times": 1})
    sim.inbox.answers = [401]
    await sim.paid()
    await sim.advance("1m")
    false, true = sim.inbox.mails
    known = false.headers["Wechatpay-Serial"] == sim.world.keys.public_id
    assert not (known and false.signed_by(sim.public_key()))
    assert known is (kind != "notify.wrong_serial")
    assert true.signed_by(sim.public_key())
    attempt = next(iter(sim.world.notifier.log.values())).attempts[0]
    assert (attempt.fault, attempt.status) == (kind, 401)


async def test_an_old_notification_is_properly_signed(sim: Simulator) -> None:
    await sim.fault("notify.old_timestamp", seconds=301, match={"times": 1})
    await sim.paid()
    (mail,) = sim.inbox.mails
    assert mail.signed_by(sim.public_key())
    age = sim.world.clock.wall() - int(mail.headers["Wechatpay-Timestamp"])
    assert 300 < age < 310


async def test_grey_notifications_are_signed_by_the_certificate(sim: Simulator) -> None:
    await sim.fault("notify.cert_signed", match={"event_type": "TRANSACTION.*"})
    await sim.paid()
    (mail,) = sim.inbox.mails
    platform = sim.world.keys.platform[-1]
    assert mail.headers["Wechatpay-Serial"] == platform.serial
    assert mail.signed_by(platform.key.public_key())


async def test_a_tampered_amount_passes_every_signature_check(sim: Simulator) -> None:
    await sim.fault("notify.tampered_amount", match={"times": 1})
    sim.inbox.answers = [500]
    await sim.paid()
    await sim.advance("1m")
    false, true = sim.inbox.mails
    assert false.signed_by(sim.public_key())
    assert sim.opened(false)["amount"]["total"] == 101
    assert sim.opened(true)["amount"]["total"] == 100


async def test_notified_before_the_prepay_answer(sim: Simulator) -> None:
    await sim.fault("notify.before_response", match={"times": 1})
    arrived: list[str] = []
    sim.inbox.on_mail = lambda: arrived.append(sim.world.payments.orders["T00000001"].state)
    answer = await sim.order()
    assert answer.status_code == 200
    assert arrived == ["SUCCESS"]
    assert await sim.state() == "SUCCESS"


async def test_notified_before_the_refund_answer(sim: Simulator) -> None:
    await sim.paid()
    await sim.fault("notify.before_response", match={"path": "/v3/refund", "times": 1})
    answer = await sim.refund("R1", 100)
    assert answer.json()["status"] == "PROCESSING"
    assert sim.inbox.mails[1].data["event_type"] == "REFUND.SUCCESS"


async def test_matches_are_by_path_method_and_ids(sim: Simulator) -> None:
    await sim.fault("notify.drop", match={"out_trade_no": "T00000002"})
    await sim.fault("http", match={"host": "mch", "method": "GET", "path": "/v3/pay/*/id/*"})
    await sim.paid()
    assert len(sim.inbox.mails) == 1
    await sim.paid("T00000002")
    assert len(sim.inbox.mails) == 1
    assert (await sim.mch("GET", QUERY)).status_code == 200
    number = sim.world.payments.orders["T00000001"].transaction_id
    by_id = await sim.mch("GET", f"/v3/pay/transactions/id/{number}?mchid={sim.mchid}")
    assert by_id.status_code == 500


async def test_probability_is_chance_from_the_seed(sim: Simulator) -> None:
    await sim.fault("errcode", match={"host": "api", "probability": 0.5})
    outcomes = ["errcode" in await sim.stable_token() for _ in range(40)]
    assert 8 < outcomes.count(True) < 32
    twin = Simulator()
    try:
        await twin.fault("errcode", match={"host": "api", "probability": 0.5})
        assert ["errcode" in await twin.stable_token() for _ in range(40)] == outcomes
    finally:
        await twin.close()


async def test_token_revocation_waits_for_its_call(sim: Simulator) -> None:
    token = await sim.access_token()
    await sim.fault("token.revoke_now", match={"path": "/wxa/msg_sec_check", "times": 1})
    assert (await sim.post("/api/wxa/x", {}, access_token=token))["errcode"] == 40066
    checked = await sim.post("/api/wxa/msg_sec_check", {}, access_token=token)
    assert checked["errcode"] == 40001
    assert await active(sim) == []


async def test_switches_are_listed_and_cleared(sim: Simulator) -> None:
    made = await sim.control(
        "faults",
        faults=[{"kind": "latency", "ms": 1}, {"kind": "http", "match": {"times": 2}}],
    )
    assert [fault["id"] for fault in made["faults"]] == ["f1", "f2"]
    assert await active(sim) == ["latency", "http"]
    assert (await sim.http.delete("/_sim/faults/f1")).status_code == 200
    assert await active(sim) == ["http"]
    assert (await sim.http.delete("/_sim/faults/f1")).status_code == 404
    await sim.http.delete("/_sim/faults")
    assert await active(sim) == []


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "rain"},
        {"kind": "http", "match": []},
        {"kind": "http", "status": "bad"},
        {"kind": "http", "status": 200},
        {"kind": "refund.result", "status": "LOST"},
        {"kind": "http", "match": {"times": 0}},
        {"kind": "http", "match": {"times": "2"}},
        {"kind": "http", "match": {"path": 5}},
        {"kind": "http", "match": {"probability": "often"}},
        {"kind": "latency", "ms": "long"},
    ],
)
async def test_wrong_switches_are_refused_together(sim: Simulator, fault: Any) -> None:
    both = [{"kind": "latency"}, fault]
    assert await sim.refused("faults", faults=both) == (400, "BAD_FAULT")
    assert await active(sim) == []


async def test_faults_do_not_touch_the_control_api(sim: Simulator) -> None:
    await sim.fault("http")
    answer: httpx.Response = await sim.http.get("/_sim/users")
    assert answer.status_code == 200
