"""The control API: what a test or a developer asks of the simulator itself."""

from typing import Any

import httpx
import pytest

from tests.wxsim.simulator import BASE, Simulator
from wxsim.keys import new_key, sign


def request_payment(sim: Simulator, prepay_id: str, **changes: str) -> dict[str, str]:
    """What a backend hands to wx.requestPayment."""
    package = f"prepay_id={prepay_id}"
    message = f"{sim.appid}\n1700000000\nn0nce\n{package}\n"
    return {
        "timeStamp": "1700000000",
        "nonceStr": "n0nce",
        "package": package,
        "signType": "RSA",
        "paySign": sign(sim.world.keys.merchant.key, message.encode()),
    } | changes


async def test_pay_sign_is_checked_when_given(sim: Simulator) -> None:
    prepay_id = (await sim.order()).json()["prepay_id"]
    strange = sign(new_key(), b"anything")
    for changes in (
        {"paySign": strange},
        {"nonceStr": "other"},
        {"signType": "MD5"},
        {"timeStamp": ""},
        {"package": prepay_id},
        {"appId": sim.oa_appid},
    ):
        body = request_payment(sim, prepay_id, **changes)
        assert await sim.refused("pay", **body) == (400, "BAD_PAY_SIGN")
    assert await sim.state() == "NOTPAY"
    paid = await sim.control("pay", **request_payment(sim, prepay_id))
    assert paid["out_trade_no"] == "T00000001"


async def test_paying_tells_what_became_of_the_notification(sim: Simulator) -> None:
    await sim.order()
    paid = await sim.control("pay", out_trade_no="T00000001", wait=True)
    assert paid == {
        "out_trade_no": "T00000001",
        "transaction_id": sim.world.payments.orders["T00000001"].transaction_id,
        "trade_state": "SUCCESS",
        "notify_id": sim.inbox.mails[0].data["id"],
        "notify_state": "delivered",
    }


async def test_orders_are_shown_newest_first(sim: Simulator) -> None:
    await sim.paid("T00000001")
    await sim.order("T00000002")
    await sim.refund("R1", 1)
    orders = (await sim.http.get("/_sim/orders")).json()["orders"]
    assert [order["out_trade_no"] for order in orders] == ["T00000002", "T00000001"]
    shown = (await sim.http.get("/_sim/orders/T00000001")).json()
    assert shown["order"]["trade_state"] == "REFUND"
    assert [refund["out_refund_no"] for refund in shown["refunds"]] == ["R1"]
    assert len(shown["prepay_ids"]) == 1
    assert (await sim.http.get("/_sim/orders/none")).status_code == 404


async def test_config_names_what_a_backend_needs(sim: Simulator) -> None:
    config = (await sim.http.get("/_sim/config.json")).json()
    assert config.keys() == {
        "WECHAT_API_BASE",
        "WECHAT_MCH_BASE",
        "WECHAT_OPEN_BASE",
        "WECHAT_MINI_PROGRAM_APPID",
        "WECHAT_MINI_PROGRAM_SECRET",
        "WECHAT_OFFICIAL_ACCOUNT_APPID",
        "WECHAT_OFFICIAL_ACCOUNT_SECRET",
        "WECHAT_MCH_ID",
        "WECHAT_MCH_SERIAL",
        "WECHAT_MCH_PRIVATE_KEY",
        "WECHAT_APIV3_KEY",
        "WECHAT_PAY_PUBLIC_KEY",
        "WECHAT_PAY_PUBLIC_KEY_ID",
    }
    assert config["WECHAT_API_BASE"] == f"{BASE}/api"
    assert config["WECHAT_MCH_BASE"] == f"{BASE}/mch"
    assert config["WECHAT_OPEN_BASE"] == f"{BASE}/open"
    assert len(config["WECHAT_APIV3_KEY"]) == 32
    assert config["WECHAT_PAY_PUBLIC_KEY_ID"].startswith("PUB_KEY_ID_")
    elsewhere = await sim.http.get("/_sim/config.json", headers={"Host": "sim.local:9"})
    assert elsewhere.json()["WECHAT_API_BASE"] == "http://sim.local:9/api"


async def test_the_journal_follows_calls_in_and_out_without_secrets(sim: Simulator) -> None:
    await sim.paid()
    await sim.stable_token()
    data = (await sim.http.get("/_sim/journal")).json()
    calls = [(entry["direction"], entry["host"], entry["path"]) for entry in data["entries"]]
    assert calls == [
        ("in", "mch", "/v3/pay/transactions/jsapi"),
        ("out", "notify", "/wechat/pay/notify/1900006891"),
        ("in", "api", "/cgi-bin/stable_token"),
    ]
    first, second, third = data["entries"]
    assert first["out_trade_no"] == second["out_trade_no"] == "T00000001"
    assert first["request_id"].startswith("08")
    assert second["notify_id"] == sim.inbox.mails[0].data["id"]
    assert (third["status"], data["next"], data["last"]) == (200, 3, 3)
    text = str(data)
    secret = sim.world.tokens.secret(sim.appid)
    assert secret not in text
    assert await sim.access_token() not in text
    assert sim.world.apiv3_key not in text
    later = (await sim.http.get("/_sim/journal?since=2&limit=1")).json()
    assert [entry["seq"] for entry in later["entries"]] == [3]
    assert (await sim.http.get("/_sim/journal?since=x")).status_code == 400


async def test_the_journal_is_a_ring(sim: Simulator) -> None:
    for _ in range(sim.world.config.journal_size + 10):
        sim.world.journal.add(
            at=0, direction="in", host="api", method="GET", path="/", status=200,
            milliseconds=0, facts={},
        )  # fmt: skip
    data = (await sim.http.get("/_sim/journal")).json()
    assert (data["entries"][0]["seq"], len(data["entries"])) == (11, 1_000)
    assert (data["next"], data["last"]) == (1_010, 5_010)
    assert len(sim.world.journal.since(0, 10_000)) == 5_000


async def test_clock_moves_forward_only(sim: Simulator) -> None:
    before = (await sim.http.get("/_sim/clock")).json()
    after = await sim.control("clock", advance="1d")
    assert after["now"] - before["now"] == 86_400
    assert (after["offset_seconds"], after["frozen"]) == (86_400, True)
    for wrong in ("-1h", "soon", -5, None, True, "2y", 1e12):
        assert await sim.refused("clock", advance=wrong) == (400, "BAD_DURATION")
    assert (await sim.control("clock", advance=90))["offset_seconds"] == 86_490


async def test_settings_are_typed(sim: Simulator) -> None:
    changed = await sim.control("settings", time_scale=1, risky_words=["x"], require_headers=False)
    assert (changed["time_scale"], changed["risky_words"]) == (1, ["x"])
    for wrong in (
        {"time_scale": -1},
        {"time_scale": True},
        {"time_scale": "1"},
        {"require_headers": 1},
        {"risky_words": [""]},
        {"risky_words": 5},
        {"unknown": 1},
    ):
        before = (await sim.http.get("/_sim/settings")).json()
        assert await sim.refused("settings", **wrong) == (400, "BAD_SETTING")
        assert (await sim.http.get("/_sim/settings")).json() == before


async def test_short_messages_are_found_by_phone_masked_or_not(sim: Simulator) -> None:
    await sim.control("sms", phone="13800138000", code="111111", text="验证码 111111")
    await sim.control("sms", phone="139****9999", code="222222", text="")
    await sim.control("sms", phone="13800138000", code="333333")

    async def codes(phone: str = "") -> list[str]:
        params = {"phone": phone} if phone else {}
        data = (await sim.http.get("/_sim/sms", params=params)).json()
        return [sms["code"] for sms in data["sms"]]

    assert await codes() == ["333333", "222222", "111111"]
    assert await codes("13800138000") == ["333333", "111111"]
    assert await codes("138****8000") == ["333333", "111111"]
    assert await codes("13912349999") == ["222222"]
    assert await codes("13700000000") == []
    assert await sim.refused("sms", phone="1") == (400, "BAD_SMS")


async def test_stats_count(sim: Simulator) -> None:
    await sim.paid()
    stats = (await sim.http.get("/_sim/stats")).json()
    assert stats["rows"] == {"users": 1, "orders": 1}
    assert stats["counts"] == {
        "mch.calls": 1,
        "notify.attempts": 1,
        "notify.delivered": 1,
        "paid": 1,
        "prepays": 1,
    }
    assert stats["cpu_seconds"] > 0


async def test_reset_empties_the_world_but_keeps_keys_and_numbers(sim: Simulator) -> None:
    before = (await sim.http.get("/_sim/config.json")).json()
    user = await sim.user()
    await sim.paid()
    await sim.fault("http", match={"host": "open"})
    await sim.advance("1h")
    await sim.control("reset")
    assert (await sim.http.get("/_sim/users")).json() == {"users": []}
    assert (await sim.http.get("/_sim/orders")).json() == {"orders": []}
    assert (await sim.http.get("/_sim/faults")).json()["faults"] == []
    assert (await sim.http.get("/_sim/clock")).json()["offset_seconds"] == 0
    assert (await sim.http.get("/_sim/config.json")).json() == before
    assert await sim.refused("login_code", user=user["id"]) == (404, "UNKNOWN_USER")
    assert (await sim.user())["id"] != user["id"]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("users", {"nickname": 5}, (400, "BAD_USER")),
        ("users", {"phone": 5}, (400, "BAD_USER")),
        ("login_code", {"user": "u9"}, (404, "UNKNOWN_USER")),
        ("login_code", {}, (404, "UNKNOWN_USER")),
        ("login_code", {"user": ["u1"]}, (404, "UNKNOWN_USER")),
        ("login_code", {"user": "u1", "appid": "wx0"}, (404, "UNKNOWN_APP")),
        ("oauth_code", {"user": "u1", "scope": "x"}, (400, "BAD_SCOPE")),
        ("nothing", {}, (404, "UNKNOWN_PATH")),
    ],
)
async def test_refusals_have_codes(
    sim: Simulator, path: str, body: Any, expected: tuple[int, str]
) -> None:
    await sim.user()
    assert await sim.refused(path, **body) == expected


async def test_bodies_are_json_objects(sim: Simulator) -> None:
    for content in (b"{", b"[]", b'"x"'):
        answer = await sim.http.post("/_sim/users", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_JSON")


@pytest.mark.parametrize(
    ("client", "status"),
    [("127.0.0.1", 200), ("127.9.9.9", 200), ("::1", 200), ("10.0.0.5", 403), ("8.8.8.8", 403)],
)
async def test_control_is_for_this_machine(sim: Simulator, client: str, status: int) -> None:
    transport = httpx.ASGITransport(sim.app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        assert (await http.get("/_sim/users")).status_code == status
        assert (await http.get("/_sim/")).status_code == status
        assert (await http.get("/healthz")).status_code == 200
