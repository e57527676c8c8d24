"""Senders of SMS codes behind one port. None of them logs a phone or a code."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

import httpx
import orjson

from domain.phones import SmsUnavailable
from gateways.sms.posting import post


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
        body = {"phone": phone, "code": code, "text": text}
        await post(self._client, self._url, orjson.dumps(body), {})


class WebhookSms:
    """Hands codes to the brand's own sender: a POST that it can prove to be ours.

    The body is `{"phone", "code", "template": "sign_in_code"}`. `X-Mall-Timestamp` is Unix seconds,
    `X-Mall-Signature` the hex HMAC-SHA256 of `timestamp.body` under the shared secret; refuse what
    is older than five minutes. Any 2xx means taken.
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
        body = orjson.dumps({"phone": phone, "code": code, "template": "sign_in_code"})
        timestamp = str(int(self._clock()))
        signed = timestamp.encode() + b"." + body
        signature = hmac.digest(self._secret, signed, "sha256").hex()
        headers = {"X-Mall-Timestamp": timestamp, "X-Mall-Signature": signature}
        await post(self._client, self._url, body, headers)


class NoSms:
    """Sends nothing: the brand has no SMS, so phones are bound by WeChat alone."""

    async def send_code(self, phone: str, code: str) -> None:  # noqa: ARG002  # The port's names.
        """Refuse.

        Raises:
            SmsUnavailable: always.
        """
        raise SmsUnavailable
