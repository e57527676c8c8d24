"""A sender for brands with a message service of their own: one signed POST to it.

The body is `{"phone", "code"}`. `X-Mall-Signature` is the hex HMAC-SHA256, under the shared secret,
of `X-Mall-Timestamp` (seconds), a full stop, and the body; refuse what is older than five minutes.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import orjson

from gateways.sms.posting import post


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where the brand's service listens, and the secret that both sides hold."""

    url: str
    secret: str = field(repr=False)


class WebhookSms:
    """Hands codes to the brand's own service."""

    def __init__(
        self,
        config: WebhookConfig,
        client: httpx.AsyncClient,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock

    async def send_code(self, phone: str, code: str) -> None:
        """Hand over the code; raises `SmsUnavailable` unless the service answers 2xx."""
        body = orjson.dumps({"phone": phone, "code": code})
        timestamp = str(int(self._clock().timestamp()))
        signed = timestamp.encode() + b"." + body
        signature = hmac.digest(self._config.secret.encode(), signed, "sha256").hex()
        headers = {"X-Mall-Timestamp": timestamp, "X-Mall-Signature": signature}
        await post(self._client, self._config.url, body, headers)
