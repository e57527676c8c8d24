"""Prepay, its checks and repetitions, paying, query and close."""

from typing import Any

import pytest

from tests.wxsim.simulator import BASE, SHOP, Simulator, frozen
from wxsim.clock import rfc3339


async def test_prepay_pay_query(sim: Simulator) -> None:
    user = await sim.user()
    openid = user["openids"]["mini_program"]
    answer = await sim.order(payer={"openid": openid}, attach="a1")
    assert answer.status_code == 200
    prepay_id = answer.json()["prepay_id"]
    assert (prepay_id[:2], len(prepay_id)) == ("wx", 36)
    target = f"/v3/pay/transactions/out-trade-no/T00000001?mchid={sim.mchid}"
    unpaid = (await sim.mch("GET", target)).json()
    assert unpaid == {
        "appid": sim.appid,
        "mchid": sim.mchid,
        "out_trade_no": "T00000001",
        "attach": "a1",
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "promotion_detail": [],
        "amount": {"total": 100, "currency": "CNY", "payer_currency": "CNY"},
        "payer": {},
    }
    paid = await sim.control("pay", prepay_id=prepay_id)
    assert (paid["out_trade_no"], paid["trade_state"]) == ("T00000001", "SUCCESS")
    number = paid["transaction_id"]
    assert (number[:2], len(number), number.isdigit()) == ("42", 28, True)
    now = (await sim.mch("GET", target)).json()
    assert now == unpaid | {
        "transaction_id": number,
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "success_time": rfc3339(sim.world.clock.now()),
        "payer": {"openid": openid},
        "amount": unpaid["amount"] | {"payer_total": 100},
    }
    by_id = await sim.mch("GET", f"/v3/pay/transactions/id/{number}?mchid={sim.mchid}")
    assert by_id.json() == now


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"description": None}, "/description"),
        ({"description": "x" * 128}, "/description"),
        ({"description": 5}, "/description"),
        ({"out_trade_no": "short"}, "/out_trade_no"),
        ({"out_trade_no": "x" * 33}, "/out_trade_no"),
        ({"out_trade_no": "T 0000001"}, "/out_trade_no"),
        ({"out_trade_no": "订单00000001"}, "/out_trade_no"),
        ({"attach": "x" * 129}, "/attach"),
        ({"notify_url": "http://mall.example/notify"}, "/notify_url"),
        ({"notify_url": "https://mall.example/notify?merchant=1"}, "/notify_url"),
        ({"notify_url": "https://mall.example/" + "x" * 255}, "/notify_url"),
        ({"notify_url": "https://mall.example/a b"}, "/notify_url"),
        ({"notify_url": "ftp://127.0.0.1/notify"}, "/notify_url"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": -1}}, "/amount/total"),
        ({"amount": {"total": 1.5}}, "/amount/total"),
        ({"amount": {"total": "100"}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"total": 2**31}}, "/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ({"amount": None}, "/amount"),
        ({"payer": {"openid": "o-nobody"}}, "/payer/openid"),
        ({"payer": {}}, "/payer/openid"),
        ({"payer": "me"}, "/payer"),
        ({"mchid": "1900000000"}, "/mchid"),
        ({"time_expire": "tomorrow"}, "/time_expire"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ({"time_expire": "2099-01-01T00:00:00"}, "/time_expire"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_wrong_field_is_named(sim: Simulator, changes: dict[str, Any], field: str) -> None:
    answer = await sim.order(**changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field
    assert sim.world.payments.orders == {}


async def test_the_body_is_an_object(sim: Simulator) -> None:
    answer = await sim.mch("POST", "/v3/pay/transactions/jsapi", [1])
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


async def test_openid_and_appid_belong_together(sim: Simulator) -> None:
    web = (await sim.user())["openids"]["official_account"]
    wrong = await sim.order(payer={"openid": web})
    assert wrong.json()["detail"]["field"] == "/payer/openid"
    right = await sim.order(payer={"openid": web}, appid=sim.oa_appid)
    assert right.status_code == 200
    foreign = await sim.order("T00000002", appid="wx0000000000000000")
    assert (foreign.status_code, foreign.json()["code"]) == (400, "APPID_MCHID_NOT_MATCH")


async def test_the_same_order_gets_a_fresh_prepay_id(sim: Simulator) -> None:
    payer = {"openid": (await sim.user())["openids"]["mini_program"]}
    first = (await sim.order(payer=payer)).json()["prepay_id"]
    again = await sim.order(payer=payer, scene_info={"payer_client_ip": "10.0.0.9"})
    assert again.status_code == 200
    assert again.json()["prepay_id"] != first
    await sim.control("pay", prepay_id=first)  # The first one works as well, once.
    assert await sim.refused("pay", prepay_id=again.json()["prepay_id"]) == (409, "ORDER_PAID")


@pytest.mark.parametrize(
    "changes",
    [{"total": 101}, {"description": "绿茶"}, {"attach": "x"}, {"notify_url": SHOP + "9"}],
)
async def test_the_same_number_for_another_order_is_refused(
    sim: Simulator, changes: dict[str, Any]
) -> None:
    payer = {"openid": (await sim.user())["openids"]["mini_program"]}
    await sim.order(payer=payer)
    other = await sim.order(payer=payer, **changes)
    assert (other.status_code, other.json()["code"]) == (400, "INVALID_REQUEST")


async def test_paid_and_closed_orders_cannot_be_prepaid_again(sim: Simulator) -> None:
    payer = {"openid": (await sim.user())["openids"]["mini_program"]}
    await sim.order(payer=payer)
    await sim.control("pay", out_trade_no="T00000001")
    paid = await sim.order(payer=payer)
    assert (paid.status_code, paid.json()["code"]) == (400, "ORDERPAID")
    await sim.order("T00000002", payer=payer)
    await close(sim, "T00000002")
    closed = await sim.order("T00000002", payer=payer)
    assert (closed.status_code, closed.json()["code"]) == (400, "ORDER_CLOSED")


async def close(sim: Simulator, number: str) -> tuple[int, str]:
    target = f"/v3/pay/transactions/out-trade-no/{number}/close"
    answer = await sim.mch("POST", target, {"mchid": sim.mchid})
    return answer.status_code, answer.json()["code"] if answer.content else ""


async def test_close(sim: Simulator) -> None:
    assert await close(sim, "T00000009") == (404, "ORDER_NOT_EXIST")
    await sim.order()
    assert await close(sim, "T00000001") == (204, "")
    assert await sim.state() == "CLOSED"
    assert await close(sim, "T00000001") == (400, "ORDER_CLOSED")
    assert await sim.refused("pay", out_trade_no="T00000001") == (409, "ORDER_CLOSED")
    await sim.paid("T00000002")
    assert await close(sim, "T00000002") == (400, "ORDERPAID")
    assert await sim.state("T00000002") == "SUCCESS"


async def test_an_order_under_way_cannot_be_closed(sim: Simulator) -> None:
    await sim.order()
    await sim.control("pay", out_trade_no="T00000001", result="userpaying")
    assert await sim.state() == "USERPAYING"
    assert await close(sim, "T00000001") == (403, "TRADE_ERROR")
    await sim.control("pay", out_trade_no="T00000001", result="fail")
    assert await sim.state() == "PAYERROR"
    await sim.control("pay", out_trade_no="T00000001")
    assert await sim.state() == "SUCCESS"


async def test_queries_need_the_merchant(sim: Simulator) -> None:
    await sim.order()
    answer = await sim.mch("GET", "/v3/pay/transactions/out-trade-no/T00000001")
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    answer = await sim.mch("GET", f"/v3/pay/transactions/id/42?mchid={sim.mchid}")
    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_EXIST")


async def test_a_prepay_id_lives_two_hours(sim: Simulator) -> None:
    payer = {"openid": (await sim.user())["openids"]["mini_program"]}
    old = (await sim.order(payer=payer)).json()["prepay_id"]
    await sim.advance("7200s")
    assert await sim.refused("pay", prepay_id=old) == (410, "PREPAY_EXPIRED")
    fresh = (await sim.order(payer=payer)).json()["prepay_id"]
    assert await sim.refused("pay", prepay_id=old) == (410, "PREPAY_EXPIRED")
    await sim.control("pay", prepay_id=fresh)


async def test_time_expire_ends_an_order(sim: Simulator) -> None:
    payer = {"openid": (await sim.user())["openids"]["mini_program"]}
    until = rfc3339(sim.world.clock.now() + 900)
    await sim.order(payer=payer, time_expire=until)
    await sim.advance("899s")
    assert (await sim.order(payer=payer, time_expire=until)).status_code == 200
    await sim.advance("2s")
    assert await sim.refused("pay", out_trade_no="T00000001") == (410, "ORDER_EXPIRED")
    late = await sim.order(payer=payer, time_expire=until)
    assert (late.status_code, late.json()["code"]) == (400, "ORDER_CLOSED")
    assert await sim.state() == "NOTPAY"
    assert await close(sim, "T00000001") == (204, "")


async def test_only_the_payer_can_pay_a_jsapi_order(sim: Simulator) -> None:
    await sim.order()
    stranger = await sim.user()
    assert await sim.refused("pay", out_trade_no="T00000001", user=stranger["id"]) == (
        409,
        "PAYER_MISMATCH",
    )
    assert await sim.refused("pay", out_trade_no="T00000009") == (404, "ORDER_UNKNOWN")
    assert await sim.refused("pay") == (404, "ORDER_UNKNOWN")
    assert await sim.refused("pay", out_trade_no="T00000001", result="x") == (400, "BAD_RESULT")
    assert await sim.refused("pay", out_trade_no="T00000001", coupon=101) == (400, "BAD_COUPON")
    assert await sim.state() == "NOTPAY"


async def test_a_coupon_lowers_what_the_payer_pays(sim: Simulator) -> None:
    await sim.paid(coupon=30)
    (mail,) = sim.inbox.mails
    order = sim.opened(mail)
    assert order["amount"] == {
        "total": 100,
        "payer_total": 70,
        "currency": "CNY",
        "payer_currency": "CNY",
    }
    assert order["promotion_detail"][0]["amount"] == 30


def h5_order(sim: Simulator, **changes: Any) -> dict[str, Any]:
    return {
        "appid": sim.appid,
        "mchid": sim.mchid,
        "description": "<i>红茶</i>",
        "out_trade_no": "H00000001",
        "notify_url": SHOP,
        "amount": {"total": 1999},
        "scene_info": {"payer_client_ip": "10.0.0.1", "h5_info": {"type": "Wap"}},
    } | changes


async def h5_url(sim: Simulator) -> str:
    answer = await sim.mch("POST", "/v3/pay/transactions/h5", h5_order(sim))
    return str(answer.json()["h5_url"])


async def test_h5_page_shows_and_takes_the_payment(sim: Simulator) -> None:
    url = await h5_url(sim)
    assert url.startswith(f"{BASE}/mch/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx")
    page = await sim.http.get(url)
    assert page.status_code == 200
    assert "¥19.99" in page.text
    assert "&lt;i&gt;红茶&lt;/i&gt;" in page.text
    assert "<i>" not in page.text
    assert "wechatpay-signature" not in page.headers
    pressed = await sim.http.post(url, data={"choice": "pay"})
    assert "支付成功" in pressed.text
    assert await sim.state("H00000001") == "SUCCESS"
    await sim.world.notifier.idle()
    order = sim.opened(sim.inbox.mails[0])
    assert (order["trade_type"], order["amount"]["total"]) == ("MWEB", 1999)
    again = await sim.http.post(url, data={"choice": "pay"})
    assert again.status_code == 409


async def test_h5_page_leads_back_and_can_be_left(sim: Simulator) -> None:
    url = await h5_url(sim)
    back = await sim.http.post(
        f"{url}&redirect_url=https%3A%2F%2Fmall.example%2Fdone%3Fo%3D1", data={"choice": "cancel"}
    )
    assert back.status_code == 303
    assert back.headers["location"] == "https://mall.example/done?o=1"
    assert await sim.state("H00000001") == "NOTPAY"
    trick = await sim.http.post(
        f"{url}&redirect_url=javascript%3Aalert(1)", data={"choice": "cancel"}
    )
    assert "location" not in trick.headers


async def test_h5_url_lives_five_minutes(sim: Simulator) -> None:
    url = await h5_url(sim)
    await sim.advance("5m")
    assert (await sim.http.get(url)).status_code == 410
    assert await sim.refused("pay", h5_url=url) == (410, "PREPAY_EXPIRED")
    fresh = await h5_url(sim)
    paid = await sim.control("pay", h5_url=fresh)
    assert paid["out_trade_no"] == "H00000001"


@pytest.mark.parametrize(
    ("scene", "field"),
    [
        (None, "/scene_info"),
        ({"h5_info": {"type": "Wap"}}, "/scene_info/payer_client_ip"),
        ({"payer_client_ip": "10.0.0.1"}, "/scene_info/h5_info"),
        (
            {"payer_client_ip": "10.0.0.1", "h5_info": {"type": "Fax"}},
            "/scene_info/h5_info/type",
        ),
    ],
)
async def test_h5_needs_its_scene(sim: Simulator, scene: Any, field: str) -> None:
    data = h5_order(sim, scene_info=scene)
    answer = await sim.mch("POST", "/v3/pay/transactions/h5", data)
    assert answer.json()["detail"]["field"] == field


async def test_native_and_app(sim: Simulator) -> None:
    native = h5_order(sim, scene_info=None)
    code_url = (await sim.mch("POST", "/v3/pay/transactions/native", native)).json()["code_url"]
    assert code_url.startswith("weixin://wxpay/bizpayurl?pr=")
    user = await sim.user()
    paid = await sim.control("pay", code_url=code_url, user=user["id"])
    assert paid["out_trade_no"] == "H00000001"
    assert sim.world.payments.orders["H00000001"].payer_openid == user["openids"]["mini_program"]
    app = h5_order(sim, scene_info=None, out_trade_no="A00000001")
    answer = await sim.mch("POST", "/v3/pay/transactions/app", app)
    assert answer.json()["prepay_id"].startswith("wx")


async def test_other_addresses_for_notifications_need_leave() -> None:
    sim = Simulator(frozen(notify_bases=("http://web:8000",)))
    try:
        assert (await sim.order(notify_url="http://web:8000/notify")).status_code == 200
        other = await sim.order("T00000002", notify_url="http://web:80001/notify")
        assert other.json()["detail"]["field"] == "/notify_url"
    finally:
        await sim.close()
