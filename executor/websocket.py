"""GraphQL over WebSocket as a plain ASGI callable: graphql-transport-ws, and nothing older.

Queries, mutations and subscriptions run on a socket, through the same documents and the same guard
as over HTTP. A client names itself in the payload of `connection_init`, not by a cookie: browsers
let any page open a socket to any server and send that server's cookies along, but no page can make
up another's token. So the Origin isn't looked at.
"""

from __future__ import annotations

import asyncio
from typing import Generic

import orjson

from executor.asgi import Receive, Scope, Send
from executor.trusted import DocumentSource
from executor.websocket_connection import Connection
from executor.websocket_messages import SUBPROTOCOL, Close, CloseCode, Goodbye
from executor.websocket_options import ContextT, Hooks, PeerT, SocketLimits, Tally

__all__ = ["Close", "CloseCode", "GraphQLWebSocket", "Hooks", "SocketLimits", "Tally"]

_RETRY_AFTER_SECONDS = 5
_DENIAL = "websocket.http.response"
"""The extension of ASGI by which a server answers a handshake with HTTP ("Denial Response")."""


class GraphQLWebSocket(Generic[PeerT, ContextT]):
    """Serves sockets: mount it at a path, it looks at none.

    `tally` says what is open and running. On the way down, `close` ends all sockets so that their
    clients come back to another process.
    """

    def __init__(
        self,
        documents: DocumentSource,
        hooks: Hooks[PeerT, ContextT],
        *,
        limits: SocketLimits | None = None,
    ) -> None:
        self.limits = limits or SocketLimits()
        self.tally = Tally()
        self._documents = documents
        self._hooks = hooks
        self._connections: dict[Connection[PeerT, ContextT], asyncio.Task[None]] = {}
        self._is_closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it ends."""
        event = await receive()
        if event["type"] != "websocket.connect":
            return
        if self._is_closing or self.tally.sockets >= self.limits.sockets:
            await _send_away(scope, send)
        elif SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await _close(send, CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(
            scope,
            receive,
            send,
            documents=self._documents,
            hooks=self._hooks,
            limits=self.limits,
            tally=self.tally,
        )
        task = asyncio.current_task()
        assert task is not None
        self._connections[connection] = task
        self.tally.sockets += 1
        try:
            await connection.serve()
        finally:
            self.tally.sockets -= 1
            del self._connections[connection]

    async def close(self) -> None:
        """Close every socket with 1012, take no more, and wait until all have ended."""
        self._is_closing = True
        serving = list(self._connections.values())
        for connection in self._connections:
            connection.end(Goodbye(CloseCode.SERVICE_RESTART, "Service restart"))
        if serving:
            await asyncio.wait(serving)


async def _send_away(scope: Scope, send: Send) -> None:
    """Ask a client to come later: with 503 where the server can, else with 1013."""
    if _DENIAL not in scope.get("extensions", {}):
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        await _close(send, CloseCode.TRY_AGAIN_LATER, "Try again later")
        return
    error = {"message": "Too many sockets are open.", "extensions": {"code": "RATE_LIMITED"}}
    body = orjson.dumps({"errors": [error]})
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"%d" % _RETRY_AFTER_SECONDS),
    ]
    await send({"type": f"{_DENIAL}.start", "status": 503, "headers": headers})
    await send({"type": f"{_DENIAL}.body", "body": body})


async def _close(send: Send, code: CloseCode, reason: str) -> None:
    await send({"type": "websocket.close", "code": int(code), "reason": reason})
