"""What control calls are made of and how they answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Ask:
    """What a control call was asked with; `base` is the scheme and authority it used."""

    body: dict[str, Any]
    params: Mapping[str, str]
    query: Mapping[str, str]
    base: str


@dataclass(frozen=True, slots=True)
class Action:
    """One control call; what it returns is sent as JSON unless it is a response already."""

    method: str
    path: str
    run: Callable[[Ask], Awaitable[Any]]


def json_response(data: Any, status: int = 200) -> Response:
    """An answer of JSON."""
    return Response(orjson.dumps(data), status, media_type="application/json")


def failure(status: int, code: str, message: str) -> Response:
    """A refusal that a test can branch on and a person can read."""
    return json_response({"error": {"code": code, "message": message}}, status)


def shielded(phone: str) -> str:
    """A phone number as lists show it."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > 7 and "*" not in phone else phone
