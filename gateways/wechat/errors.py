"""WeChat's refusals, and what we make of them. `ApiRefused` never leaves this package."""

from __future__ import annotations

import re

import structlog

from domain.errors import (
    AccountBlocked,
    DomainError,
    RateLimited,
    WechatCodeInvalid,
    WechatUnavailable,
)

_LOG = structlog.get_logger(__name__)

TOKEN_ERRORS = frozenset({40001, 40014, 42001})
"""The access token is wrong, malformed or expired."""
_BUSY = -1
_CODE_UNKNOWN, _CODE_USED, _CODE_MISSING = 40029, 40163, 41008
_MINUTE_QUOTA = 45011
_HIGH_RISK_USER = 40226
_RID = re.compile(r"rid: ([0-9a-f-]+)")


class ApiRefused(Exception):
    """api.weixin.qq.com answered with an errcode."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode
        found = _RID.search(errmsg)
        self.rid = found.group(1) if found else None
        """WeChat's request id, which its support asks for."""


def refusal(error: ApiRefused) -> DomainError:
    """Say in our words what an errcode means to the caller; what only we can mend is logged."""
    if error.errcode in {_CODE_UNKNOWN, _CODE_USED, _CODE_MISSING}:
        return WechatCodeInvalid(path=("code",))
    if error.errcode == _MINUTE_QUOTA:
        return RateLimited(retry_after_seconds=60)
    if error.errcode == _HIGH_RISK_USER:
        return AccountBlocked()
    if error.errcode != _BUSY:
        _LOG.error("wechat_refused", errcode=error.errcode, rid=error.rid)
    return WechatUnavailable()
