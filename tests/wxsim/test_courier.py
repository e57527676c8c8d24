"""The small HTTP client behind notifications, against servers that behave in all ways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from wxsim.courier import Courier

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/notify"
    finally:
        listener.close()
        await listener.wait_closed()


async def request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def test_posts_and_keeps_the_connection() -> None:
    seen: list[bytes] = []
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        while True:
            seen.append(await request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with server(serve) as url:
        courier = Courier()
        assert await courier(url, {"X-Name": "v"}, b"one") == 200
        assert await courier(url, {}, b"two") == 200
        courier.close()
    assert len(connections) == 1
    assert seen[0].startswith(b"POST /notify HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Name: v\r\n" in seen[0]
    assert seen[0].endswith(b"\r\n\r\none")


@pytest.mark.parametrize(
    ("answer", "status", "connections"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, 1),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, 2),
        (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 500, 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 2),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", 200, 2),
    ],
)
async def test_only_safe_connections_are_kept(answer: bytes, status: int, connections: int) -> None:
    opened: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        while True:
            await request(reader)
            writer.write(answer)

    async with server(serve) as url:
        courier = Courier()
        assert [await courier(url, {}, b"") for _ in range(2)] == [status, status]
        courier.close()
    assert len(opened) == connections


async def test_a_connection_that_died_idle_is_replaced() -> None:
    opened: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(1)
        await request(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()  # Then it closes without saying so.

    async with server(serve) as url:
        courier = Courier()
        assert [await courier(url, {}, b"") for _ in range(3)] == [204, 204, 204]
        courier.close()
    assert len(opened) == 3


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
async def test_nonsense_is_an_error(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer)

    async with server(serve) as url:
        with pytest.raises((EOFError, ValueError)):
            await Courier()(url, {}, b"")


async def test_nobody_there() -> None:
    with pytest.raises(OSError, match=r"."):
        await Courier()("http://127.0.0.1:1/notify", {}, b"")
