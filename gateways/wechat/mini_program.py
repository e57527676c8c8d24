"""The mini-program: sign-in, phone numbers, QR codes and text checks."""

from __future__ import annotations

import requests

from domain.errors import WechatUnavailable
from domain.wechat import TextScene, TextVerdict, WechatIdentity
from gateways.wechat.client import AppConfig, WechatClient
from gateways.wechat.errors import ApiRefused, refusal
from gateways.wechat.http import WechatHttp, text

_SCENES = {TextScene.PROFILE: 1, TextScene.COMMENT: 2}
_VERDICTS = {"pass": TextVerdict.ACCEPT, "review": TextVerdict.REVIEW, "risky": TextVerdict.REJECT}
_NO_RECENT_VISIT = 61010
_TEXT_LIMIT = 2_500


class MiniProgram:
    """Calls made for the mini-program; each raises `WechatUnavailable` when WeChat fails."""

    def __init__(self, config: AppConfig, http: WechatHttp, client: WechatClient) -> None:
        self._config = config
        self._http = http
        self._client = client

    @property
    def appid(self) -> str:
        """The mini-program's appid."""
        return self._config.appid

    async def exchange(self, code: str) -> WechatIdentity:
        """Trade a code of wx.login, good once and for five minutes, for who is behind it.

        Raises:
            WechatCodeInvalid: the code is unknown, used or expired.
            RateLimited: the user signed in too often this minute.
            AccountBlocked: WeChat holds the user for a high risk.
        """
        try:
            answer = await self._http.get(
                "/sns/jscode2session",
                {
                    "appid": self._config.appid,
                    "secret": self._config.secret,
                    "js_code": code,
                    "grant_type": "authorization_code",
                },
            )
        except ApiRefused as error:
            raise refusal(error) from error
        return WechatIdentity(
            appid=self._config.appid,
            openid=text(answer, "openid"),
            unionid=answer.get("unionid") or None,
            session_key=answer.get("session_key"),
        )

    async def phone_number(self, code: str) -> str:
        """Trade a code of the phone button for the number, as +8613800138000.

        Each success costs the brand three fen, so ask only on joining.

        Raises:
            WechatCodeInvalid: the code is unknown, used or expired.
        """
        body = {"code": code}
        try:
            answer = await self._client.call(
                lambda library: library.post_json("/wxa/business/getuserphonenumber", body)
            )
        except ApiRefused as error:
            raise refusal(error) from error
        info = answer.get("phone_info") or {}
        # countryCode has been seen both as a text and as a number.
        return f"+{text(info, 'countryCode')}{text(info, 'purePhoneNumber')}"

    async def code_image(self, scene: str, *, page: str = "", width: int = 430) -> bytes:
        """Return a QR code of unlimited number as PNG or JPEG; `width` from 280 to 1280 pixels.

        The code is permanent for (scene, page), so store what you get.
        """
        body = {"scene": scene, "page": page, "width": width, "check_path": False}
        try:
            answer = await self._client.call(
                lambda library: library.post_json("/wxa/getwxacodeunlimit", body)
            )
        except ApiRefused as error:
            raise refusal(error) from error
        # The library hands out its response where the body is no JSON.
        if not isinstance(answer, requests.Response):
            raise WechatUnavailable
        return bytes(answer.content)

    async def check_text(self, openid: str, content: str, scene: TextScene) -> TextVerdict:
        """Have WeChat judge a text of at most 2500 characters that others will see."""
        body = {
            "version": 2,
            "openid": openid,
            "scene": _SCENES[scene],
            "content": content[:_TEXT_LIMIT],
        }
        try:
            answer = await self._client.call(
                lambda library: library.post_json("/wxa/msg_sec_check", body)
            )
        except ApiRefused as error:
            if error.errcode == _NO_RECENT_VISIT:
                return TextVerdict.REVIEW
            raise refusal(error) from error
        return _VERDICTS.get(text(answer.get("result") or {}, "suggest"), TextVerdict.REVIEW)
