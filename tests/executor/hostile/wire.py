"""A client that sends any bytes, and tells what came back: HTTP, and WebSocket on top."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

PATIENCE_SECONDS = 20.0
CHUNK_BYTES = 1 << 16
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

Seen = tuple[int | str, str]
"""What a client gets to know.

Over HTTP a status, over WebSocket the type of a message or a close code; and with it the first
error's message, else the data, else the reason or the text.
"""

GONE: Seen = ("gone", "")
"""The connection ended without a word."""

SILENT: Seen = ("silent", "")
"""Nothing is said, as it should be."""


class Line:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def write(self, data: bytes) -> None:
        """Write, as far as the server reads; it may have had enough before."""
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(data), CHUNK_BYTES):
                self.writer.write(data[start : start + CHUNK_BYTES])
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self.writer.drain()

    async def reply(self) -> Seen:
        """Return what the next answer says."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = _length(head)
                body = await self.reader.readexactly(length) if length is not None else b""
        except (ConnectionError, asyncio.IncompleteReadError):
            return GONE
        return int(head.split(" ", 2)[1]), summary(body)

    async def upgraded(self, **changed: str) -> Seen | None:
        """Become a socket; return what was said if the server doesn't want that."""
        await self.write(handshake(**changed))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await self.reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                if status == 101:
                    return None
                body = await self.reader.readexactly(_length(head.decode("latin-1")) or 0)
        except (ConnectionError, asyncio.IncompleteReadError):
            return GONE
        return status, summary(body)

    async def say(self, message: bytes | dict[str, Any]) -> None:
        """Send a whole message."""
        payload = orjson.dumps(message) if isinstance(message, dict) else message
        await self.write(frame(TEXT, payload))

    async def hear(self) -> Seen:
        """Return what the next message or close says; pings are passed over."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    opcode, payload = await self._frame()
                    if opcode == CLOSE:
                        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()
                    if opcode == TEXT:
                        return _message(orjson.loads(payload))
        except (ConnectionError, asyncio.IncompleteReadError):
            return GONE

    async def begin(self, **payload: Any) -> None:
        """Open and initialise a socket."""
        refused = await self.upgraded()
        assert refused is None, refused
        await self.say({"type": "connection_init", "payload": payload})
        assert await self.hear() == ("connection_ack", "")

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self.reader.readexactly(2)
        length = second
        if second == 126:
            [length] = struct.unpack("!H", await self.reader.readexactly(2))
        elif second == 127:
            [length] = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(length)


@dataclass(frozen=True, slots=True)
class Target:
    """A server."""

    port: int
    host: str = "127.0.0.1"

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """Connect, and hang up afterwards, whatever was not read."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 24)
        try:
            yield Line(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(self, request: bytes) -> Seen:
        """Send a request over a connection of its own."""
        async with self.line() as line:
            await line.write(request)
            return await line.reply()


def head(start: str = "POST /graphql HTTP/1.1", **headers: str | None) -> bytes:
    """Return the head of a request; None leaves a usual header out."""
    usual: dict[str, str | None] = {
        "host": "mall",
        "content-type": "application/json",
        "accept": "application/graphql-response+json",
    }
    fields = {name.replace("_", "-"): value for name, value in (usual | headers).items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def post(body: bytes, **headers: str | None) -> bytes:
    """Return a whole request."""
    fields: dict[str, str | None] = {"content_length": str(len(body))}
    return head("POST /graphql HTTP/1.1", **(fields | headers)) + body


def handshake(**changed: str) -> bytes:
    """Return a handshake of the protocol."""
    key = base64.b64encode(os.urandom(16)).decode()
    fields = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_key": key,
        "sec_websocket_version": "13",
        "sec_websocket_protocol": "graphql-transport-ws",
        "content_type": None,
        "accept": None,
    }
    return head("GET /graphql HTTP/1.1", **(fields | changed))


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """Return a frame (RFC 6455, section 5.2); the mask is all zeros, which changes nothing."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    flag = 0x80 if masked else 0
    if len(payload) <= 125:
        start = struct.pack("!BB", first, flag | len(payload))
    elif len(payload) < 1 << 16:
        start = struct.pack("!BBH", first, flag | 126, len(payload))
    else:
        start = struct.pack("!BBQ", first, flag | 127, len(payload))
    return start + (b"\0\0\0\0" if masked else b"") + payload


def summary(body: bytes) -> str:
    """Return what an answer says: its first error's message, its data, or its text."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
    return _told(answer)


def _told(answer: Any) -> str:
    if isinstance(answer, dict) and answer.get("errors"):
        return _errors(answer["errors"])
    if isinstance(answer, dict) and "data" in answer:
        return orjson.dumps(answer["data"]).decode()
    return orjson.dumps(answer).decode()


def _errors(errors: list[Any]) -> str:
    codes = {error["extensions"]["code"] for error in errors}
    message: str = errors[0]["message"]
    return message if codes == {"BAD_REQUEST"} else f"{'+'.join(sorted(codes))}: {message}"


def _message(message: dict[str, Any]) -> Seen:
    kind = message["type"]
    if kind == "error":
        return kind, _errors(message["payload"])
    return kind, _told(message["payload"]) if "payload" in message else ""


def _length(head: str) -> int | None:
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return None
