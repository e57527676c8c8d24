"""Senders of SMS codes behind one port. None of them logs a phone or a code."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import httpx
import orjson
import structlog

from domain.phones import SmsUnavailable

_LOG = structlog.get_logger(__name__)
_TIMEOUT_SECONDS = 5.0


class SimulatorSms:
    """Shows codes on the WeChat simulator's page instead of sending them; for development."""

    def __init__(self, client: httpx.AsyncClient, simulator_url: str) -> None:
        self._client = client
        self._url = f"{simulator_url.rstrip('/')}/_sim/sms"

    async def send_code(self, phone: str, code: str) -> None:
        """Put the code on the page.

        Raises:
            SmsUnavailable: the simulator didn't take it.
        """
        text = f"您的验证码是 {code}，5 分钟内有效。"
        await _post(self._client, self._url, {"phone": phone, "code": code, "text": text}, {})


class WebhookSms:
    """Hands codes to the brand's own sender: a POST that it can prove to be ours.

    The body is `{"phone", "code", "template": "sign_in_code"}`. `x-mall-timestamp` is Unix seconds,
    `x-mall-signature` the hex HMAC-SHA256 of `timestamp.body` under the shared secret. Any 2xx
    means taken.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        secret: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._url = url
        self._secret = secret.encode()
        self._clock = clock

    async def send_code(self, phone: str, code: str) -> None:
        """Hand the code over.

        Raises:
            SmsUnavailable: the sender didn't take it.
        """
        body = {"phone": phone, "code": code, "template": "sign_in_code"}
        timestamp = str(int(self._clock()))
        signed = timestamp.encode() + b"." + orjson.dumps(body)
        signature = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        headers = {"x-mall-timestamp": timestamp, "x-mall-signature": signature}
        await _post(self._client, self._url, body, headers)


class NoSms:
    """Sends nothing: the brand has no SMS, so phones are bound by WeChat alone."""

    async def send_code(self, phone: str, code: str) -> None:
        """Refuse.

        Raises:
            SmsUnavailable: always.
        """
        raise SmsUnavailable


async def _post(
    client: httpx.AsyncClient, url: str, body: dict[str, str], headers: dict[str, str]
) -> None:
    try:
        answer = await client.post(
            url,
            content=orjson.dumps(body),
            headers={"content-type": "application/json", **headers},
            timeout=_TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        _LOG.warning("sms_not_taken", error=type(error).__name__)
        raise SmsUnavailable from error
    if not answer.is_success:
        _LOG.warning("sms_not_taken", status=answer.status_code)
        raise SmsUnavailable
