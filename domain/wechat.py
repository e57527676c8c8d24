"""What WeChat tells of a person, a text and a page, in our words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatIdentity:
    """Who is behind a login code: (appid, openid) is the identity, unionid the person if known.

    A snapshot user is a virtual one, made for a preview of a page: never bind a member to it.
    """

    appid: str
    openid: str = field(repr=False)
    unionid: str | None = field(default=None, repr=False)
    session_key: str | None = field(default=None, repr=False)
    is_snapshot_user: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatProfile:
    """What a person agreed to show to an official account."""

    nickname: str
    avatar_url: str
    unionid: str | None


class TextVerdict(StrEnum):
    """What WeChat's check says of a text; REVIEW: keep the old one until a person has looked."""

    ACCEPT = "ACCEPT"
    REVIEW = "REVIEW"
    REJECT = "REJECT"


class TextScene(StrEnum):
    """Where a text will be seen."""

    PROFILE = "PROFILE"
    COMMENT = "COMMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsapiSignature:
    """What wx.config takes on an H5 page; `timestamp` counts seconds."""

    app_id: str
    timestamp: int
    nonce_str: str
    signature: str
