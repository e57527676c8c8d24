"""What a failed run leaves behind: nothing that waits for the garbage collector.

An error holds the frames that it came through, with all that is in their variables.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn
from weakref import WeakSet

import orjson
import pytest
import strawberry
from graphql import GraphQLError

from executor.documents import Documents
from executor.engine import Engine
from executor.fields import BatchInfo, batched
from executor.telling import cause_of
from executor.tracebacks import drop_tracebacks
from executor.trusted import DocumentSource
from tests.executor.calls import GONE, ask, attempt, endpoint, pieces
from tests.executor.sockets import Socket, Stage, stage

pytestmark = pytest.mark.usefixtures("frozen_heap")

Info = strawberry.Info[Any, None]


class Held:
    """Something that a resolver has in a variable."""


held: WeakSet[object] = WeakSet()
"""All there are, of these and of contexts."""


def sink() -> NoReturn:
    here = Held()
    held.add(here)
    raise RuntimeError("The ship sinks.")


def sink_in_a_variable() -> NoReturn:
    error = None
    try:
        sink()
    except RuntimeError as raised:
        error = ValueError("It was a bad day.")
        raise error from raised


async def sink_later(turns: int = 1) -> NoReturn:
    for _ in range(turns):
        await asyncio.sleep(0)
    sink()


@strawberry.type
class Ship:
    name: str

    @strawberry.field
    def flag(self) -> str | None:
        sink()

    @strawberry.field
    async def crew(self, turns: int = 1) -> int | None:
        await sink_later(turns)

    @strawberry.field
    async def anchor(self, turns: int = 1) -> int:
        await sink_later(turns)

    @batched()
    @staticmethod
    async def cargo(ships: Sequence[Ship], info: BatchInfo) -> list[int | None]:
        held.add(info.context)
        await sink_later(turns=len(ships))


@strawberry.type
class Query:
    @strawberry.field
    def calm(self, info: Info) -> str:
        held.add(info.context)
        return "calm"

    @strawberry.field
    def flag(self, info: Info) -> str | None:
        held.add(info.context)
        sink()

    @strawberry.field
    def log(self) -> str | None:
        sink_in_a_variable()

    @strawberry.field
    def order(self) -> str | None:
        here = Held()
        held.add(here)
        raise GraphQLError("Not today.")

    @strawberry.field
    async def crew(self, turns: int = 1) -> int | None:
        await sink_later(turns)

    @strawberry.field
    async def anchor(self, turns: int = 1) -> int:
        await sink_later(turns)

    @strawberry.field
    async def fleet_group(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sink_later())
            group.create_task(sink_later())

    @strawberry.field
    async def fleet_gathered(self) -> int | None:
        await asyncio.gather(sink_later(), sink_later(2))
        return 1

    @strawberry.field
    async def wait(self) -> bool:
        here = Held()
        held.add(here)
        return bool(await asyncio.get_running_loop().create_future())

    @strawberry.field
    def ship(self) -> Ship | None:
        return Ship(name="a")

    @strawberry.field
    def ships(self) -> list[Ship | None]:
        return [Ship(name="a"), Ship(name="b")]


@strawberry.type
class Mutation(Query):
    """The same: root fields are remembered, and replayed."""


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def sunk_at_once(self) -> AsyncGenerator[int, None]:
        for _ in range(1):
            sink()
        yield 1

    @strawberry.subscription
    async def ship(self) -> AsyncGenerator[Ship, None]:
        yield Ship(name="a")

    @strawberry.subscription
    async def sunk_at_sea(self) -> AsyncGenerator[int, None]:
        yield 1
        sink()


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)
SUNK = ("The ship sinks.", "sink")
FAILING = {
    "{ flag }": [SUNK],
    "{ log }": [("It was a bad day.", "sink_in_a_variable")],
    "{ order }": [("Not today.", "order")],
    "{ calm crew later: crew(turns: 2) }": [SUNK, SUNK],
    "{ anchor }": [SUNK],
    "{ anchor later: anchor(turns: 2) }": [SUNK],
    "{ fleetGathered }": [SUNK],
    "{ fleetGroup }": [("unhandled errors in a TaskGroup", "__aexit__")],
    "{ ship { flag crew } }": [SUNK, SUNK],
    "{ ship { cargo } }": [SUNK],
    "{ ship { anchor later: anchor(turns: 3) } }": [SUNK],
    "{ ships { crew } }": [SUNK, SUNK],
    "{ ships { cargo } }": [SUNK, SUNK],
    "{ ships { anchor later: anchor(turns: 3) } }": [SUNK, SUNK],
}
"""Documents, and what is told of each error: its message, and the function that raised it."""
INTERNAL = ("Something went wrong on our side.", "")
FAILING_EVENTS = {
    "{ sunkAtOnce }": [INTERNAL],
    "{ sunkAtSea }": [INTERNAL],
    "{ ship { flag crew } }": [SUNK, SUNK],
}


BOTH_WAYS = pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "graphql-core"])


def tell(error: GraphQLError, _context: object) -> dict[str, Any]:
    """Say where an error comes from."""
    cause = cause_of(error) or error
    frames = traceback.extract_tb(cause.__traceback__)
    return {"message": error.message, "raisedIn": frames[-1].name if frames else ""}


async def everything_due() -> None:
    """Let the loop go round some times: what it has yet to call back holds what that is for."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def no_collection() -> AsyncIterator[None]:
    """Have what is garbage stay, unless nothing holds it."""
    await everything_due()
    gc.collect()
    assert not held
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def documents(*, compiles: bool) -> DocumentSource:
    return DocumentSource(Documents(Engine(SCHEMA, compiles=compiles)))


@BOTH_WAYS
@pytest.mark.parametrize("kind", ["query", "mutation"])
@pytest.mark.parametrize("fields", FAILING)
async def test_a_failed_request_holds_nothing(fields: str, kind: str, *, compiles: bool) -> None:
    app = endpoint(documents=documents(compiles=compiles), tell=tell)
    request = {"query": f"{kind} {fields}"}
    await ask(app, json=request)  # What is made once, is made now.
    async with no_collection():
        answer = await ask(app, json=request)
        await everything_due()
        assert [tuple(error.values()) for error in answer.json["errors"]] == FAILING[fields]
        assert not held


@BOTH_WAYS
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_no_request_holds_its_context(kind: str, *, compiles: bool) -> None:
    app = endpoint(documents=documents(compiles=compiles), tell=tell)
    for fields in ("{ calm }", "{ calm flag }"):
        await ask(app, json={"query": f"{kind} {fields}"})
        async with no_collection():
            answer = await ask(app, json={"query": f"{kind} {fields}"})
            await everything_due()
            assert answer.json["data"]["calm"] == "calm"
            assert not held


@BOTH_WAYS
@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
async def test_a_failed_operation_on_a_socket_holds_nothing(
    kind: str, monkeypatch: pytest.MonkeyPatch, *, compiles: bool
) -> None:
    # pytest keeps what is logged, and with it what we look for.
    monkeypatch.setattr(logging.getLogger("executor.websocket_connection"), "disabled", True)
    async with stage(documents=documents(compiles=compiles), tell=tell) as set_up:
        socket = await set_up.begun()
        failing = FAILING_EVENTS if kind == "subscription" else FAILING
        for fields, expected in failing.items():
            await outcome_of(set_up, socket, f"{kind} {fields}")
            async with no_collection():
                errors = await outcome_of(set_up, socket, f"{kind} {fields}")
                assert [tuple(error.values()) for error in errors] == expected
                assert not held


async def outcome_of(set_up: Stage, socket: Socket, text: str) -> list[dict[str, str]]:
    """Run an operation to its end, and return the errors that were told."""
    socket.subscribe("1", text)
    errors: list[dict[str, str]] = []
    while (heard := await socket.hear())["type"] == "next":
        errors += heard["payload"].get("errors", [])
    errors += heard.get("payload", [])
    await set_up.running(0)
    await everything_due()
    set_up.world.contexts.clear()
    return errors


def test_errors_that_are_yet_to_be_told_keep_their_tracebacks() -> None:
    cause, other = caught(sink), caught(sink)
    told = GraphQLError("told", original_error=caught(sink, of=cause))
    group = caught(sink, of=ExceptionGroup("all", [cause, other]))
    drop_tracebacks([group], but_of=[told])
    assert group.__traceback__ is None
    assert other.__traceback__ is None
    assert cause.__traceback__ is not None
    drop_tracebacks([told])
    assert cause.__traceback__ is None


def caught(function: Callable[[], NoReturn], *, of: Exception | None = None) -> Exception:
    """Return what a function raises; it came of another error."""
    try:
        function()
    except RuntimeError as error:
        error.__cause__ = of
        return error


@BOTH_WAYS
@pytest.mark.parametrize("fields", ["{ wait }", "{ wait also: wait }"])
async def test_what_is_given_up_holds_nothing(fields: str, *, compiles: bool) -> None:
    late = endpoint(documents=documents(compiles=compiles), run_seconds=0)
    left = endpoint(documents=documents(compiles=compiles), looks_after_seconds=0)
    body = orjson.dumps({"query": fields})
    for app, receive, status in ((late, pieces(body), 503), (left, pieces(body, then=GONE), None)):
        async with no_collection():
            answer = await attempt(app, receive=receive)
            await everything_due()
            assert (answer and answer.status) == status
            assert not held
