"""Tencent Cloud SMS (API version 2021-01-11), signed by its TC3-HMAC-SHA256."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
import orjson
import structlog

from domain.phones import CODE_LIFETIME, SmsUnavailable
from gateways.sms.posting import post

_LOG = structlog.get_logger(__name__)

_ALGORITHM = "TC3-HMAC-SHA256"
_CONTENT_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class TencentConfig:
    """An SMS application; its template takes the code and the minutes it is good for."""

    secret_id: str
    secret_key: str = field(repr=False)
    sdk_app_id: str
    sign_name: str
    template_id: str
    region: str = "ap-guangzhou"
    endpoint: str = "https://sms.tencentcloudapi.com"


class TencentSms:
    """Sends codes through Tencent Cloud."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        config: TencentConfig,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock

    async def send_code(self, phone: str, code: str) -> None:
        """Send the code to a mainland number; raises `SmsUnavailable` unless it was accepted."""
        minutes = str(int(CODE_LIFETIME.total_seconds()) // 60)
        body = orjson.dumps(
            {
                "PhoneNumberSet": [f"+86{phone}"],
                "SmsSdkAppId": self._config.sdk_app_id,
                "SignName": self._config.sign_name,
                "TemplateId": self._config.template_id,
                "TemplateParamSet": [code, minutes],
            }
        )
        response = await post(self._client, self._config.endpoint, body, self._headers(body))
        # Failures come with status 200: one of the whole call, or one of the number.
        outcome = _outcome(response.content)
        if outcome != "Ok":
            _LOG.error("sms_refused", code=outcome)
            raise SmsUnavailable

    def _headers(self, body: bytes) -> dict[str, str]:
        now = int(self._clock())
        config = self._config
        return {
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": config.region,
            "X-TC-Timestamp": str(now),
            "Authorization": authorization(
                config.secret_id,
                config.secret_key,
                service="sms",
                host=urlsplit(config.endpoint).netloc,
                body=body,
                timestamp=now,
            ),
        }


def authorization(
    secret_id: str, secret_key: str, *, service: str, host: str, body: bytes, timestamp: int
) -> str:
    """Return the Authorization header of a JSON POST to /, at a time in seconds."""
    signed_headers = "content-type;host"
    headers = f"content-type:{_CONTENT_TYPE}\nhost:{host}\n"
    request = f"POST\n/\n\n{headers}\n{signed_headers}\n{sha256(body).hexdigest()}"
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return (
        f"{_ALGORITHM} Credential={secret_id}/{scope}, "
        f"SignedHeaders={signed_headers}, Signature={key.hex()}"
    )


def _outcome(content: bytes) -> str:
    """Return the code of the answer; `Ok` alone means accepted."""
    try:
        answer = orjson.loads(content)["Response"]
        if "Error" in answer:
            return str(answer["Error"]["Code"])
        return str(answer["SendStatusSet"][0]["Code"])
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return "malformed answer"
