"""One kept connection to an HTTP server: as little work for a request as Python allows.

It knows what our servers answer: HTTP/1.1 with a content-length. Anything else is a failure.
"""

from __future__ import annotations

import asyncio
from typing import cast

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class UnexpectedStatus(ConnectionError):
    """The server answered with another status than 200."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(f"HTTP {status}: {told}")
        self.status = status


class Connection(asyncio.Protocol):
    """Sends one request at a time and waits for its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None
        self._received = b""
        self._end = 0
        self._body_at = 0

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to a server of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> bytes:
        """Send a request, head and body, and return the body of its answer, which is a 200."""
        assert self._transport is not None, "it is connected"
        assert self._waiting is None, "one request at a time"
        if self._transport.is_closing():
            raise ConnectionError("the connection was closed meanwhile")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Gather an answer; when it is whole, hand its body over."""
        self._received = self._received + data if self._received else data
        if not self._end and not self._read_head():
            return
        if len(self._received) >= self._end:
            body = self._received[self._body_at : self._end]
            self._received, self._end = b"", 0
            self._done(body)

    def _read_head(self) -> bool:
        head_end = self._received.find(_END_OF_HEAD)
        if head_end < 0:
            return False
        head = self._received[:head_end].lower()
        if not head.startswith(b"http/1.1 200 "):
            told = repr(self._received[head_end:][:400])
            self._fail(UnexpectedStatus(int(head.split(b" ", 2)[1]), told))
            return False
        length_at = head.find(_LENGTH) + len(_LENGTH)
        self._body_at = head_end + len(_END_OF_HEAD)
        self._end = self._body_at + int(head[length_at:].split(b"\r\n", 1)[0])
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._fail(ConnectionError(f"the connection was closed: {exc}"))

    def _done(self, body: bytes) -> None:
        if self._waiting is not None and not self._waiting.done():
            waiting, self._waiting = self._waiting, None
            waiting.set_result(body)

    def _fail(self, why: ConnectionError) -> None:
        if self._waiting is not None and not self._waiting.done():
            waiting, self._waiting = self._waiting, None
            waiting.set_exception(why)


def post(path: str, body: bytes, token: str = "", *, address: str = "") -> bytes:
    """Return a request of JSON as it goes over the wire; `address` is whom a proxy says it's of."""
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    forwarded = f"x-forwarded-for: {address}\r\n" if address else ""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"{authorization}{forwarded}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
