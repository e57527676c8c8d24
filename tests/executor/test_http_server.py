"""The endpoint behind the server that production has, byte by byte on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
import pytest

from cli.embedded.ports import free_port
from tests.executor.calls import FAILS_AFTER_SECONDS, World, endpoint
from tests.support.application import serving

QUERY = orjson.dumps({"query": "{ hello }"})
ANSWER = b'{"data":{"hello":"Hello, you!"}}'
WAITING = orjson.dumps({"query": "{ wait }"})


class Socket:
    """A client that writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, body: bytes = b"", **headers: str) -> None:
        given = {"host": "mall", "content-type": "application/json", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
        head = "\r\n".join(["POST /graphql HTTP/1.1", *lines, "", ""])
        self.writer.write(head.encode() + body)

    async def hear(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer."""
        async with asyncio.timeout(FAILS_AFTER_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.splitlines()[:-1]
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers, body

    async def has_ended(self) -> bool:
        async with asyncio.timeout(FAILS_AFTER_SECONDS):
            return await self.reader.read() == b""


@asynccontextmanager
async def open_socket(world: World | None = None, **options: Any) -> AsyncIterator[Socket]:
    """Serve an endpoint for one client."""
    port = free_port()
    async with serving(cast("Any", endpoint(world, **options)), port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield Socket(reader, writer)
        finally:
            writer.close()


async def test_one_connection_asks_many_times() -> None:
    async with open_socket() as socket:
        for _ in range(3):
            socket.ask(QUERY, content_length=str(len(QUERY)))
            status, headers, body = await socket.hear()
            assert (status, body) == (200, ANSWER)
            assert headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("sent", [b"", QUERY[:-1]], ids=["nothing", "all but one"])
async def test_a_slow_body_is_cut(sent: bytes) -> None:
    async with open_socket(body_seconds=0.05) as socket:
        socket.ask(sent, content_length=str(len(QUERY)))
        status, headers, _ = await socket.hear()
        assert (status, headers["connection"]) == (408, "close")
        assert await socket.has_ended()


async def test_a_body_that_trickles_gets_no_more_time() -> None:
    async with open_socket(body_seconds=0.1) as socket:
        socket.ask(content_length="100000")
        answering = asyncio.create_task(socket.hear())
        while not answering.done():
            socket.writer.write(b" ")
            await asyncio.wait([answering], timeout=0.01)
        assert (await answering)[0] == 408


async def test_an_endless_body_is_cut() -> None:
    async with open_socket(max_body_bytes=1_000) as socket:
        socket.ask(b"400\r\n" + b" " * 0x400 + b"\r\n", transfer_encoding="chunked")
        status, headers, _ = await socket.hear()
        assert (status, headers["connection"]) == (413, "close")
        assert await socket.has_ended()


async def test_a_connection_outlives_a_body_that_said_it_is_too_large() -> None:
    async with open_socket(max_body_bytes=1_000) as socket:
        socket.ask(content_length="10000000")
        assert (await socket.hear())[0] == 413
        for _ in range(100):
            socket.writer.write(b" " * 100_000)
            await socket.writer.drain()
        socket.ask(QUERY, content_length=str(len(QUERY)))
        assert (await socket.hear())[2] == ANSWER


async def test_a_query_ends_when_its_client_hangs_up() -> None:
    world = World()
    async with open_socket(world, looks_after_seconds=0) as socket:
        socket.ask(WAITING, content_length=str(len(WAITING)))
        await world.come_to(world.waiting)
        socket.writer.close()
        await world.come_to(world.over)
    assert world.done == ["cancelled"]


async def test_a_client_that_stays_is_answered_however_often_it_is_looked_after() -> None:
    world = World()
    async with open_socket(world, looks_after_seconds=0) as socket:
        socket.ask(WAITING, content_length=str(len(WAITING)))
        await world.come_to(world.waiting)
        world.gate.set()
        assert (await socket.hear())[2] == b'{"data":{"wait":"waited"}}'
        socket.ask(QUERY, content_length=str(len(QUERY)))
        assert (await socket.hear())[2] == ANSWER
