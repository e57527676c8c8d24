"""What a project may say of its sockets: limits, and hooks; and what it may ask of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from graphql import GraphQLError

from executor.asgi import Scope
from executor.operation import Operation
from executor.outcome import Outcome
from executor.telling import masked

PeerT = TypeVar("PeerT")
ContextT = TypeVar("ContextT")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """How much of everything sockets may have."""

    sockets: int = 1_000
    """In one process; whoever comes then is sent away with 503."""
    operations: int = 20
    """At a time on one socket, of all kinds; one more is told RATE_LIMITED."""
    subscriptions: int = 10
    """Of these; one more is told RATE_LIMITED, too."""
    message_bytes: int = 256 * 1_024
    """Of one message. The server below should have the same limit: it reads whole messages."""
    messages_per_second: float = 20.0
    """On average; `message_burst` at once."""
    message_burst: int = 100
    init_seconds: float = 3.0
    """From the opening until a connection_init is acknowledged."""
    keep_alive_seconds: float = 25.0
    """Between pings. Whoever has said nothing from one to the next is gone."""
    idle_seconds: float = 600.0
    """How long a socket may stay open that nothing runs on."""
    check_seconds: float = 5.0
    """Between looks at whether the peer may still be here."""
    send_seconds: float = 10.0
    """How long a slow reader may be in the way of a message."""
    run_seconds: float = 30.0
    """For a query, a mutation, the opening of a subscription, or an event of one."""
    grace_seconds: float = 10.0
    """What running mutations may take to end when their socket has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks(Generic[PeerT, ContextT]):
    """What a project says of its sockets.

    A hook that fails while an operation waits for it ends the operation with INTERNAL, else the
    socket with 4500.
    """

    peer_of: Callable[[Scope, dict[str, Any]], Awaitable[PeerT]]
    """Who opens a socket, by its handshake and the payload of its connection_init.

    A GraphQLError refuses: the socket is closed with 4403 and the error's message.
    """
    context_of: Callable[[PeerT], Awaitable[ContextT]]
    """A new context for each operation, made in the operation's own task."""
    still_valid: Callable[[PeerT], Awaitable[bool]]
    """Whether the peer may still be here: asked before each operation, and between them.

    If not, the socket is closed with 4403; clients connect again, with a new token.
    """
    tell: Callable[[GraphQLError, ContextT | None], Mapping[str, Any]] = masked
    """An error as clients see it."""
    around: Callable[[Operation], AbstractAsyncContextManager[None]] | None = None
    """Makes a block that a query or a mutation runs in, such as one that keeps a connection.

    An event of a subscription has one to itself; its source waits outside.
    """
    while_subscribed: Callable[[ContextT], AbstractContextManager[None]] | None = None
    """Makes a block that a subscription is opened in and lives in; a GraphQLError refuses it."""
    on_run: Callable[[Operation, Outcome, float], None] | None = None
    """Hears of every query and mutation that was run, and of the seconds it took."""


@dataclass(slots=True)
class Tally:
    """What is open and running."""

    sockets: int = 0
    operations: int = 0
    """Of all kinds, subscriptions among them."""
    subscriptions: int = 0
