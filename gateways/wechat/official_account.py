"""The official account: sign-in on H5 pages inside WeChat, and the signature for its JS-SDK."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from secrets import token_hex
from urllib.parse import urlsplit

from domain.errors import InvalidInput
from domain.wechat import JsapiSignature, WechatIdentity, WechatProfile
from gateways.redis.token_store import Issued
from gateways.wechat.client import AppConfig, WechatClient
from gateways.wechat.errors import ApiRefused, refusal
from gateways.wechat.http import WechatHttp, text


class OfficialAccount:
    """Calls made for the official account; each raises `WechatUnavailable` when WeChat fails."""

    def __init__(
        self,
        config: AppConfig,
        http: WechatHttp,
        client: WechatClient,
        *,
        page_hosts: Collection[str] = (),
    ) -> None:
        self._config = config
        self._http = http
        self._client = client
        self._page_hosts = frozenset(page_hosts)

    @property
    def appid(self) -> str:
        """The official account's appid."""
        return self._config.appid

    async def exchange(self, code: str) -> WechatIdentity:
        """Trade an OAuth code, good once and for five minutes, for who is behind it.

        Raises:
            WechatCodeInvalid: the code is unknown, used or expired.
        """
        identity, _ = await self._exchange(code)
        return identity

    async def exchange_with_profile(self, code: str) -> tuple[WechatIdentity, WechatProfile]:
        """Trade a code of scope snsapi_userinfo, which the person agreed to, for the profile too.

        Raises:
            WechatCodeInvalid: the code is unknown, used, expired or of the silent scope.
        """
        identity, access_token = await self._exchange(code)
        try:
            answer = await self._http.get(
                "/sns/userinfo",
                {"access_token": access_token, "openid": identity.openid, "lang": "zh_CN"},
            )
        except ApiRefused as error:
            raise refusal(error) from error
        return identity, WechatProfile(
            nickname=str(answer.get("nickname", "")),
            avatar_url=str(answer.get("headimgurl", "")),
            unionid=answer.get("unionid") or None,
        )

    async def jsapi_signature(self, url: str, *, timestamp: int) -> JsapiSignature:
        """Sign a page's URL for wx.config.

        Raises:
            InvalidInput: the page is not on one of our hosts.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname not in self._page_hosts:
            raise InvalidInput(path=("url",), problem="This page is not ours.")
        ticket = await self._client.shared("jsapi_ticket", self._fetch_ticket)
        nonce = token_hex(8)
        return JsapiSignature(
            app_id=self.appid,
            timestamp=timestamp,
            nonce_str=nonce,
            signature=sign_page(url, ticket=ticket, nonce=nonce, timestamp=timestamp),
        )

    async def _exchange(self, code: str) -> tuple[WechatIdentity, str]:
        try:
            answer = await self._http.get(
                "/sns/oauth2/access_token",
                {
                    "appid": self._config.appid,
                    "secret": self._config.secret,
                    "code": code,
                    "grant_type": "authorization_code",
                },
            )
        except ApiRefused as error:
            raise refusal(error) from error
        identity = WechatIdentity(
            appid=self._config.appid,
            openid=text(answer, "openid"),
            unionid=answer.get("unionid") or None,
            is_snapshot_user=answer.get("is_snapshotuser") == 1,
        )
        return identity, text(answer, "access_token")

    async def _fetch_ticket(self) -> Issued:
        try:
            answer = await self._client.call(lambda library: library.jsapi.get_ticket("jsapi"))
        except ApiRefused as error:
            raise refusal(error) from error
        return Issued(text(answer, "ticket"), int(text(answer, "expires_in")))


def sign_page(url: str, *, ticket: str, nonce: str, timestamp: int) -> str:
    """Return the JS-SDK's signature of a page; what follows # is not part of it."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
