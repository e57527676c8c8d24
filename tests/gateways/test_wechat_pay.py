"""WeChat Pay against the simulator: what is asked, what an answer means, whose news is believed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from cli.embedded.ports import free_port
from domain.errors import WechatUnavailable
from domain.payments import (
    PrepayRequest,
    RefundNotice,
    RefundRequest,
    RefundState,
    RefusalReason,
    TradeState,
    Transaction,
    WechatPayRefused,
)
from gateways.wechat.http import DEFAULT_PATIENCE, Patience
from gateways.wechat.pay import InvalidNotification, PayConfig, WechatPay
from gateways.wechat.pay_errors import raise_for
from tests.support.application import serving
from tests.support.simulator import Simulator

NUMBER = "T20260102000001"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification as it came: path, headers and raw body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class NotifyUrl:
    """A server that takes every notification and keeps it as it came."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.deliveries: asyncio.Queue[Delivery] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await self.deliveries.put(Delivery(scope["path"], Headers(scope=scope), body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def next(self) -> Delivery:
        async with asyncio.timeout(10):
            return await self.deliveries.get()


@pytest.fixture(scope="module")
async def _notify_server() -> AsyncIterator[NotifyUrl]:
    port = free_port()
    url = NotifyUrl(port)
    async with serving(url, port):
        yield url


@pytest.fixture
async def notify(_notify_server: NotifyUrl) -> NotifyUrl:
    """Where the notifications of this test come."""
    _notify_server.deliveries = asyncio.Queue()
    return _notify_server


@pytest.fixture
async def config(wxsim: Simulator, notify: NotifyUrl) -> PayConfig:
    environment = await wxsim.get("/config.json")
    return PayConfig(
        mchid=environment["WECHAT_MCH_ID"],
        mch_serial=environment["WECHAT_MCH_SERIAL"],
        mch_private_key=environment["WECHAT_MCH_PRIVATE_KEY"],
        apiv3_key=environment["WECHAT_APIV3_KEY"],
        public_key_id=environment["WECHAT_PAY_PUBLIC_KEY_ID"],
        public_key=environment["WECHAT_PAY_PUBLIC_KEY"],
        mini_program_appid=environment["WECHAT_MINI_PROGRAM_APPID"],
        official_account_appid=environment["WECHAT_OFFICIAL_ACCOUNT_APPID"],
        payment_notify_url=f"{notify.base}/payments",
        refund_notify_url=f"{notify.base}/refunds",
        base=environment["WECHAT_MCH_BASE"],
    )


@pytest.fixture
async def pay(config: PayConfig) -> AsyncIterator[WechatPay]:
    async with WechatPay(config) as opened:
        yield opened


@pytest.fixture
async def request_(wxsim: Simulator, config: PayConfig) -> PrepayRequest:
    """A mini-program payment of 50.98 yuan for a new person."""
    await wxsim.user(nickname="小明")
    known = (await wxsim.get("/users"))["users"][0]
    return PrepayRequest(
        out_trade_no=NUMBER,
        description="会员商城订单 20260102000001",
        amount_fen=5098,
        appid=config.mini_program_appid,
        expires_at=datetime.now(UTC) + timedelta(minutes=30),
        openid=known["openids"]["mini_program"],
        client_ip="203.0.113.9",
    )


def refund_of(fen: int, *, number: str = "R1", total_fen: int = 5098) -> RefundRequest:
    return RefundRequest(
        out_refund_no=number,
        out_trade_no=NUMBER,
        refund_fen=fen,
        total_fen=total_fen,
        reason="重复支付退款",
    )


async def paid(pay: WechatPay, wxsim: Simulator, request: PrepayRequest) -> str:
    """Make an order, pay it, and return its transaction id."""
    prepay_id = await pay.prepay_jsapi(request)
    return str((await wxsim.pay(prepay_id=prepay_id))["transaction_id"])


async def test_a_signed_payment_is_accepted_by_the_phone(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    signed = pay.sign(await pay.prepay_jsapi(request_), request_.appid)
    result = await wxsim.pay(
        appId=signed.app_id,
        timeStamp=signed.time_stamp,
        nonceStr=signed.nonce_str,
        package=signed.package,
        signType=signed.sign_type,
        paySign=signed.pay_sign,
    )
    assert result["out_trade_no"] == NUMBER


async def test_a_browser_outside_wechat_gets_a_url(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    url = await pay.prepay_h5(replace(request_, openid=None, appid=pay.appid_of("WECHAT_H5")))
    assert url.startswith(f"{wxsim.url}/mch/")


async def test_asking_again_gives_a_fresh_prepay_id(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    assert await pay.prepay_jsapi(request_) != await pay.prepay_jsapi(request_)
    assert len((await wxsim.get(f"/orders/{NUMBER}"))["prepay_ids"]) == 2


async def test_a_payment_is_told_by_query(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, config: PayConfig
) -> None:
    assert await pay.query(NUMBER) is None

    prepay_id = await pay.prepay_jsapi(request_)
    waiting = await pay.query(NUMBER)
    assert waiting is not None
    assert (waiting.state, waiting.transaction_id) == (TradeState.NOTPAY, None)

    transaction_id = (await wxsim.pay(prepay_id=prepay_id))["transaction_id"]
    told = await pay.query(NUMBER)
    assert told is not None
    assert told.paid_at is not None
    assert told == Transaction(
        mchid=config.mchid,
        appid=config.mini_program_appid,
        out_trade_no=NUMBER,
        state=TradeState.SUCCESS,
        transaction_id=transaction_id,
        amount_fen=5098,
        currency="CNY",
        paid_at=told.paid_at,
    )


async def test_a_closed_number_can_be_paid_no_more(pay: WechatPay, request_: PrepayRequest) -> None:
    await pay.close(NUMBER)  # Never heard of: closed already.
    await pay.prepay_jsapi(request_)
    await pay.close(NUMBER)
    await pay.close(NUMBER)
    told = await pay.query(NUMBER)
    assert told is not None
    assert told.state is TradeState.CLOSED
    with pytest.raises(WechatPayRefused) as refused:
        await pay.prepay_jsapi(request_)
    assert refused.value.reason is RefusalReason.CLOSED


async def test_a_paid_number_is_neither_closed_nor_paid_again(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    await paid(pay, wxsim, request_)
    for call in (pay.close(NUMBER), pay.prepay_jsapi(request_)):
        with pytest.raises(WechatPayRefused) as refused:
            await call
        assert refused.value.reason is RefusalReason.ALREADY_PAID


async def test_a_number_belongs_to_one_amount(pay: WechatPay, request_: PrepayRequest) -> None:
    await pay.prepay_jsapi(request_)
    with pytest.raises(WechatPayRefused) as refused:
        await pay.prepay_jsapi(replace(request_, amount_fen=1))
    assert (refused.value.reason, refused.value.code) == (RefusalReason.OTHER, "INVALID_REQUEST")


async def test_long_descriptions_are_cut(pay: WechatPay, request_: PrepayRequest) -> None:
    assert await pay.prepay_jsapi(replace(request_, description="长" * 200))


async def test_a_refund_is_followed_to_its_end(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    await paid(pay, wxsim, request_)
    assert await pay.query_refund("R1") is None
    assert await pay.refund(refund_of(98)) is RefundState.PROCESSING
    assert await pay.refund(refund_of(98)) is RefundState.PROCESSING
    await wxsim.post("/refund/R1/result", status="SUCCESS")
    assert await pay.query_refund("R1") is RefundState.SUCCESS


@pytest.mark.parametrize("result", ["ABNORMAL", "CLOSED"])
async def test_a_refund_may_fail_later(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, result: str
) -> None:
    await paid(pay, wxsim, request_)
    await wxsim.fault("refund.result", status=result)
    await pay.refund(refund_of(98))
    await wxsim.post("/refund/R1/result", status=result)
    assert await pay.query_refund("R1") is RefundState(result)


async def test_refunds_are_refused_for_a_reason(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    with pytest.raises(WechatPayRefused) as refused:
        await pay.refund(refund_of(98))
    assert refused.value.reason is RefusalReason.NOT_FOUND

    await paid(pay, wxsim, request_)
    await wxsim.fault("refund.result", code="NOT_ENOUGH", times=1)
    with pytest.raises(WechatPayRefused) as refused:
        await pay.refund(refund_of(98))
    assert refused.value.reason is RefusalReason.NOT_ENOUGH


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "status": 502},
        {"kind": "commit_then_5xx"},
        {"kind": "timeout"},
        {"kind": "errcode", "code": "SYSTEM_ERROR", "status": 500},
        {"kind": "errcode", "code": "FREQUENCY_LIMITED", "status": 429},
        {"kind": "errcode", "code": "SOMETHING_NEW", "status": 400},
        {"kind": "bad_response_signature"},
        {"kind": "missing_signature"},
        {"kind": "signtest"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
async def test_what_leaves_the_outcome_unknown(
    config: PayConfig, wxsim: Simulator, request_: PrepayRequest, fault: dict[str, Any]
) -> None:
    patience = Patience(connect=1.0, read=0.1, total=5.0)
    async with WechatPay(replace(config, patience=patience)) as pay:
        await paid(pay, wxsim, request_)
        await pay.refund(refund_of(98, number="R0"))
        unpaid = replace(request_, out_trade_no="UNPAID")
        await wxsim.fault(**fault, match={"host": "mch"})
        for call in (
            pay.prepay_jsapi(unpaid),
            pay.query(NUMBER),
            pay.close("UNPAID"),
            pay.refund(refund_of(98, number="R0")),
            pay.query_refund("R0"),
        ):
            with pytest.raises(WechatUnavailable):
                await call


async def test_did_it_but_answered_500_is_found_by_query(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest
) -> None:
    await wxsim.fault("commit_then_5xx", times=1, match={"host": "mch"})
    with pytest.raises(WechatUnavailable):
        await pay.prepay_jsapi(request_)
    told = await pay.query(NUMBER)
    assert told is not None
    assert told.state is TradeState.NOTPAY


async def test_nobody_listening_leaves_the_outcome_unknown(config: PayConfig) -> None:
    nowhere = replace(config, base=f"http://127.0.0.1:{free_port()}")
    async with WechatPay(nowhere) as pay:
        with pytest.raises(WechatUnavailable):
            await pay.query(NUMBER)


@pytest.mark.parametrize("code", ["ORDERPAID", "ORDER_PAID", "order_paid"])
def test_codes_are_known_in_every_spelling(code: str) -> None:
    with pytest.raises(WechatPayRefused) as refused:
        raise_for(400, code)
    assert refused.value.reason is RefusalReason.ALREADY_PAID


def test_a_refusal_with_500_is_still_a_refusal() -> None:
    with pytest.raises(WechatPayRefused):
        raise_for(500, "OPENID_MISMATCH")


async def test_news_of_a_payment_is_verified_and_read(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> None:
    transaction_id = await paid(pay, wxsim, request_)
    delivery = await notify.next()
    assert delivery.path == "/payments"
    verified = pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))
    assert verified.event_type == "TRANSACTION.SUCCESS"
    assert verified.id == orjson.loads(delivery.body)["id"]
    news = pay.read(delivery.body)
    assert isinstance(news, Transaction)
    assert news == await pay.query(NUMBER)
    assert news.transaction_id == transaction_id


async def test_news_of_a_refund_is_verified_and_read(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> None:
    await paid(pay, wxsim, request_)
    await notify.next()
    await pay.refund(refund_of(98))
    await wxsim.post("/refund/R1/result", status="SUCCESS")
    delivery = await notify.next()
    assert delivery.path == "/refunds"
    verified = pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))
    assert verified.event_type == "REFUND.SUCCESS"
    assert pay.read(delivery.body) == RefundNotice(out_refund_no="R1", state=RefundState.SUCCESS)


async def test_a_notification_signed_with_a_certificate_is_believed(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> None:
    await wxsim.fault("notify.cert_signed", times=1)
    await paid(pay, wxsim, request_)
    delivery = await notify.next()
    assert not delivery.headers["wechatpay-serial"].startswith("PUB_KEY_ID_")
    pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))


async def test_a_new_certificate_is_believed_once_it_was_fetched(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> None:
    await wxsim.fault("cert.rotate")
    await wxsim.fault("notify.cert_signed", times=1)
    await paid(pay, wxsim, request_)
    delivery = await notify.next()
    with pytest.raises(InvalidNotification):
        pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))
    assert await pay.refresh_certificates()
    pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))


async def test_a_failed_download_keeps_the_certificates(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> None:
    await wxsim.fault("notify.cert_signed", times=1)
    await paid(pay, wxsim, request_)
    delivery = await notify.next()
    await wxsim.fault("http", status=500, match={"host": "mch", "path": "/v3/certificates"})
    assert not await pay.refresh_certificates()
    pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))


async def test_a_merchant_without_certificates_starts(
    config: PayConfig, wxsim: Simulator, request_: PrepayRequest
) -> None:
    await wxsim.post("/settings", platform_certificates=False)
    async with WechatPay(config) as pay:
        assert await pay.refresh_certificates()
        assert await pay.prepay_jsapi(request_)


@pytest.mark.parametrize(
    "kind",
    [
        "notify.forged_signature",
        "notify.old_timestamp",
        "notify.signtest",
        "notify.wrong_serial",
    ],
)
async def test_dishonest_notifications_are_refused(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl, kind: str
) -> None:
    await wxsim.fault(kind, times=1)
    await paid(pay, wxsim, request_)
    delivery = await notify.next()
    with pytest.raises(InvalidNotification):
        pay.verify(delivery.headers, delivery.body, now=datetime.now(UTC))


@pytest.fixture
async def honest(
    pay: WechatPay, wxsim: Simulator, request_: PrepayRequest, notify: NotifyUrl
) -> Delivery:
    """A notification as WeChat sends it."""
    await paid(pay, wxsim, request_)
    return await notify.next()


@pytest.mark.parametrize("age", [timedelta(seconds=301), timedelta(seconds=-302)])
async def test_a_notification_is_good_for_five_minutes(
    pay: WechatPay, honest: Delivery, age: timedelta
) -> None:
    with pytest.raises(InvalidNotification):
        pay.verify(honest.headers, honest.body, now=datetime.now(UTC) + age)


async def test_every_header_counts(pay: WechatPay, honest: Delivery) -> None:
    for name in ("timestamp", "nonce", "serial", "signature"):
        for value in (None, "", "x", "汉字", "1" * 5_000, "=="):
            headers = {**honest.headers, f"wechatpay-{name}": value}
            given = {name: value for name, value in headers.items() if value is not None}
            with pytest.raises(InvalidNotification):
                pay.verify(given, honest.body, now=datetime.now(UTC))


async def test_another_signature_type_is_refused(pay: WechatPay, honest: Delivery) -> None:
    headers = {**honest.headers, "wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}
    with pytest.raises(InvalidNotification):
        pay.verify(headers, honest.body, now=datetime.now(UTC))


async def test_a_changed_body_is_refused(pay: WechatPay, honest: Delivery) -> None:
    for body in (honest.body + b" ", honest.body[:-1], b"", b"[]", b"\xff"):
        with pytest.raises(InvalidNotification):
            pay.verify(honest.headers, body, now=datetime.now(UTC))


async def test_another_merchant_s_news_is_refused(
    pay: WechatPay, honest: Delivery, config: PayConfig
) -> None:
    async with WechatPay(replace(config, mchid="1900000001")) as other:
        with pytest.raises(InvalidNotification):
            other.verify(honest.headers, honest.body, now=datetime.now(UTC))
    async with WechatPay(replace(config, apiv3_key="k" * 32)) as other:
        with pytest.raises(InvalidNotification):
            other.verify(honest.headers, honest.body, now=datetime.now(UTC))


async def test_news_of_other_kinds_is_passed_over(pay: WechatPay) -> None:
    body = orjson.dumps({"id": "1", "event_type": "COUPON.USE", "resource": {}})
    assert pay.read(body) is None


async def test_a_malformed_resource_is_no_news(pay: WechatPay) -> None:
    ours = {"algorithm": "AEAD_AES_256_GCM", "nonce": "n" * 12}
    for resource in (
        None,
        {},
        {"algorithm": "AEAD_SM4_GCM"},
        {**ours, "nonce": 5, "ciphertext": "eA=="},
        {**ours, "nonce": "", "ciphertext": "eA=="},
        {**ours, "ciphertext": "%"},
        {**ours, "ciphertext": base64.b64encode(b"x" * 40).decode()},
    ):
        body = {"id": "1", "event_type": "TRANSACTION.SUCCESS", "resource": resource}
        with pytest.raises(ValueError, match=r".+"):
            pay.read(orjson.dumps(body))


async def test_keys_do_not_show_in_reprs(config: PayConfig) -> None:
    assert "PRIVATE KEY" not in repr(config)
    assert config.apiv3_key not in repr(config)


async def test_patience_is_bounded_by_default() -> None:
    assert (DEFAULT_PATIENCE.connect, DEFAULT_PATIENCE.read) == (3.0, 8.0)
