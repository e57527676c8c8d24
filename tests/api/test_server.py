"""What uvicorn doesn't bound, and our protocols do: on real sockets, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from api import server
from cli.embedded.ports import free_port
from tests.support.application import serving

PATIENCE_SECONDS = 20.0
BIG = 4_000_000
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)
ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
NO_MASK = b"\0\0\0\0"


@dataclass
class App:
    """Answers a request with its body's length when told to, and listens to sockets."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    asked: int = 0
    heard: list[Any] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self._talk if scope["type"] == "websocket" else self._answer)(receive, send)

    async def _answer(self, receive: Any, send: Any) -> None:
        self.asked += 1
        await self.gate.wait()
        headers = [(b"content-length", b"2"), *self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def _talk(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        with contextlib.suppress(OSError):
            while True:
                message = await receive()
                self.heard.append(message.get("text", message.get("code")))
                if message["type"] == "websocket.disconnect":
                    break
                if message.get("text") == "talk":
                    while True:
                        await send({"type": "websocket.send", "text": "x" * 100_000})
        self.ended.set()


@dataclass
class Client:
    """A connection, as raw as it can be."""

    app: App
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        """Write, as far as the server reads."""
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.writer.drain()

    async def status(self) -> bytes:
        """Return the status line of the next answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.reader.readline()).strip()

    async def upgrade(self) -> None:
        """Become a socket."""
        await self.say(HANDSHAKE)
        assert await self.status() == b"HTTP/1.1 101 Switching Protocols"
        await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Read until the server ends the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()

    async def flood(self, piece: bytes, size: int) -> None:
        """Write so much."""
        for _ in range(size // len(piece)):
            await self.say(piece)


@pytest.fixture
async def connect() -> AsyncIterator[Any]:
    app = App()
    bounded = {"http": server.BoundedHTTP, "ws": server.BoundedWebSocket}
    writers: list[asyncio.StreamWriter] = []
    port = free_port()

    async def open_connection() -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return Client(app, reader, writer)

    async with serving(app, port, **bounded):
        yield open_connection
        app.gate.set()
        for writer in writers:
            writer.close()


async def test_an_honest_request_is_answered(connect: Any) -> None:
    client = await connect()
    client.app.gate.set()
    for _ in range(2):
        await client.say(ASK)
        assert await client.status() == b"HTTP/1.1 200 OK"
        await client.reader.readuntil(b"ok")


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET / HTTP/1.1\r\n", b"name: value\r\n" * 1_000),
        (b"GET / HTTP/1.1\r\nname: ", b"v" * 10_000),
        (b"GET /", b"u" * 10_000),
        (b"GET / HTTP/1.1\r\n", b"n" * 10_000),
    ],
    ids=["headers", "value", "url", "name"],
)
async def test_a_head_has_an_end(connect: Any, start: bytes, piece: bytes) -> None:
    client = await connect()
    await client.say(start)
    await client.flood(piece, 100_000)
    assert await client.status() == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert client.app.asked == 0


@pytest.mark.parametrize(
    "head",
    [
        ASK[:-2] + b"name: value\r\n" * 100 + b"\r\n",
        ASK[:-2] + b"name: " + b"v" * 33_000 + b"\r\n\r\n",
        b"GET /" + b"u" * 33_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["headers", "value", "url"],
)
async def test_a_head_that_comes_at_once_has_no_other_limit(connect: Any, head: bytes) -> None:
    client = await connect()
    await client.say(head)
    assert await client.status() == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert client.app.asked == 0


async def test_a_decent_head_is_taken(connect: Any) -> None:
    client = await connect()
    client.app.gate.set()
    await client.say(ASK[:-2] + b"name: " + b"v" * 300 + b"\r\n")
    await client.say(b"name: value\r\n" * 98 + b"\r\n")
    assert await client.status() == b"HTTP/1.1 200 OK"


async def test_what_is_no_http_is_told_so(connect: Any) -> None:
    client = await connect()
    await client.say(b"\x16\x03\x01 hello\r\n\r\n")
    assert await client.status() == b"HTTP/1.1 400 Bad Request"
    assert (await client.rest()).endswith(b"Invalid HTTP request received.")


@pytest.mark.parametrize("begun", [b"", b"GET / HT"], ids=["nothing", "a part"])
async def test_a_head_has_a_time(
    connect: Any, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)
    client = await connect()
    await client.say(begun)
    assert await client.status() == (b"HTTP/1.1 408 Request Timeout" if begun else b"")
    assert client.app.asked == 0


async def test_a_body_that_goes_on_after_its_answer_has_a_time(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect()
    client.app.gate.set()
    await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
    assert await client.status() == b"HTTP/1.1 200 OK"
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)
    await client.say(b"x")
    assert (await client.rest()).endswith(b"\r\n\r\nok")


async def test_only_a_few_requests_wait_on_a_connection(connect: Any) -> None:
    client = await connect()
    await client.say(ASK * 1_000)
    client.app.gate.set()
    told = await client.rest()
    assert told.count(b"HTTP/1.1 200 OK") == client.app.asked == 1 + server.MAX_PIPELINED
    assert b"connection: close" in told


async def test_what_follows_a_request_does_not_cost_its_answer(connect: Any) -> None:
    client = await connect()
    await client.say(ASK + b"no HTTP\r\n\r\n")
    client.app.gate.set()
    assert await client.status() == b"HTTP/1.1 200 OK"
    assert (await client.rest()).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("chunk", [b"xyz\r\n", b"1\r\nxxxx\r\n", b"f" * 20 + b"\r\nx"])
async def test_a_body_that_is_none_is_told_so(connect: Any, chunk: bytes) -> None:
    client = await connect()
    await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    await client.say(chunk)
    assert await client.status() == b"HTTP/1.1 400 Bad Request"
    assert (await client.rest()).endswith(b"\r\n\r\nInvalid HTTP request received.")


async def test_an_answer_before_the_end_of_the_body_arrives(connect: Any) -> None:
    client = await connect()
    client.app.gate.set()
    client.app.headers = [(b"connection", b"close")]
    await client.say(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n")
    await client.flood(b"x" * 10_000, BIG)
    assert await client.status() == b"HTTP/1.1 200 OK"
    assert (await client.rest()).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("frames", "code"),
    [(bytes((0x81, 0xFF)) + b"\x7f" * 8 + NO_MASK, 1009), (b"\x83\x80" + NO_MASK, 1002)],
    ids=["too large", "no opcode"],
)
async def test_a_close_arrives_before_everything_was_read(
    connect: Any, frames: bytes, code: int
) -> None:
    client = await connect()
    await client.upgrade()
    await client.say(frames)
    await client.flood(b"x" * 10_000, BIG)
    told = await client.rest()
    assert told[0] == 0x88
    assert int.from_bytes(told[2:4], "big") == code
    assert client.app.heard == [code]


async def test_a_handshake_that_is_too_large_is_told_so(connect: Any) -> None:
    client = await connect()
    await client.say(HANDSHAKE[:-2] + b"x: " + b"y" * 20_000 + b"\r\n\r\n")
    assert await client.status() == b"HTTP/1.1 431 Request Header Fields Too Large"
    await client.rest()


async def test_a_reader_who_does_not_read_is_left_in_the_end(
    connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.05)
    client = await connect()
    await client.upgrade()
    await client.say(_frame(0x81, b"talk"))
    client.writer.transport.pause_reading()
    client.app.ended.clear()
    # The server's side is full and the client's is, too: only the linger ends it.
    await client.say(_frame(0x88, b"\x03\xe8"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.app.ended.wait()


def _frame(first: int, payload: bytes = b"") -> bytes:
    assert len(payload) <= 125
    return bytes((first, 0x80 | len(payload))) + NO_MASK + payload


async def test_a_message_may_come_in_parts(connect: Any) -> None:
    client = await connect()
    await client.upgrade()
    parts = [_frame(0x01, b"a"), *[_frame(0x00, b"b")] * 100, _frame(0x80, b"c")]
    await client.say(b"".join(parts) + _frame(0x88, b"\x03\xe8"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.app.ended.wait()
    assert client.app.heard == ["a" + "b" * 100 + "c", 1000]


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (_frame(0x01), _frame(0x00)),
        (b"", _frame(0x89)),
        (b"", _frame(0x89, b"p" * 125)),
        (b"", _frame(0x8A)),
    ],
    ids=["empty parts", "pings", "long pings", "pongs"],
)
async def test_small_frames_come_at_a_rate(connect: Any, start: bytes, piece: bytes) -> None:
    client = await connect()
    await client.upgrade()
    await client.say(start)
    await client.flood(piece * 1_000, BIG)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.app.ended.wait()
    assert client.app.heard == [1008]


async def test_pings_are_answered_once_the_client_reads(connect: Any) -> None:
    client = await connect()
    await client.upgrade()
    for number in range(3):
        await client.say(_frame(0x89, b"%d" % number))
    assert await client.reader.readexactly(9) == b"\x8a\x010\x8a\x011\x8a\x012"
