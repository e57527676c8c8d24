"""Posts over kept connections: the little of HTTP/1.1 that deliveries need, at little cost.

A general client would spend more time on its pool than the simulator spends on the signature.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

HEAD_LIMIT_BYTES = 65_536
IDLE_KEPT = 64
SUPERFLUOUS = range(100, 200)  # Interim answers that come before the real one.
BODILESS = frozenset({204, 304})


class Deliver(Protocol):
    """Posts a body and returns the status; raises OSError, ValueError or EOFError."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int: ...


class Courier:
    """A `Deliver` over the network, which keeps connections open between posts."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[_Line]] = {}
        self._tls: ssl.SSLContext | None = None

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post; a kept connection that has died meanwhile is replaced once."""
        parts = urlsplit(url)
        message = _message(parts, headers, body)
        idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
        while idle:
            line = idle.pop()
            try:
                status = await line.exchange(message)
            except (OSError, EOFError):
                continue  # It closed while idle: nobody has read the message.
            return self._done(line, idle, status)
        line = await self._connect(parts)
        return self._done(line, idle, await line.exchange(message))

    def close(self) -> None:
        """Close all kept connections."""
        for idle in self._idle.values():
            for line in idle:
                line.close()
        self._idle.clear()

    async def _connect(self, parts: SplitResult) -> "_Line":
        secure = parts.scheme == "https"
        if secure and self._tls is None:
            self._tls = ssl.create_default_context()
        reader, writer = await asyncio.open_connection(
            parts.hostname,
            parts.port or (443 if secure else 80),
            ssl=self._tls if secure else None,
            limit=HEAD_LIMIT_BYTES,
        )
        return _Line(reader, writer)

    @staticmethod
    def _done(line: "_Line", idle: list["_Line"], status: int) -> int:
        if line.reusable and len(idle) < IDLE_KEPT:
            idle.append(line)
        else:
            line.close()
        return status


class _Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.reusable = False

    def close(self) -> None:
        self._writer.close()

    async def exchange(self, message: bytes) -> int:
        """Send and read the answer's status; whatever goes wrong, nothing stays open."""
        self.reusable = False
        try:
            self._writer.write(message)
            status, headers = await self._head()
            while status in SUPERFLUOUS:
                status, headers = await self._head()
            self.reusable = await self._drain(status, headers)
        except BaseException:
            self.close()
            raise
        return status

    async def _head(self) -> tuple[int, dict[bytes, bytes]]:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise ValueError("The answer's head is too long.") from error
        first, *lines = head[:-4].split(b"\r\n")
        version, _, rest = first.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise ValueError("The answer is not HTTP/1.")
        pairs = (line.partition(b":") for line in lines)
        headers = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
        if version != b"HTTP/1.1":
            headers.setdefault(b"connection", b"close")
        return int(rest[:3]), headers

    async def _drain(self, status: int, headers: dict[bytes, bytes]) -> bool:
        """Read the body that nobody needs; False when the connection is better closed."""
        if headers.get(b"connection") == b"close":
            return False
        if status in BODILESS:
            return True
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or int(length) > HEAD_LIMIT_BYTES:
            return False
        await self._reader.readexactly(int(length))
        return True


def _message(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    head = [
        f"POST {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        f"Content-Length: {len(body)}",
        "Accept: */*",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(head).encode("ascii") + b"\r\n\r\n" + body
