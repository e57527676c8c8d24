"""A door in front of PostgreSQL that can be slow, shut, or lose the reply to a commit.

What it loses is chosen by a seed. It passes bytes on as they come and reads none of them, but for
the few that say "committed".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65_536
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""CommandComplete of a COMMIT: PostgreSQL has the transaction, the client doesn't know yet."""


class Proxy:
    """Takes connections on a port of 127.0.0.1 and leads them to PostgreSQL."""

    def __init__(self, target: str, seed: int) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._chance = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._loses_every = 0
        self.delay_seconds = 0.0
        """How long every request waits before PostgreSQL sees it."""
        self.is_shut = False
        """Whether connections are refused."""
        self.lost_commits = 0
        """Replies that were lost so far."""

    @property
    def url(self) -> str:
        """Return the database's URL through this door."""
        assert self._server is not None, "it is listening"
        port = self._server.sockets[0].getsockname()[1]
        name = f"{self._target.username}:{self._target.password}@127.0.0.1:{port}"
        return urlunsplit(self._target._replace(netloc=name))

    def lead_to(self, target: str) -> None:
        """Lead new connections to where PostgreSQL answers now."""
        self._target = urlsplit(target)

    def lose_commits(self, every: int) -> None:
        """Lose the reply to about one commit in so many, and its connection; 0 loses none."""
        self._loses_every = every

    def cut(self) -> None:
        """Cut every connection, as a restarted network device does."""
        for writer in list(self._open):
            writer.transport.abort()

    def open_again(self) -> None:
        """Undo whatever was switched on."""
        self.delay_seconds, self.is_shut, self._loses_every = 0.0, False, 0

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        """Take none any more, and end those that there are."""
        assert self._server is not None, "it is listening"
        self._server.close()
        self.cut()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            await self._lead(reader, writer)
        finally:
            self._under_way.discard(task)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            writer.transport.abort()
            return
        try:
            behind = await asyncio.open_connection("127.0.0.1", self._target.port)
        except OSError:
            writer.transport.abort()
            return
        mine = {writer, behind[1]}
        self._open |= mine
        ways = [
            asyncio.create_task(self._forth(reader, behind[1])),
            asyncio.create_task(self._back(behind[0], writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._open -= mine
        for each in mine:
            each.close()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass requests on, late if that is asked for."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(data)
                await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass replies on; ends where a reply to a commit is lost."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self._loses_every and COMMITTED in data and self._loses():
                    self.lost_commits += 1
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()

    def _loses(self) -> bool:
        return self._chance.randrange(self._loses_every) == 0


@asynccontextmanager
async def open_proxy(target: str, *, seed: int = 0) -> AsyncIterator[Proxy]:
    """Have a door in front of a database's URL as long as the block runs."""
    proxy = Proxy(target, seed)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()
