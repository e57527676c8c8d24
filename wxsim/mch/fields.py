"""Checks of request bodies; every refusal is a PARAM_ERROR that names its field."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wxsim.errors import PayError, param_error
from wxsim.exchange import Call, json_object

NOTIFY_URL_LIMIT = 255
# A single order of WeChat Pay cannot exceed what fits its 32-bit field.
TOTAL_LIMIT = 2**31 - 1


def body_of(call: Call, known: frozenset[str]) -> dict[str, Any]:
    """The JSON object of the request, which holds no member that the documents do not name."""
    data = json_object(call.body)
    if data is None:
        raise PayError(400, "PARAM_ERROR", "请求体不是合法的JSON对象", {"location": "body"})
    for name in data.keys() - known:
        raise PayError(
            400,
            "PARAM_ERROR",
            "请求中含有未在API文档中定义的参数",
            {"field": f"/{name}", "issue": "undefined field", "location": "body"},
        )
    return data


def text(
    data: Mapping[str, Any],
    name: str,
    *,
    limit: int,
    least: int = 1,
    pattern: re.Pattern[str] | None = None,
    at: str = "",
) -> str:
    """A required text of a length within bounds, of the pattern's characters only."""
    value = data.get(name)
    pointer = f"{at}/{name}"
    if value is None:
        raise param_error(pointer, "缺少参数", None)
    if not isinstance(value, str):
        raise param_error(pointer, "类型应为字符串", value)
    if not least <= len(value) <= limit:
        raise param_error(pointer, f"字符串长度应在{least}到{limit}之间", value)
    if pattern is not None and not pattern.fullmatch(value):
        raise param_error(pointer, "含有不允许的字符", value)
    return value


def optional_text(data: Mapping[str, Any], name: str, *, limit: int, at: str = "") -> str | None:
    """A text that may be missing."""
    return None if data.get(name) is None else text(data, name, limit=limit, at=at)


def member(data: Mapping[str, Any], name: str, *, at: str = "") -> dict[str, Any]:
    """A required object."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise param_error(f"{at}/{name}", "缺少参数" if value is None else "类型应为对象", None)
    return value


def fen(data: Mapping[str, Any], name: str, *, at: str) -> int:
    """A required whole amount of at least one fen."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise param_error(f"{at}/{name}", "类型应为整数", value)
    if not 1 <= value <= TOTAL_LIMIT:
        raise param_error(f"{at}/{name}", "金额应大于0", value)
    return value


def currency(data: Mapping[str, Any], *, required: bool) -> None:
    """Refuse any currency but CNY."""
    value = data.get("currency")
    if value != "CNY" and (required or value is not None):
        raise param_error("/amount/currency", "Currency code is invalid", value)


def notify_url(value: str, bases: tuple[str, ...]) -> str:
    """The URL, when it is https without a query; plain http may lead to loopback and `bases`."""
    if not re.fullmatch(r"[!-~]+", value):
        raise param_error("/notify_url", "含有不允许的字符", value)
    parts = urlsplit(value)
    # Whole segments only: http://web:8000 must not let http://web:80001 in.
    prefixes = tuple(base.rstrip("/") + "/" for base in bases)
    plain_allowed = is_loopback(parts.hostname) or value.startswith(prefixes)
    if parts.scheme != "https" and not (parts.scheme == "http" and plain_allowed):
        raise param_error("/notify_url", "通知地址应为https", value)
    if not parts.hostname or "?" in value or "#" in value:
        raise param_error("/notify_url", "通知地址不能携带参数", value)
    return value


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
