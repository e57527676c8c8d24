"""ASGI in the few words that an endpoint needs; the specification is asgiref's, version 3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = Mapping[bytes, bytes]
"""A request's headers by name, names in lower case as ASGI gives them."""


def headers_of(scope: Scope) -> Headers:
    """Return a request's headers; one that is sent in parts is put together (RFC 9110, 5.3).

    An object for headers, as frameworks have it, takes longer to ask three times than this.
    """
    pairs = scope["headers"]
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined
