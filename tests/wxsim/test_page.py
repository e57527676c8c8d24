"""The page a developer looks at."""

import html
import re

import httpx
import orjson

from tests.wxsim.simulator import Simulator


async def page(sim: Simulator) -> str:
    answer = await sim.http.get("/_sim/")
    assert answer.status_code == 200
    return answer.text


async def fragment(sim: Simulator) -> str:
    return (await sim.http.get("/_sim/fragment")).text


async def press(sim: Simulator, label: str) -> httpx.Response:
    """Press the first button of that label, as the page's script does."""
    pattern = (
        r'<button type="button" data-url="([^"]*)" data-method="(\w+)" data-body="([^"]*)"'
        rf"[^>]*>{re.escape(label)}</button>"
    )
    found = re.search(pattern, await page(sim))
    assert found, label
    url, method, body = (html.unescape(part) for part in found.groups())
    orjson.loads(body)
    return await sim.http.request(method, url, content=body if method == "POST" else None)


async def test_the_root_leads_to_the_page(sim: Simulator) -> None:
    answer = await sim.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/_sim/")


async def test_an_empty_world_is_said_nicely(sim: Simulator) -> None:
    text = await page(sim)
    for words in ("还没有订单", "No orders yet", "没有短信", "还没有用户", "一切正常"):
        assert words in text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "src=" not in text  # No assets from elsewhere.
    assert "http://" not in text
    assert "https://" not in text


async def test_pay_button(sim: Simulator) -> None:
    await sim.order(total=1999, description="红茶")
    text = await page(sim)
    assert "¥19.99" in text
    assert "待支付 · to pay" in text
    assert (await press(sim, "支付 · Pay")).status_code == 200
    assert await sim.state() == "SUCCESS"
    text = await page(sim)
    assert "已支付 · paid" in text
    assert "支付 · Pay</button>" not in text


async def test_refund_buttons(sim: Simulator) -> None:
    await sim.paid()
    await sim.refund("R1", 40)
    assert "¥0.40" in await page(sim)
    assert (await press(sim, "异常")).status_code == 200
    assert "ABNORMAL" in await page(sim)
    assert (await press(sim, "成功 · OK")).status_code == 200
    assert "异常</button>" not in await page(sim)


async def test_users_messages_and_clock(sim: Simulator) -> None:
    assert (await press(sim, "新用户 · New user")).status_code == 200
    await sim.control("sms", phone="13800138000", code="482913", text="您的验证码")
    text = await page(sim)
    assert "微信用户1" in text
    assert "482913" in text
    assert "138****8000" in text
    assert "13800138000" not in text
    assert (await press(sim, "+2h")).status_code == 200
    assert "(+7200 s)" in await page(sim)


async def test_fault_toggles(sim: Simulator) -> None:
    assert (await press(sim, "回调丢失 · lose callbacks")).status_code == 200
    text = await fragment(sim)
    assert "notify.drop" in text
    assert 'aria-pressed="true"' in text
    await sim.paid()
    assert sim.inbox.mails == []
    assert (await press(sim, "回调丢失 · lose callbacks")).status_code == 200
    assert 'aria-pressed="true"' not in await fragment(sim)


async def test_resend_button(sim: Simulator) -> None:
    await sim.paid()
    assert (await press(sim, "重发 · Resend")).status_code == 200
    assert len(sim.inbox.mails) == 2


async def test_everything_is_escaped(sim: Simulator) -> None:
    evil = '<script>alert("x")</script>\'"'
    user = await sim.user(nickname=evil, phone=evil)
    await sim.order(payer={"openid": user["openids"]["mini_program"]}, description=evil[:127])
    await sim.control("sms", phone=evil, code=evil, text=evil)
    await sim.http.get(f"/api/{evil}")
    await sim.fault("http", match={"host": evil, "path": evil})
    text = await page(sim)
    assert text.count("<script>") == 1  # Our own.
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&quot;x&quot;)" in text


async def test_an_unknown_path_is_a_red_line(sim: Simulator) -> None:
    await sim.get("/api/cgi-bin/nothing")
    line = re.search(r'<span class="grow bad-line">.*?nothing.*?</span>', await page(sim))
    assert line
    assert "40066" in line.group()


async def test_no_secrets_are_shown(sim: Simulator) -> None:
    await sim.paid()
    text = await page(sim) + (await sim.http.get("/_sim/journal")).text
    for secret in (
        sim.world.apiv3_key,
        sim.world.tokens.secret(sim.appid),
        "PRIVATE KEY",
        await sim.access_token(),
    ):
        assert secret not in text


async def test_the_refreshing_part_is_the_pages_part(sim: Simulator) -> None:
    await sim.order()
    assert await fragment(sim) in await page(sim)
