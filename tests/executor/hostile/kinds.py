"""What a kind of hostile request is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.executor.hostile.wire import Seen, Target, post

HTTP, WEBSOCKET = "HTTP", "WebSocket"
ENVIRONMENT = {"REQUEST_BODY_TIMEOUT_SECONDS": "1", "WEBSOCKET_MAX_SOCKETS": "50"}
"""Settings of the server, so that slow bodies and many sockets are soon too slow and too many."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: what is done, and what must be seen of it.

    An expected text that ends with an ellipsis is how the text begins.
    """

    name: str
    way: str
    act: Callable[[Target], Awaitable[Seen]]
    expected: Seen
    waits: bool = False
    """Its answer takes a time that the server was told: a limit on slowness."""
    crowds: bool = False
    """It takes all there is of something, so nothing else may run beside it."""

    @property
    def id(self) -> str:
        """Its name among all."""
        return f"{self.name}, {self.way}"

    def is_as_expected(self, seen: Seen) -> bool:
        """Tell whether this is what must be seen."""
        first, text = self.expected
        if text.endswith("…"):
            return seen[0] == first and seen[1].startswith(text[:-1])
        return seen == self.expected


def asked(
    name: str, body: Callable[[], bytes], over_http: Seen, over_websocket: Seen | None = None
) -> list[Kind]:
    """Return the two kinds of a request that HTTP and WebSocket take alike.

    What is told over a socket is the same, as an `error` or a `next`, unless given.
    """
    status, told = over_http
    expected = over_websocket or ("next" if status == 200 else "error", told)

    async def by_http(target: Target) -> Seen:
        return await target.ask(post(body()))

    async def by_websocket(target: Target) -> Seen:
        async with target.line() as line:
            await line.begin()
            await line.say(b'{"id":"1","type":"subscribe","payload":' + body() + b"}")
            seen = await line.hear()
            if seen[0] == "next":
                assert await line.hear() == ("complete", "")
            return seen

    return [
        Kind(name, HTTP, by_http, over_http),
        Kind(name, WEBSOCKET, by_websocket, expected),
    ]
