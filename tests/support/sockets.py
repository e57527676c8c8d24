"""A client of graphql-transport-ws for tests, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE_SECONDS = 20.0
PROTOCOL = Subprotocol("graphql-transport-ws")


class SocketClient:
    """One socket: `await socket.begin(token)`, then `await socket.run(document)`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._count = 0

    async def say(self, message: dict[str, Any] | str | bytes) -> None:
        """Send a message."""
        if isinstance(message, dict):
            message = orjson.dumps(message).decode()
        await self.connection.send(message)

    async def hear(self) -> Any:
        """Return the next message.

        Raises:
            ConnectionClosed: there is none.
        """
        async with asyncio.timeout(PATIENCE_SECONDS):
            return orjson.loads(await self.connection.recv())

    async def begin(self, token: str | None = None) -> None:
        """Initialise the connection, as the member whose access token is given."""
        payload = {} if token is None else {"authorization": f"Bearer {token}"}
        await self.say({"type": "connection_init", "payload": payload})
        assert await self.hear() == {"type": "connection_ack"}

    async def run(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run a query or a mutation; returns its answer, as over HTTP."""
        self._count += 1
        id_ = str(self._count)
        payload = {"query": document, "variables": variables or {}}
        await self.say({"id": id_, "type": "subscribe", "payload": payload})
        told = await self.hear()
        assert told["id"] == id_, told
        if told["type"] == "error":
            return {"errors": told["payload"]}
        answer: dict[str, Any] = told["payload"]
        assert await self.hear() == {"id": id_, "type": "complete"}
        return answer

    async def follow(self, document: str, variables: dict[str, Any] | None = None) -> str:
        """Begin a subscription; returns its id."""
        self._count += 1
        id_ = str(self._count)
        payload = {"query": document, "variables": variables or {}}
        await self.say({"id": id_, "type": "subscribe", "payload": payload})
        return id_

    async def event(self, id_: str) -> Any:
        """Return the data of a subscription's next event, which comes next on the socket."""
        told = await self.hear()
        assert (told["id"], told["type"]) == (id_, "next"), told
        assert "errors" not in told["payload"], told
        return told["payload"]["data"]

    async def refusal(self, id_: str) -> dict[str, Any]:
        """Return the one error that ends a subscription, which comes next on the socket."""
        told = await self.hear()
        assert told["id"] == id_, told
        if told["type"] == "next":  # It was opened and gave nothing (GraphQL, 6.2.3.1).
            assert told["payload"]["data"] is None
            assert await self.hear() == {"id": id_, "type": "complete"}
            told = {"payload": told["payload"]["errors"]}
        [error] = told["payload"]
        return dict(error)

    async def closed(self) -> tuple[int, str]:
        """Wait until the server has closed the socket; return code and reason."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.connection:
                    pass
        code = self.connection.close_code
        assert code is not None
        return code, self.connection.close_reason or ""


@asynccontextmanager
async def open_socket(url: str, **options: Any) -> AsyncIterator[SocketClient]:
    """Open a socket to a server by its HTTP URL; the options are `websockets.connect`'s."""
    address = url.replace("http", "ws", 1) + "/graphql"
    settled = {"subprotocols": [PROTOCOL], "proxy": None, "ping_interval": None}
    async with connect(address, **(settled | options)) as connection:
        yield SocketClient(connection)
