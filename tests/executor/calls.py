"""Requests for tests: a small schema behind the endpoint, and a client without a network.

The client speaks ASGI with the endpoint directly, so a test decides when a body comes in and when
the connection is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types import Info

from executor.asgi import Headers, Message, Receive, Scope
from executor.documents import Documents
from executor.engine import Engine
from executor.http import GraphQLHTTP
from executor.trusted import DocumentSource

RESPONSE_JSON = "application/graphql-response+json"
FAILS_AFTER_SECONDS = 10.0
GONE: Message = {"type": "http.disconnect"}


@dataclass(eq=False)
class World:
    """What resolvers do, and what they have done."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What waits, waits for this."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something waits."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing waits any more."""
    trouble: Exception | None = None
    """What comes of waiting, if anything."""
    done: list[str] = field(default_factory=list)

    async def come_to(self, event: asyncio.Event) -> None:
        """Wait for something that comes soon, or fail."""
        async with asyncio.timeout(FAILS_AFTER_SECONDS):
            await event.wait()

    async def wait(self) -> str:
        self.waiting.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.done.append("cancelled")
            raise
        finally:
            self.over.set()
        if self.trouble is not None:
            raise self.trouble
        self.done.append("waited")
        return "waited"


@dataclass(eq=False)
class Context:
    """The context of one request."""

    world: World
    viewer: str


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    def viewer(self, info: Info[Context, None]) -> str:
        return info.context.viewer

    @strawberry.field
    async def wait(self, info: Info[Context, None]) -> str:
        return await info.context.world.wait()

    @strawberry.field
    def secret(self) -> str | None:
        raise RuntimeError("the secret of the house")

    @strawberry.field
    def refusal(self) -> str:
        raise GraphQLError("Not today.", extensions={"code": "FORBIDDEN"})

    @strawberry.field
    def half_a_pair(self) -> str:
        return "\ud800"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def note(self, info: Info[Context, None], text: str) -> str:
        info.context.world.done.append(text)
        return text

    @strawberry.mutation
    async def wait(self, info: Info[Context, None]) -> str:
        return await info.context.world.wait()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


ENGINE = Engine(strawberry.Schema(Query, Mutation, Subscription))


def endpoint(
    world: World | None = None, *, documents: DocumentSource | None = None, **options: Any
) -> GraphQLHTTP[Context]:
    """Return an endpoint of the small schema; `options` are the endpoint's own."""
    if documents is None:
        documents = DocumentSource(Documents(ENGINE))

    async def context_of(_scope: Scope, headers: Headers) -> Context:
        name = headers.get(b"authorization", b"").decode()
        if name.startswith("refused "):
            code = name.removeprefix("refused ")
            raise GraphQLError("Who are you?", extensions={"code": code})
        if name == "broken":
            raise RuntimeError("the secret of the house")
        here = world or World()
        if name == "slow":
            await here.wait()
        return Context(here, name or "nobody")

    return GraphQLHTTP(documents, context_of, **options)


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def errors(self) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = self.json["errors"]
        assert "data" not in self.json
        return errors


async def ask(
    app: GraphQLHTTP[Context],
    *,
    method: str = "POST",
    json: Any = None,
    body: bytes = b"",
    query_string: bytes = b"",
    headers: dict[str, str] | Iterable[tuple[bytes, bytes]] = (),
    receive: Receive | None = None,
) -> Answer:
    """Send a request and return its answer; a missing one fails the test."""
    answer = await attempt(
        app,
        method=method,
        body=orjson.dumps(json) if json is not None else body,
        query_string=query_string,
        headers=headers,
        receive=receive,
    )
    assert answer is not None
    return answer


async def attempt(
    app: GraphQLHTTP[Context],
    *,
    method: str = "POST",
    body: bytes = b"",
    query_string: bytes = b"",
    headers: dict[str, str] | Iterable[tuple[bytes, bytes]] = (),
    receive: Receive | None = None,
) -> Answer | None:
    """Send a request and return its answer, None if there is none."""
    if isinstance(headers, dict):
        given = {"content-type": "application/json", **headers}
        headers = [(name.encode(), value.encode()) for name, value in given.items() if value]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "query_string": query_string,
        "headers": list(headers) or [(b"content-type", b"application/json")],
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive or pieces(body), send)
    if not sent:
        return None
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [message["type"] for message in rest] == ["http.response.body"]
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    answer = Answer(start["status"], told, rest[0]["body"])
    assert told.get("content-length", "0") == str(len(answer.body))
    return answer


def pieces(*chunks: bytes, ends: bool = True, then: Message | None = None) -> Receive:
    """Return what gives a body in these pieces; then one message more, or nothing ever again.

    Without `ends` the last piece says that more will come.
    """
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": not ends or number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    messages += [then] if then is not None else []

    async def receive() -> Message:
        if not messages:
            await asyncio.get_running_loop().create_future()
        return messages.pop(0)

    return receive
