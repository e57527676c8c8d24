"""Mutations: whatever goes wrong in compiled code, each root field has its effect once.

Every test runs both ways; `both` engines have to agree with what is written here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import strawberry
from graphql import parse

from executor.engine import Engine
from executor.operation import PATIENCE, PAUSE, Operation

Info = strawberry.Info["Ledger", None]


@dataclass
class Ledger:
    """The context: what was booked, and how far a booking gets before it waits for good."""

    booked: list[str] = field(default_factory=list)
    holds_at: str = ""
    held: asyncio.Event = field(default_factory=asyncio.Event)

    async def book(self, what: str) -> None:
        self.booked.append(what)
        if what == self.holds_at:
            self.held.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


@strawberry.type
class Receipt:
    """What a booking answers."""

    what: str
    copies: int

    @strawberry.field
    async def so_far(self, info: Info) -> list[str]:
        """Read what is booked by now."""
        await asyncio.sleep(0)
        return list(info.context.booked)

    @strawberry.field
    def torn(self) -> int:
        raise ValueError(f"{self.what} is torn")

    @strawberry.field
    async def lost(self, info: Info) -> str | None:
        await asyncio.sleep(0)
        raise ValueError(f"{self.what} is lost")


@strawberry.type
class Query:
    """A root that must be there."""

    @strawberry.field
    def nothing(self) -> None:
        return None


@strawberry.type
class Mutation:
    """Bookings: at once and later, that fail before and after their effect."""

    @strawberry.mutation
    def book(self, info: Info, what: str) -> Receipt | None:
        info.context.booked.append(what)
        return Receipt(what=what, copies=1)

    @strawberry.mutation
    async def book_later(self, info: Info, what: str) -> Receipt:
        await info.context.book(what)
        return Receipt(what=what, copies=1)

    @strawberry.mutation
    async def book_badly(self, info: Info, what: str) -> Receipt | None:
        await info.context.book(what)
        return Receipt(what=what, copies=cast("int", None))

    @strawberry.mutation
    async def refuse(self, info: Info, what: str) -> Receipt | None:
        await info.context.book(what)
        raise PermissionError(f"no {what}")

    @strawberry.mutation
    async def refuse_strictly(self, info: Info, what: str) -> Receipt:
        await info.context.book(what)
        raise PermissionError(f"no {what}")

    @strawberry.mutation
    async def vanish(self, info: Info, what: str) -> Receipt:
        await info.context.book(what)
        return cast("Receipt", None)


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation)
both = pytest.mark.parametrize("compiles", [True, False], ids=["compiled", "graphql-core"])


def operation(document: str, *, compiles: bool) -> Operation:
    return Engine(SCHEMA, compiles=compiles).operation(parse(document))


async def answer(document: str, *, compiles: bool) -> tuple[Any, list[Any], list[str]]:
    """Return data, errors as (path, message), and what was booked."""
    ledger = Ledger()
    outcome = await operation(document, compiles=compiles).run(context=ledger)
    errors = [(error.path, error.message) for error in outcome.errors or ()]
    return outcome.data, errors, ledger.booked


@both
async def test_a_field_of_the_answer_fails(compiles: bool) -> None:
    document = '{ a: bookLater(what: "a") { what lost } b: book(what: "b") { what torn } }'
    data, errors, booked = await answer(f"mutation {document}", compiles=compiles)
    assert data == {"a": {"what": "a", "lost": None}, "b": None}
    assert errors == [(["a", "lost"], "a is lost"), (["b", "torn"], "b is torn")]
    assert booked == ["a", "b"]


@both
async def test_the_answer_holds_a_null_where_none_may_be(compiles: bool) -> None:
    document = 'mutation { a: bookBadly(what: "a") { copies } b: book(what: "b") { copies } }'
    data, errors, booked = await answer(document, compiles=compiles)
    assert data == {"a": None, "b": {"copies": 1}}
    message = "Cannot return null for non-nullable field Receipt.copies."
    assert errors == [(["a", "copies"], message)]
    assert booked == ["a", "b"]


@both
async def test_the_second_of_three_is_refused(compiles: bool) -> None:
    document = """mutation {
      a: bookLater(what: "a") { what } b: refuse(what: "b") { what } c: book(what: "c") { what }
    }"""
    data, errors, booked = await answer(document, compiles=compiles)
    assert data == {"a": {"what": "a"}, "b": None, "c": {"what": "c"}}
    assert errors == [(["b"], "no b")]
    assert booked == ["a", "b", "c"]


@both
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("refuseStrictly", "no b"),
        ("vanish", "Cannot return null for non-nullable field Mutation.vanish."),
    ],
)
async def test_nothing_runs_after_one_that_must_be_and_is_not(
    name: str, message: str, compiles: bool
) -> None:
    first, last = 'a: bookLater(what: "a") { what }', 'c: book(what: "c") { what }'
    document = f'mutation {{ {first} b: {name}(what: "b") {{ what }} {last} }}'
    data, errors, booked = await answer(document, compiles=compiles)
    assert data is None
    assert errors == [(["b"], message)]
    assert booked == ["a", "b"]


@both
async def test_an_answer_tells_of_its_own_time_whatever_fails_later(compiles: bool) -> None:
    document = """mutation {
      a: book(what: "a") { soFar } b: bookLater(what: "b") { soFar } c: refuse(what: "c") { what }
    }"""
    data, _, booked = await answer(document, compiles=compiles)
    assert data == {"a": {"soFar": ["a"]}, "b": {"soFar": ["a", "b"]}, "c": None}
    assert booked == ["a", "b", "c"]


HELD = """mutation {
  a: bookLater(what: "a") { what } b: bookLater(what: "b") { what } c: bookLater(what: "c") { what }
}"""


@both
async def test_a_cancelled_run_does_nothing_more(compiles: bool) -> None:
    ledger = Ledger(holds_at="b")
    running = operation(HELD, compiles=compiles)
    task = asyncio.ensure_future(running.run(context=ledger))
    await ledger.held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ledger.booked == ["a", "b"]
    assert running.figures.fallbacks == 0
    assert running.figures.interpreted == (0 if compiles else 1)


@both
async def test_a_run_that_is_given_no_more_time_does_nothing_more(compiles: bool) -> None:
    ledger = Ledger(holds_at="b")
    running = operation(HELD, compiles=compiles)

    async def run_until_held() -> None:
        async with asyncio.timeout(None) as limit:
            held = asyncio.ensure_future(ledger.held.wait())
            held.add_done_callback(lambda _: limit.reschedule(0))
            await running.run(context=ledger)

    with pytest.raises(TimeoutError):
        await run_until_held()
    assert ledger.booked == ["a", "b"]
    assert running.figures.fallbacks == 0
    assert running.figures.interpreted == (0 if compiles else 1)


async def test_an_operation_that_always_falls_back_stops_trying() -> None:
    running = operation('mutation { refuse(what: "a") { what } }', compiles=True)
    ledger = Ledger()
    runs = PATIENCE + PAUSE
    for _ in range(runs):
        outcome = await running.run(context=ledger)
        assert outcome.data == {"refuse": None}
    assert ledger.booked == ["a"] * runs
    assert (running.figures.fallbacks, running.figures.interpreted) == (PATIENCE, runs)
    await running.run(context=ledger)
    assert running.figures.fallbacks == PATIENCE + 1, "it tries again after a while"


async def test_an_operation_that_falls_back_now_and_then_goes_on_trying() -> None:
    running = operation(
        'mutation($no: Boolean!) { book(what: "a") { what torn @include(if: $no) } }',
        compiles=True,
    )
    ledger = Ledger()
    for number in range(PATIENCE * 4):
        await running.run({"no": number % PATIENCE != 0}, context=ledger)
    assert running.figures.compiled == 4
    assert running.figures.fallbacks == PATIENCE * 4 - 4
    assert ledger.booked == ["a"] * PATIENCE * 4


@both
async def test_fifty_runs_at_once_keep_apart(compiles: bool) -> None:
    """A third of them fail, in one of two places."""
    running = operation(
        """mutation($what: String!, $torn: Boolean!, $lost: Boolean!) {
          a: bookLater(what: $what) { what soFar lost @include(if: $lost) }
          b: book(what: $what) { what soFar torn @include(if: $torn) }
        }""",
        compiles=compiles,
    )

    async def one(number: int) -> None:
        ledger, what = Ledger(), f"n{number}"
        torn, lost = number % 6 == 0, number % 6 == 3
        variables = {"what": what, "torn": torn, "lost": lost}
        outcome = await running.run(variables, context=ledger)
        first = {"what": what, "soFar": [what], **({"lost": None} if lost else {})}
        second = None if torn else {"what": what, "soFar": [what, what]}
        assert outcome.data == {"a": first, "b": second}
        assert [error.message for error in outcome.errors or ()] == (
            [f"{what} is torn"] if torn else [f"{what} is lost"] if lost else []
        )
        assert ledger.booked == [what, what]

    await asyncio.gather(*(one(number) for number in range(50)))
    assert (running.figures.compiled > 0) is compiles
