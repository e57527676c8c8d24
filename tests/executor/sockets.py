"""Sockets for tests: a small schema with subscriptions, and a client without a network.

The client speaks ASGI with the endpoint directly, so a test decides what a server would: when a
message is taken, and when a reader is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError

from executor.asgi import Message, Scope
from executor.documents import Documents
from executor.engine import Engine
from executor.limits import Limits
from executor.operation import Operation
from executor.outcome import Outcome
from executor.telling import masked
from executor.trusted import DocumentSource
from executor.websocket import GraphQLWebSocket, Hooks, SocketLimits

PATIENCE_SECONDS = 10.0
"""What a test waits for something that comes at once; it fails after that."""

PATIENT = SocketLimits(init_seconds=60, keep_alive_seconds=60, check_seconds=60, send_seconds=60)
"""Nothing falls due by itself in the time of a test."""


@dataclass
class World:
    """What resolvers and hooks do, and what they have done."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What waits, waits for this."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something waits."""
    done: list[str] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    runs: list[tuple[str | None, str]] = field(default_factory=list)
    """What `around` and `on_run` heard, by the operation's name."""
    revoked: set[str] = field(default_factory=set)
    events: int = 0
    following: int = 0
    """Subscriptions that live."""

    async def wait(self) -> None:
        self.waiting.set()
        await self.gate.wait()


@dataclass(eq=False)
class Context:
    """The context of one operation."""

    world: World
    peer: str


Info = strawberry.Info[Context, None]


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, info: Info, name: str = "world") -> str:
        return f"Hello, {name}! This is {info.context.peer}."

    @strawberry.field
    async def slow(self, info: Info) -> str:
        try:
            await info.context.world.wait()
        except asyncio.CancelledError:
            info.context.world.done.append("slow was cancelled")
            raise
        return "at last"

    @strawberry.field
    def broken(self) -> str:
        raise RuntimeError("a secret of the server")

    @strawberry.field
    def huge(self) -> strawberry.scalars.JSON:
        return strawberry.scalars.JSON(2**70)  # orjson writes 64 bits.


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: Info, what: str) -> str:
        info.context.world.done.append(what)
        return what

    @strawberry.mutation
    async def write_slowly(self, info: Info, what: str) -> str:
        await info.context.world.wait()
        info.context.world.done.append(what)
        return what


@strawberry.type
class Tick:
    number: int

    @strawberry.field
    async def slow(self, info: Info) -> str:
        await info.context.world.wait()
        return "at last"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, upto: int) -> AsyncGenerator[Tick, None]:
        try:
            for number in range(1, upto + 1):
                yield Tick(number=number)
        finally:
            info.context.world.done.append("ticks is closed")

    @strawberry.subscription
    async def opens_slowly(self, info: Info) -> AsyncGenerator[int, None]:
        await info.context.world.wait()
        return _numbers(info.context.world, 1)

    @strawberry.subscription
    async def count(self, info: Info, upto: int) -> AsyncGenerator[int, None]:
        return _numbers(info.context.world, upto)

    @strawberry.subscription
    async def bulk(self, info: Info, upto: int) -> AsyncGenerator[str, None]:
        for _ in range(upto):
            info.context.world.events += 1
            yield "x" * 100_000

    @strawberry.subscription
    async def watch(self, info: Info, name: str = "watch") -> AsyncGenerator[str, None]:
        try:
            yield "open"
            await info.context.world.wait()
            yield "gate"
        finally:
            info.context.world.done.append(f"{name} is closed")

    @strawberry.subscription
    async def fail(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError("a secret of the server")

    @strawberry.subscription
    async def refuse(self) -> AsyncGenerator[int, None]:
        for _ in range(1):
            raise GraphQLError("Not for you.", extensions={"code": "FORBIDDEN"})
        yield 1


async def _numbers(world: World, upto: int) -> AsyncGenerator[int, None]:
    for number in range(1, upto + 1):
        world.events += 1
        yield number


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


@dataclass
class Doorkeeper:
    """The hooks: peers name themselves, and some names mean trouble."""

    world: World

    async def peer_of(self, scope: Scope, payload: dict[str, Any]) -> str:
        """Let in who isn't called mallory; a sloth waits for the gate."""
        name = str(payload.get("name", "nobody"))
        if name == "mallory":
            raise GraphQLError("Not you.")
        if name == "bug":
            raise RuntimeError("a secret of the server")
        if name == "sloth":
            await self.world.wait()
        return name

    async def context_of(self, peer: str) -> Context:
        """Make a context, but for the homeless and for strangers."""
        if peer == "homeless":
            raise RuntimeError("a secret of the server")
        if peer == "stranger":
            raise GraphQLError("Please sign in first.", extensions={"code": "UNAUTHENTICATED"})
        self.world.contexts.append(Context(self.world, peer))
        return self.world.contexts[-1]

    async def still_valid(self, peer: str) -> bool:
        """Let those stay who weren't revoked."""
        if peer == "crash":
            raise RuntimeError("a secret of the server")
        return peer not in self.world.revoked

    @contextlib.asynccontextmanager
    async def around(self, operation: Operation) -> AsyncIterator[None]:
        """Write down what a named operation runs in."""
        if operation.name is not None:
            self.world.runs.append((operation.name, "begins"))
        yield
        if operation.name is not None:
            self.world.runs.append((operation.name, "ends"))

    @contextlib.contextmanager
    def while_subscribed(self, context: Context) -> Iterator[None]:
        """Count those who follow something; the greedy may not."""
        if context.peer == "greedy":
            raise GraphQLError("Enough.", extensions={"code": "RATE_LIMITED"})
        self.world.following += 1
        try:
            yield
        finally:
            self.world.following -= 1

    def on_run(self, operation: Operation, outcome: Outcome, seconds: float) -> None:
        """Write down what was run."""
        self.world.runs.append((operation.name, "was run" if outcome.was_run else "was not run"))


def endpoint_of(
    world: World,
    limits: SocketLimits = PATIENT,
    *,
    documents: DocumentSource | None = None,
    tell: Callable[[GraphQLError, object], Mapping[str, Any]] = masked,
) -> GraphQLWebSocket[str, Context]:
    """Return an endpoint over the small schema, or over that of the documents."""
    keeper = Doorkeeper(world)
    hooks = Hooks(
        peer_of=keeper.peer_of,
        context_of=keeper.context_of,
        still_valid=keeper.still_valid,
        tell=tell,
        around=keeper.around,
        while_subscribed=keeper.while_subscribed,
        on_run=keeper.on_run,
    )
    if documents is None:
        documents = DocumentSource(Documents(Engine(SCHEMA), Limits()))
    return GraphQLWebSocket(documents, hooks, limits=limits)


class Socket:
    """A client. What the endpoint sends waits in it; when `reads` is clear, nothing is taken."""

    def __init__(self, *, subprotocols: list[str] | None = None, **scope: Any) -> None:
        self.reads = asyncio.Event()
        self.reads.set()
        self.scope: Scope = {
            "type": "websocket",
            "path": "/graphql",
            "headers": [],
            "subprotocols": ["graphql-transport-ws"] if subprotocols is None else subprotocols,
            "extensions": {"websocket.http.response": {}},
            **scope,
        }
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._is_gone = False

    async def receive(self) -> Message:
        """Stand for the server's `receive`."""
        return await self._inbox.get()

    async def send(self, message: Message) -> None:
        """Stand for the server's `send`: it takes nothing while the reader is slow."""
        await self.reads.wait()
        if self._is_gone:
            raise OSError("the client has gone")
        await self._outbox.put(message)

    def say(self, message: dict[str, Any] | str | bytes) -> None:
        """Send a message to the endpoint."""
        if isinstance(message, dict):
            message = orjson.dumps(message).decode()
        kind = "text" if isinstance(message, str) else "bytes"
        self._inbox.put_nowait({"type": "websocket.receive", kind: message})

    def subscribe(self, id_: str, query: str, **members: Any) -> None:
        """Ask for an operation."""
        self.say({"id": id_, "type": "subscribe", "payload": {"query": query, **members}})

    def complete(self, id_: str) -> None:
        """Want no more of an operation."""
        self.say({"id": id_, "type": "complete"})

    def leave(self, code: int = 1000) -> None:
        """Close the socket from the client's side."""
        self._is_gone = True
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": code})

    async def event(self) -> Message:
        """Return the next event of the endpoint, as ASGI has it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._outbox.get()

    async def hear(self) -> Any:
        """Return the next message of the endpoint."""
        event = await self.event()
        assert event["type"] == "websocket.send", event
        return orjson.loads(event["text"])

    async def pong(self) -> None:
        """Ask for a pong, which comes next: whatever was said before has been taken by then."""
        self.say({"type": "ping"})
        assert await self.hear() == {"type": "pong"}

    async def closed(self) -> tuple[int, str]:
        """Return code and reason of the close, which comes next."""
        event = await self.event()
        assert event["type"] == "websocket.close", event
        return event["code"], event["reason"]

    @property
    def silence(self) -> bool:
        """Whether all that the endpoint has sent was heard."""
        return self._outbox.empty()

    def knock(self) -> None:
        """Open the socket, whatever comes of it."""
        self._inbox.put_nowait({"type": "websocket.connect"})


@dataclass
class Stage:
    """An endpoint, and the sockets that a test opens to it."""

    world: World
    endpoint: GraphQLWebSocket[str, Context]
    sockets: list[tuple[Socket, asyncio.Task[None]]] = field(default_factory=list)

    def open(self, **scope: Any) -> Socket:
        """Return a socket that the endpoint has begun to serve."""
        socket = Socket(**scope)
        serving = self.endpoint(socket.scope, socket.receive, socket.send)
        self.sockets.append((socket, asyncio.ensure_future(serving)))
        return socket

    async def begun(self, name: str = "alice") -> Socket:
        """Return an initialised socket."""
        socket = self.open()
        socket.knock()
        assert (await socket.event())["type"] == "websocket.accept"
        socket.say({"type": "connection_init", "payload": {"name": name}})
        assert await socket.hear() == {"type": "connection_ack"}
        return socket

    async def served(self, socket: Socket) -> None:
        """Wait until the endpoint is through with a socket."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.serving(socket)

    async def running(self, number: int) -> None:
        """Wait until so many operations run."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.endpoint.tally.operations != number:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)

    def serving(self, socket: Socket) -> asyncio.Task[None]:
        """Return the task that serves a socket."""
        [task] = [task for opened, task in self.sockets if opened is socket]
        return task


@contextlib.asynccontextmanager
async def stage(
    *,
    documents: DocumentSource | None = None,
    tell: Callable[[GraphQLError, object], Mapping[str, Any]] = masked,
    **limits: Any,
) -> AsyncIterator[Stage]:
    """Set up an endpoint; afterwards all sockets leave, and no task of theirs may be left."""
    before = asyncio.all_tasks()
    world = World()
    endpoint = endpoint_of(world, replace(PATIENT, **limits), documents=documents, tell=tell)
    set_up = Stage(world, endpoint)
    yield set_up
    for socket, serving in set_up.sockets:
        if not serving.done():
            socket.reads.set()
            socket.leave()
    world.gate.set()
    for socket, serving in set_up.sockets:
        if not serving.cancelled():
            await set_up.served(socket)
    assert asyncio.all_tasks() <= before
    tally = set_up.endpoint.tally
    assert (tally.sockets, tally.operations, tally.subscriptions) == (0, 0, 0)
    assert world.following == 0
