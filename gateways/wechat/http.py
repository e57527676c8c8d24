"""JSON calls to api.weixin.qq.com that need no access token, without a thread in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import structlog

from domain.errors import WechatUnavailable
from gateways.wechat.errors import ApiRefused

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take, in seconds; `total` includes waiting for a connection."""

    connect: float = 3.0
    read: float = 8.0
    total: float = 12.0


DEFAULT_PATIENCE = Patience()


def new_http_client(patience: Patience, max_connections: int) -> httpx.AsyncClient:
    """Return a pooled client for one host that ignores proxies and .netrc of the environment."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(patience.read, connect=patience.connect, pool=patience.connect),
        limits=httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=30.0,
        ),
        trust_env=False,
        follow_redirects=False,
    )


class WechatHttp:
    """Calls for sign-in and tokens, which are too frequent for a thread each."""

    def __init__(
        self,
        api_base: str,
        client: httpx.AsyncClient,
        *,
        total_seconds: float = DEFAULT_PATIENCE.total,
    ) -> None:
        self._base = api_base.rstrip("/")
        self._client = client
        self._total_seconds = total_seconds

    async def get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        """Return the answer's object.

        Raises:
            ApiRefused: on an errcode.
            WechatUnavailable: when no sound answer came.
        """
        return await self._send("GET", path, params=params)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post JSON; otherwise as `get`."""
        return await self._send("POST", path, content=orjson.dumps(body))

    async def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            # The client's own limits are for each read; a trickle could go on forever.
            async with asyncio.timeout(self._total_seconds):
                response = await self._client.request(method, f"{self._base}{path}", **request)
        except (httpx.HTTPError, TimeoutError) as error:
            # The URL holds codes and secrets, so the error's text is not for the log.
            _LOG.warning("wechat_unreachable", path=path, error=type(error).__name__)
            raise WechatUnavailable from error
        return _object(path, response)


def _object(path: str, response: httpx.Response) -> dict[str, Any]:
    # Content-Type says text/plain for some calls, so the body alone tells.
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if response.status_code != httpx.codes.OK or not isinstance(answer, dict):
        _LOG.warning("wechat_unsound_answer", path=path, status=response.status_code)
        raise WechatUnavailable
    errcode = answer.get("errcode", 0)
    if errcode != 0:
        raise ApiRefused(int(errcode), str(answer.get("errmsg", "")))
    return answer


def text(answer: dict[str, Any], name: str) -> str:
    """Return a value that a sound answer has, text or number, as text.

    Raises:
        WechatUnavailable: when it is missing.
    """
    value = answer.get(name)
    if not isinstance(value, str | int) or value == "":
        _LOG.warning("wechat_unsound_answer", missing=name)
        raise WechatUnavailable
    return str(value)
