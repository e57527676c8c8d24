"""/graphql by WebSocket: the executor's sockets, set up for the mall.

A client says who it is in the payload of its connection_init, as it would in a header:

    {"type": "connection_init", "payload": {"authorization": "Bearer <access token>"}}

Without that it is a guest. When the token runs out or its session ends, the socket is closed with
4403: clients take a new token and connect again. So do those whose account a merge has given to
another member: what they follow is that one's now. A member who signs in over a socket is signed in
for that operation alone, and connects again with the token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from prometheus_client import Gauge

from api.addresses import client_address
from api.auth import Authenticator, Viewer
from api.errors import ErrorTelling
from api.figures import OperationTimes
from api.graphql import connection_for
from api.languages import language_of
from executor.asgi import Scope, headers_of
from executor.trusted import DocumentSource
from executor.websocket import GraphQLWebSocket, Hooks, SocketLimits
from models.ids import new_hex_id
from resolvers.common.context import Context
from resolvers.common.errors import ApiError, unauthenticated
from resolvers.common.messages import Language
from settings import Settings

CHECK_SECONDS = 2.0
"""How long a socket may outlive its session; the news of it takes a second more."""

SUBSCRIPTIONS_OF_A_MEMBER = 30
"""In one process, over all sockets of a member: their phone, and a few pages left open."""

open_sockets = Gauge("mall_websocket_sockets", "WebSockets that are open.")
running_operations = Gauge(
    "mall_websocket_operations", "Operations that run on WebSockets, subscriptions among them."
)
running_subscriptions = Gauge(
    "mall_websocket_subscriptions", "Subscriptions that run on WebSockets."
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who opened a socket, and from where."""

    authorization: str | None
    language: Language
    client_ip: str
    member_id: UUID | None
    """Whom the token spoke for; None for a guest."""


class MakeContext(Protocol):
    """Makes the context of an operation."""

    def __call__(
        self,
        viewer: Viewer | None,
        *,
        now: datetime,
        language: Language,
        client_ip: str,
        request_id: str,
    ) -> Context:
        """Say who asks, when, from where, and under which id."""
        ...


class Doorkeeper:
    """Lets peers in, and out when their token no longer holds."""

    def __init__(
        self, settings: Settings, authenticator: Authenticator, make_context: MakeContext
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._make_context = make_context
        self._following: Counter[UUID] = Counter()

    async def peer_of(self, scope: Scope, payload: dict[str, Any]) -> Peer:
        """Return who opens a socket.

        Raises:
            ApiError: UNAUTHENTICATED for a token that doesn't hold.
        """
        authorization = payload.get("authorization")
        if authorization is not None and not isinstance(authorization, str):
            raise unauthenticated()
        viewer = await self._viewer(authorization, datetime.now(UTC))
        return Peer(
            authorization,
            language_of(headers_of(scope)),
            client_address(scope, self._settings.trusted_proxies),
            None if viewer is None else viewer.member_id,
        )

    async def still_valid(self, peer: Peer) -> bool:
        """Tell whether the peer's token still holds, and speaks for the same member."""
        try:
            viewer = await self._viewer(peer.authorization, datetime.now(UTC))
        except ApiError:
            return False
        return peer.member_id == (None if viewer is None else viewer.member_id)

    async def context_of(self, peer: Peer) -> Context:
        """Return the context of one operation, with a request id of its own in its logs."""
        request_id = new_hex_id()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        now = datetime.now(UTC)
        return self._make_context(
            await self._viewer(peer.authorization, now),
            now=now,
            language=peer.language,
            client_ip=peer.client_ip,
            request_id=request_id,
        )

    @contextmanager
    def while_subscribed(self, context: Context) -> Iterator[None]:
        """Count a member's subscriptions. Guests' are refused where they are opened.

        Raises:
            ApiError: RATE_LIMITED when they have too many.
        """
        member_id = context.member_id
        if member_id is None:
            yield
            return
        if self._following[member_id] >= SUBSCRIPTIONS_OF_A_MEMBER:
            maximum = SUBSCRIPTIONS_OF_A_MEMBER
            message = f"At most {maximum} subscriptions of a member run at a time."
            raise ApiError("RATE_LIMITED", message, limit="subscriptions", maximum=maximum)
        self._following[member_id] += 1
        try:
            yield
        finally:
            self._following[member_id] -= 1
            if not self._following[member_id]:
                del self._following[member_id]

    async def _viewer(self, authorization: str | None, now: datetime) -> Viewer | None:
        return await self._authenticator.viewer(authorization, now=now)


def websocket_endpoint(
    settings: Settings,
    documents: DocumentSource,
    authenticator: Authenticator,
    make_context: MakeContext,
) -> GraphQLWebSocket[Peer, Context]:
    """Return the ASGI callable behind /graphql for sockets; its figures are this process's."""
    keeper = Doorkeeper(settings, authenticator, make_context)
    hooks = Hooks(
        peer_of=keeper.peer_of,
        context_of=keeper.context_of,
        still_valid=keeper.still_valid,
        tell=ErrorTelling(debug=settings.debug),
        around=connection_for,
        while_subscribed=keeper.while_subscribed,
        on_run=OperationTimes(documents.operations()),
    )
    limits = SocketLimits(
        sockets=settings.websocket_max_sockets,
        message_bytes=settings.request_max_bytes,
        check_seconds=CHECK_SECONDS,
        run_seconds=settings.request_timeout_seconds,
        grace_seconds=settings.shutdown_grace_seconds,
    )
    endpoint = GraphQLWebSocket(documents, hooks, limits=limits)
    tally = endpoint.tally
    open_sockets.set_function(lambda: tally.sockets)
    running_operations.set_function(lambda: tally.operations)
    running_subscriptions.set_function(lambda: tally.subscriptions)
    return endpoint
