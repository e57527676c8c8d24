"""WeChat's gateways over the simulator, put together as a process does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from gateways.redis.connection import RedisClient
from gateways.redis.token_store import TokenStore
from gateways.wechat.client import AppConfig, WechatClient
from gateways.wechat.http import DEFAULT_PATIENCE, Patience, WechatHttp, new_http_client
from gateways.wechat.mini_program import MiniProgram
from gateways.wechat.official_account import OfficialAccount
from tests.support.simulator import Simulator

PAGE_HOST = "shop.example.com"


@dataclass(frozen=True, slots=True)
class Wechat:
    """Everything that talks to api.weixin.qq.com."""

    mini_program: MiniProgram
    official_account: OfficialAccount


class WechatMaker:
    """Makes gateways as separate processes would have them: only Redis is shared."""

    def __init__(self, redis: RedisClient, environment: dict[str, str]) -> None:
        self._redis = redis
        self._environment = environment
        self._http: list[httpx.AsyncClient] = []
        self._clients: list[WechatClient] = []

    def __call__(self, *, secret: str = "", patience: Patience = DEFAULT_PATIENCE) -> Wechat:
        http_client = new_http_client(patience, 64)
        http = WechatHttp(
            self._environment["WECHAT_API_BASE"], http_client, total_seconds=patience.total
        )
        tokens = TokenStore(self._redis)
        self._http.append(http_client)
        mini = self._config("MINI_PROGRAM", secret, patience)
        account = self._config("OFFICIAL_ACCOUNT", secret, patience)
        mini_client = WechatClient(mini, http, tokens)
        account_client = WechatClient(account, http, tokens)
        self._clients += [mini_client, account_client]
        return Wechat(
            MiniProgram(mini, http, mini_client),
            OfficialAccount(account, http, account_client, page_hosts=[PAGE_HOST]),
        )

    async def close(self) -> None:
        for client in self._clients:
            client.close()
        for http in self._http:
            await http.aclose()

    def _config(self, app: str, secret: str, patience: Patience) -> AppConfig:
        return AppConfig(
            appid=self._environment[f"WECHAT_{app}_APPID"],
            secret=secret or self._environment[f"WECHAT_{app}_SECRET"],
            api_base=self._environment["WECHAT_API_BASE"],
            patience=patience,
        )


@pytest.fixture
async def make_wechat(redis: RedisClient, wxsim: Simulator) -> AsyncIterator[WechatMaker]:
    """Makes one process's WeChat gateways at a time."""
    maker = WechatMaker(redis, await wxsim.get("/config.json"))
    yield maker
    await maker.close()


@pytest.fixture
def wechat(make_wechat: WechatMaker) -> Wechat:
    """The WeChat gateways of one process."""
    return make_wechat()
