"""wechatpy, made safe for a server of many processes.

The stock client keeps a token for each instance, fetches it without a lock, waits forever, retries
without a bound and knows its hosts by heart. Here it is given a token for each call, every wait is
bounded, a refused token is replaced once, and every URL is moved to the configured base.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import requests
import structlog
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from domain.errors import WechatUnavailable
from gateways.redis.token_store import Fetch, Issued, TokenStore
from gateways.wechat.errors import TOKEN_ERRORS, ApiRefused
from gateways.wechat.http import DEFAULT_PATIENCE, Patience, WechatHttp, text

_LOG = structlog.get_logger(__name__)

API_HOST = "https://api.weixin.qq.com"
_POOL_SIZE = 64
_T = TypeVar("_T")

_call_token: ContextVar[str] = ContextVar("wechat_access_token", default="")
"""The token of the call under way; a thread started by anyio sees its caller's."""


@dataclass(frozen=True, slots=True)
class AppConfig:
    """A mini-program or official account."""

    appid: str
    secret: str = field(repr=False)
    api_base: str = API_HOST
    patience: Patience = DEFAULT_PATIENCE
    max_threads: int = 32


class BoundClient(WeChatClient):  # type: ignore[misc]  # wechatpy is published without types.
    """The library's client with our base URL and time limits, and no token of its own."""

    def __init__(self, config: AppConfig) -> None:
        patience = config.patience
        super().__init__(
            config.appid,
            secret="",
            timeout=(patience.connect, patience.read),
            auto_retry=False,
        )
        self._base = config.api_base.rstrip("/")
        self._http.trust_env = False
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_POOL_SIZE, max_retries=0)
        self._http.mount("http://", adapter)
        self._http.mount("https://", adapter)

    @property
    def access_token(self) -> str:
        """Return the token of the call under way."""
        return _call_token.get()

    def fetch_access_token(self) -> None:
        """Refuse: the token store alone fetches."""
        raise AssertionError("tokens come from the token store")

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        # API classes bring base URLs of their own, and some calls absolute ones.
        base = kwargs.pop("api_base_url", self.API_BASE_URL)
        is_absolute = url_or_endpoint.startswith(("http://", "https://"))
        url = url_or_endpoint if is_absolute else base + url_or_endpoint
        assert url.startswith(f"{API_HOST}/"), "only this host has a base URL setting"
        return super()._request(method, self._base + url.removeprefix(API_HOST), **kwargs)

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def post_json(self, path: str, body: dict[str, Any]) -> Any:
        """Post to a path that the library has no method for, such as /wxa/msg_sec_check."""
        return self.post(f"{API_HOST}{path}", data=body)


class WechatClient:
    """Runs calls of wechatpy in threads of their own, with the shared token."""

    def __init__(self, config: AppConfig, http: WechatHttp, tokens: TokenStore) -> None:
        self._config = config
        self._http = http
        self._tokens = tokens
        self._library = BoundClient(config)
        self._limiter = anyio.CapacityLimiter(config.max_threads)

    @property
    def appid(self) -> str:
        """The app that calls are made for."""
        return self._config.appid

    async def call(self, make: Callable[[BoundClient], _T]) -> _T:
        """Make one call of the library; a refused token is replaced once.

        Raises:
            ApiRefused: on an errcode.
            WechatUnavailable: when no sound answer came.
        """
        token = await self._access_token()
        try:
            return await self._in_thread(make, token)
        except ApiRefused as error:
            if error.errcode not in TOKEN_ERRORS:
                raise
        # Somebody revoked the token. A second refusal is not the token's fault.
        await self._tokens.discard(self._name("access_token"), token)
        return await self._in_thread(make, await self._access_token())

    async def shared(self, kind: str, fetch: Fetch) -> str:
        """Return the app's token or ticket that all processes share, fetched when there is none.

        Raises:
            WechatUnavailable: others are fetching it and do not get it either.
        """
        try:
            with anyio.fail_after(self._config.patience.total):
                return await self._tokens.get(self._name(kind), fetch)
        except TimeoutError as error:
            _LOG.warning("wechat_token_not_fetched", kind=kind)
            raise WechatUnavailable from error

    def close(self) -> None:
        """Close the pooled connections."""
        self._library.close()

    def _name(self, kind: str) -> str:
        return f"{self._config.appid}:{kind}"

    async def _access_token(self) -> str:
        return await self.shared("access_token", self._fetch_token)

    async def _fetch_token(self) -> Issued:
        # The stable token does not die when another process fetches one too.
        answer = await self._http.post(
            "/cgi-bin/stable_token",
            {
                "grant_type": "client_credential",
                "appid": self._config.appid,
                "secret": self._config.secret,
            },
        )
        return Issued(text(answer, "access_token"), int(text(answer, "expires_in")))

    async def _in_thread(self, make: Callable[[BoundClient], _T], token: str) -> _T:
        reset = _call_token.set(token)
        try:
            with anyio.fail_after(self._config.patience.total):
                # A thread can't be stopped; left behind, it ends by the timeouts of its socket.
                return await anyio.to_thread.run_sync(
                    self._guarded, make, limiter=self._limiter, abandon_on_cancel=True
                )
        except TimeoutError as error:
            _LOG.warning("wechat_unreachable", error="TimeoutError")
            raise WechatUnavailable from error
        finally:
            _call_token.reset(reset)

    def _guarded(self, make: Callable[[BoundClient], _T]) -> _T:
        """Translate what the library and requests raise."""
        try:
            return make(self._library)
        except WeChatClientException as error:
            if error.errcode is None:  # An HTTP status of 400 or more.
                _LOG.warning("wechat_unsound_answer", error="status")
                raise WechatUnavailable from error
            raise ApiRefused(int(error.errcode), str(error.errmsg)) from error
        except requests.RequestException as error:
            _LOG.warning("wechat_unreachable", error=type(error).__name__)
            raise WechatUnavailable from error
