"""Senders of SMS codes, against the simulator and a provider of our own."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.embedded.ports import free_port
from domain.phones import SmsUnavailable
from gateways.sms.senders import NoSms, SimulatorSms, WebhookSms
from gateways.sms.tencent import TencentConfig, TencentSms, authorization
from tests.support.application import serving
from tests.support.simulator import Simulator

PHONE, CODE = "13800138000", "493027"
AT = 1_767_323_045.25


class Provider:
    """Keeps the last request and answers as told."""

    def __init__(self) -> None:
        self.answer = Response(b"{}")
        self.headers: dict[str, str] = {}
        self.body = b""

    async def __call__(self, request: Request) -> Response:
        self.headers, self.body = dict(request.headers), await request.body()
        return self.answer


@pytest.fixture(scope="module")
async def _served() -> AsyncIterator[tuple[Provider, str]]:
    provider = Provider()
    app = Starlette(routes=[Route("/", provider.__call__, methods=["POST"])])
    async with serving(app, free_port()) as url:
        yield provider, url


@pytest.fixture
def provider(_served: tuple[Provider, str]) -> Provider:
    _served[0].answer = Response(b"{}")
    return _served[0]


@pytest.fixture
def url(_served: tuple[Provider, str]) -> str:
    return f"{_served[1]}/"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def tencent(url: str, http: httpx.AsyncClient) -> TencentSms:
    config = TencentConfig(
        secret_id="id",
        secret_key="key",
        sdk_app_id="1400000001",
        sign_name="示例商城",
        template_id="2100001",
        endpoint=url,
    )
    return TencentSms(http, config, clock=lambda: AT)


def accepted(code: str) -> Response:
    answer = {"Response": {"SendStatusSet": [{"Code": code}], "RequestId": "r"}}
    return Response(orjson.dumps(answer))


async def test_the_simulator_shows_the_code(wxsim: Simulator, http: httpx.AsyncClient) -> None:
    await SimulatorSms(http, wxsim.url).send_code(PHONE, CODE)
    (message,) = (await wxsim.get("/sms"))["sms"]
    assert (message["phone"], message["code"]) == (PHONE, CODE)
    assert CODE in message["text"]


async def test_a_missing_simulator_is_told(http: httpx.AsyncClient) -> None:
    with pytest.raises(SmsUnavailable):
        await SimulatorSms(http, f"http://127.0.0.1:{free_port()}").send_code(PHONE, CODE)


async def test_a_webhook_is_signed(provider: Provider, url: str, http: httpx.AsyncClient) -> None:
    await WebhookSms(http, url, "shared", clock=lambda: AT).send_code(PHONE, CODE)
    assert orjson.loads(provider.body) == {
        "phone": PHONE,
        "code": CODE,
        "template": "sign_in_code",
    }
    timestamp = provider.headers["x-mall-timestamp"]
    assert timestamp == "1767323045"
    expected = hmac.new(b"shared", f"{timestamp}.".encode() + provider.body, "sha256").hexdigest()
    assert provider.headers["x-mall-signature"] == expected


async def test_a_webhook_s_refusal_is_told(
    provider: Provider, url: str, http: httpx.AsyncClient
) -> None:
    for status in (302, 400, 500):
        provider.answer = Response(status_code=status)
        with pytest.raises(SmsUnavailable):
            await WebhookSms(http, url, "shared").send_code(PHONE, CODE)


async def test_a_brand_without_sms_says_so() -> None:
    with pytest.raises(SmsUnavailable):
        await NoSms().send_code(PHONE, CODE)


def test_tencent_s_signature_is_that_of_its_documents() -> None:
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    header = authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        body=body,
        timestamp=1551113065,
    )
    assert header == (
        "TC3-HMAC-SHA256 "
        "Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


async def test_tencent_is_asked_as_it_documents(
    provider: Provider, url: str, http: httpx.AsyncClient
) -> None:
    provider.answer = accepted("Ok")
    await tencent(url, http).send_code(PHONE, CODE)
    assert orjson.loads(provider.body) == {
        "PhoneNumberSet": ["+8613800138000"],
        "SmsSdkAppId": "1400000001",
        "SignName": "示例商城",
        "TemplateId": "2100001",
        "TemplateParamSet": [CODE, "5"],
    }
    assert provider.headers["x-tc-action"] == "SendSms"
    assert provider.headers["x-tc-version"] == "2021-01-11"
    assert provider.headers["x-tc-region"] == "ap-guangzhou"
    # What was signed is what arrived.
    assert provider.headers["content-type"] == "application/json; charset=utf-8"
    assert provider.headers["authorization"] == authorization(
        "id",
        "key",
        service="sms",
        host=provider.headers["host"],
        body=provider.body,
        timestamp=int(provider.headers["x-tc-timestamp"]),
    )


@pytest.mark.parametrize(
    "answer",
    [
        accepted("LimitExceeded.PhoneNumberDailyLimit").body,
        b'{"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}}}',
        b'{"Response": {"SendStatusSet": []}}',
        b"[]",
        b"not json",
    ],
)
async def test_tencent_s_refusals_are_told(
    provider: Provider, url: str, http: httpx.AsyncClient, answer: bytes
) -> None:
    provider.answer = Response(answer)
    with pytest.raises(SmsUnavailable):
        await tencent(url, http).send_code(PHONE, CODE)


def test_secrets_do_not_show_in_reprs() -> None:
    config = TencentConfig(
        secret_id="id", secret_key="hidden", sdk_app_id="1", sign_name="s", template_id="t"
    )
    assert "hidden" not in repr(config)
