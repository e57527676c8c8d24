"""WeChat's one-use codes as the member services see them.

Every call raises `WechatCodeInvalid` for a code that WeChat doesn't take, and `WechatUnavailable`
when it isn't known whether the code was used.
"""

from __future__ import annotations

import re
from typing import Protocol

from domain.errors import WechatCodeInvalid
from domain.wechat import WechatIdentity

_CODE = re.compile(r"[\x21-\x7e]{1,256}")


class WechatApp(Protocol):
    """An app of ours whose users sign in: the mini-program, or the official account on H5."""

    @property
    def appid(self) -> str:
        """The app's id, which its openids belong to."""

    async def exchange(self, code: str) -> WechatIdentity:
        """Trade a sign-in code, good once and for five minutes, for who is behind it."""


class WechatPhones(Protocol):
    """The phone button of the mini-program."""

    async def phone_number(self, code: str) -> str:
        """Trade a code of the button for the number, with its country code: +8613800138000."""


def check_code(code: str, *path: str) -> None:
    """Refuse what can't be a code of WeChat before anything is written.

    Raises:
        WechatCodeInvalid: names the path.
    """
    if not _CODE.fullmatch(code):
        raise WechatCodeInvalid(path=path)
