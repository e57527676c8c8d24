"""The libraries that the product uses, unchanged, over HTTP against the simulator."""

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType
from wechatpy import WeChatClient
from wechatpy.client.api import WeChatJSAPI, WeChatWxa
from wechatpy.exceptions import WeChatClientException, WeChatOAuthException
from wechatpy.oauth import WeChatOAuth

from wxsim import Config, Tunables, create_app


class Server(uvicorn.Server):
    """uvicorn that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    server = Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    task = asyncio.create_task(server._serve())
    await server.listening.wait()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class Shop:
    """A merchant's callback route over HTTP; it keeps what came and answers 204."""

    def __init__(self) -> None:
        self.mails: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.app = Starlette(routes=[Route("/notify", self._notify, methods=["POST"])])
        self.url = ""

    async def _notify(self, request: Request) -> Response:
        await self.mails.put((dict(request.headers), await request.body()))
        return Response(status_code=204)


class Running:
    """A simulator and a shop over HTTP, with what a backend would be configured with."""

    def __init__(self, base: str, shop: Shop, config: dict[str, str]) -> None:
        self.base = base
        self.shop = shop
        self.config = config
        self.http = httpx.AsyncClient(base_url=base)

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()
        return data

    def pay(self, *, public_key: bool = True) -> AsyncWeChatPay:
        """The payment library in public-key or certificate mode."""
        config = self.config
        keys = {
            "public_key": config["WECHAT_PAY_PUBLIC_KEY"],
            "public_key_id": config["WECHAT_PAY_PUBLIC_KEY_ID"],
        }
        client = AsyncWeChatPay(
            wechatpay_type=WeChatPayType.MINIPROG,
            mchid=config["WECHAT_MCH_ID"],
            private_key=config["WECHAT_MCH_PRIVATE_KEY"],
            cert_serial_no=config["WECHAT_MCH_SERIAL"],
            apiv3_key=config["WECHAT_APIV3_KEY"],
            appid=config["WECHAT_MINI_PROGRAM_APPID"],
            notify_url=f"{self.shop.url}/notify",
            **(keys if public_key else {}),
        )
        client._core._gate_way = config["WECHAT_MCH_BASE"]
        return client

    async def payer(self) -> dict[str, str]:
        user = (await self.control("users"))["user"]
        return {"openid": user["openids"]["mini_program"]}


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    shop = Shop()
    config = Config(tunables=Tunables(refund_delay_seconds=0, refund_gap_seconds=0))
    async with served(create_app(config)) as base, served(shop.app) as shop.url:
        async with httpx.AsyncClient(base_url=base) as http:
            environment = (await http.get("/_sim/config.json")).json()
        running = Running(base, shop, environment)
        yield running
        await running.http.aclose()


@pytest.mark.parametrize("public_key", [True, False])
async def test_wechatpayv3_pays_queries_refunds_and_reads_callbacks(
    running: Running, public_key: bool
) -> None:
    async with running.pay(public_key=public_key) as pay:
        if not public_key:
            await running.control("faults", kind="notify.cert_signed")
        payer = await running.payer()
        code, text = await pay.pay(
            description="红茶", out_trade_no="T00000001", amount={"total": 100}, payer=payer
        )
        assert code == 200
        prepay_id = orjson.loads(text)["prepay_id"]
        package = f"prepay_id={prepay_id}"
        appid = running.config["WECHAT_MINI_PROGRAM_APPID"]
        await running.control(
            "pay",
            timeStamp="1700000000",
            nonceStr="n",
            package=package,
            signType="RSA",
            paySign=pay.sign([appid, "1700000000", "n", package]),
        )
        headers, body = await running.shop.mails.get()
        event = pay.callback(headers, body)
        assert event["event_type"] == "TRANSACTION.SUCCESS"
        code, text = await pay.query(out_trade_no="T00000001")
        assert (code, orjson.loads(text)) == (200, event["resource"])
        code, _ = await pay.query(transaction_id=event["resource"]["transaction_id"])
        assert code == 200
        amount = {"refund": 40, "total": 100, "currency": "CNY"}
        code, text = await pay.refund(
            out_refund_no="R1",
            amount=amount,
            out_trade_no="T00000001",
            notify_url=f"{running.shop.url}/notify",
        )
        assert (code, orjson.loads(text)["status"]) == (200, "PROCESSING")
        refunded = pay.callback(*await running.shop.mails.get())
        assert refunded["resource"]["refund_status"] == "SUCCESS"
        code, text = await pay.query_refund("R1")
        assert (code, orjson.loads(text)["status"]) == (200, "SUCCESS")


async def test_wechatpayv3_closes_and_verifies_the_empty_answer(running: Running) -> None:
    async with running.pay() as pay:
        payer = await running.payer()
        await pay.pay(
            description="红茶", out_trade_no="T00000001", amount={"total": 1}, payer=payer
        )
        assert (await pay.close("T00000001"))[0] == 204
        await pay.pay(
            description="红茶", out_trade_no="T00000002", amount={"total": 1}, payer=payer
        )
        await running.control("faults", kind="bad_response_signature", match={"times": 1})
        with pytest.raises(Exception, match="failed to verify the signature"):
            await pay.close("T00000002")
        code, text = await pay.query(out_trade_no="T00000002")
        assert (code, orjson.loads(text)["trade_state"]) == (200, "CLOSED")


@pytest.mark.parametrize("kind", ["notify.forged_signature", "notify.signtest", "notify.duplicate"])
async def test_wechatpayv3_tells_true_callbacks_from_false(running: Running, kind: str) -> None:
    async with running.pay() as pay:
        await running.control("faults", kind=kind, n=2, match={"times": 1})
        payer = await running.payer()
        await pay.pay(
            description="红茶", out_trade_no="T00000001", amount={"total": 1}, payer=payer
        )
        await running.control("pay", out_trade_no="T00000001", wait=True)
        event = pay.callback(*await running.shop.mails.get())
        assert (event is not None) is (kind == "notify.duplicate")


async def test_wechatpayv3_makes_an_h5_order(running: Running) -> None:
    async with running.pay() as pay:
        scene = {"payer_client_ip": "10.0.0.1", "h5_info": {"type": "Wap"}}
        code, text = await pay.pay(
            description="红茶",
            out_trade_no="T00000001",
            amount={"total": 1},
            scene_info=scene,
            pay_type=WeChatPayType.H5,
        )
        assert code == 200
        url = orjson.loads(text)["h5_url"]
        assert url.startswith(running.base)
        page = await running.http.post(url, data={"choice": "pay"})
        assert page.status_code == 200
        event = pay.callback(*await running.shop.mails.get())
        assert event["resource"]["trade_type"] == "MWEB"


async def threaded(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """wechatpy blocks, so it runs beside the loop that serves it."""
    return await anyio.to_thread.run_sync(functools.partial(call, *arguments, **options))


async def wechatpy_client(running: Running, kind: str) -> WeChatClient:
    appid, secret = (running.config[f"WECHAT_{kind}_{name}"] for name in ("APPID", "SECRET"))
    answer = await running.http.post(
        "/api/cgi-bin/stable_token",
        json={"grant_type": "client_credential", "appid": appid, "secret": secret},
    )
    token = answer.json()["access_token"]
    return WeChatClient(appid, secret, access_token=token, auto_retry=False)


async def test_wechatpy_signs_in_a_mini_program_user(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeChatWxa, "API_BASE_URL", f"{running.config['WECHAT_API_BASE']}/")
    client = await wechatpy_client(running, "MINI_PROGRAM")
    user = (await running.control("users"))["user"]
    code = (await running.control("login_code", user=user["id"]))["code"]
    session = await threaded(client.wxa.code_to_session, code)
    assert session["openid"] == user["openids"]["mini_program"]
    with pytest.raises(WeChatClientException) as used:
        await threaded(client.wxa.code_to_session, code)
    assert used.value.errcode == 40163
    image = await threaded(client.wxa.get_wxa_code_unlimited, "s1", page="pages/index")
    assert image.content.startswith(b"\x89PNG")


async def test_wechatpy_web_authorization(running: Running) -> None:
    oauth = WeChatOAuth(
        running.config["WECHAT_OFFICIAL_ACCOUNT_APPID"],
        running.config["WECHAT_OFFICIAL_ACCOUNT_SECRET"],
        redirect_uri="https://mall.example/back",
        scope="snsapi_userinfo",
        state="s1",
    )
    oauth.API_BASE_URL = f"{running.config['WECHAT_API_BASE']}/"
    oauth.OAUTH_BASE_URL = f"{running.config['WECHAT_OPEN_BASE']}/connect/"
    user = (await running.control("users", nickname="小红"))["user"]
    page = await running.http.get(oauth.authorize_url)
    assert "小红" in page.text
    code = (await running.control("oauth_code", user=user["id"]))["code"]
    await threaded(oauth.fetch_access_token, code)
    info = await threaded(oauth.get_user_info)
    assert (info["nickname"], info["unionid"]) == ("小红", user["unionid"])
    assert await threaded(oauth.check_access_token)
    with pytest.raises(WeChatOAuthException) as used:
        await threaded(oauth.fetch_access_token, code)
    assert used.value.errcode == 40163


async def test_wechatpy_fetches_the_ticket(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"{running.config['WECHAT_API_BASE']}/cgi-bin/"
    monkeypatch.setattr(WeChatClient, "API_BASE_URL", base)
    monkeypatch.setattr(WeChatJSAPI, "API_BASE_URL", base, raising=False)
    client = await wechatpy_client(running, "OFFICIAL_ACCOUNT")
    ticket = await threaded(client.jsapi.get_ticket, "jsapi")
    assert (ticket["errcode"], ticket["expires_in"]) == (0, 7200)
