"""Mutations: one root field after the other, each exactly once, whatever fails."""

from collections.abc import Awaitable
from typing import Any

import pytest
from graphql import parse

from executor.engine import Engine
from tests.executor.cases.check import Case, assert_told, both, error, made, run

SCHEMA_SDL = """
type Query { number: Int }
type Mutation {
  set(to: Int): Holder setLate(to: Int): Holder setMust(to: Int): Holder!
  fail(to: Int): Holder failLate(to: Int): Holder failMust(to: Int): Holder!
  nothing: Holder nothingMust: Holder! wrong: Holder log: [Int!]!
}
type Holder { number: Int late: Int must: Int! }
"""


class Book:
    """The number, and all that was done to it, in order."""

    def __init__(self) -> None:
        self.number = 0
        self.calls: list[str] = []

    def set(self, to: int) -> dict[str, Any]:
        self.calls.append(f"set {to}")
        self.number = to
        return {"number": to, "late": self.read_later(), "must": None if to > 90 else to}

    def fail(self, to: int) -> Any:
        self.calls.append(f"fail {to}")
        raise RuntimeError(f"cannot set {to}")

    def read_later(self) -> Any:
        async def read() -> int:
            return self.number

        return lambda _: read()


def set_now(book: Book, info: Any, to: int) -> Any:
    return book.set(to)


async def set_late(book: Book, info: Any, to: int) -> Any:
    return book.set(to)


def fail_now(book: Book, info: Any, to: int) -> Any:
    book.fail(to)


async def fail_late(book: Book, info: Any, to: int) -> Any:
    book.fail(to)


def nothing(book: Book, info: Any) -> None:
    book.calls.append("nothing")


def returns_error(book: Book, info: Any) -> Exception:
    book.calls.append("wrong")
    return ValueError("wrong")


SCHEMA = made(
    SCHEMA_SDL,
    {
        "Mutation.set": set_now,
        "Mutation.setMust": set_now,
        "Mutation.setLate": set_late,
        "Mutation.fail": fail_now,
        "Mutation.failMust": fail_now,
        "Mutation.failLate": fail_late,
        "Mutation.nothing": nothing,
        "Mutation.nothingMust": nothing,
        "Mutation.wrong": returns_error,
        "Mutation.log": lambda book, _: [len(book.calls)],
    },
)


async def check_calls(case: Case, *calls: str, compiles: bool) -> None:
    """Run a case twice, each on its own book, and compare the calls besides the answer."""
    operation = Engine(SCHEMA, compiles=compiles).operation(parse(case.query))
    for _ in range(2):
        book = Book()
        outcome = await operation.run(case.variables, root=book)
        assert_told(outcome, case)
        assert book.calls == list(calls)


FIVE = """mutation {
  a: set(to: 1) { number late } b: setLate(to: 2) { number late }
  c: set(to: 3) { late number } d: setLate(to: 4) { late } e: set(to: 5) { late }
}"""


@both
async def test_each_field_sees_what_the_one_before_it_did(compiles: bool) -> None:
    """A late field of an answer is read before the next root field runs."""
    data = {
        "a": {"number": 1, "late": 1},
        "b": {"number": 2, "late": 2},
        "c": {"late": 3, "number": 3},
        "d": {"late": 4},
        "e": {"late": 5},
    }
    calls = [f"set {number}" for number in range(1, 6)]
    await check_calls(Case("", FIVE, data), *calls, compiles=compiles)


FAILURES = """mutation {
  a: set(to: 1) { number } b: fail(to: 2) { number } c: setLate(to: 3) { late }
  d: failLate(to: 4) { number } e: wrong { number } f: nothing { number } g: set(to: 5) { late }
}"""


@both
async def test_a_field_that_fails_does_not_stop_the_next(compiles: bool) -> None:
    data = {
        "a": {"number": 1},
        "b": None,
        "c": {"late": 3},
        "d": None,
        "e": None,
        "f": None,
        "g": {"late": 5},
    }
    errors = (error("cannot set 2", "b"), error("cannot set 4", "d"), error("wrong", "e"))
    calls = ("set 1", "fail 2", "set 3", "fail 4", "wrong", "nothing", "set 5")
    await check_calls(Case("", FAILURES, data, errors), *calls, compiles=compiles)


STOPS = {
    "it fails": ("failMust(to: 2)", "fail 2", "cannot set 2", ("b",)),
    "it is null": (
        "nothingMust",
        "nothing",
        "Cannot return null for non-nullable field Mutation.nothingMust.",
        ("b",),
    ),
    "its answer has a null": (
        "setMust(to: 99)",
        "set 99",
        "Cannot return null for non-nullable field Holder.must.",
        ("b", "must"),
    ),
}


@both
@pytest.mark.parametrize("stop", STOPS)
async def test_a_field_that_must_be_and_is_not_stops_the_rest(stop: str, compiles: bool) -> None:
    field, call, message, path = STOPS[stop]
    query = (
        f"mutation {{ a: set(to: 1) {{ number }} b: {field} {{ must }} c: set(to: 3) {{ late }} }}"
    )
    case = Case("", query, None, (error(message, *path),))
    await check_calls(case, "set 1", call, compiles=compiles)


@both
async def test_a_null_below_a_field_does_not_repeat_it(compiles: bool) -> None:
    query = "mutation { a: set(to: 99) { must } b: set(to: 1) { number must } log }"
    told = error("Cannot return null for non-nullable field Holder.must.", "a", "must", at="must#1")
    case = Case("", query, {"a": None, "b": {"number": 1, "must": 1}, "log": [2]}, (told,))
    await check_calls(case, "set 99", "set 1", compiles=compiles)


@both
async def test_a_late_field_is_read_once(compiles: bool) -> None:
    """A coroutine can't be awaited twice: one that was, in a run that fails later, must not be."""

    class Given(Book):
        def read_later(self) -> Awaitable[int]:
            async def read() -> int:
                self.calls.append("read")
                return self.number

            return read()

    query = (
        "mutation { a: set(to: 1) { late } b: fail(to: 2) { late } c: set(to: 99) { late must } }"
    )
    book = Given()
    outcome = await run(SCHEMA, query, compiles=compiles, root=book)
    told = "Cannot return null for non-nullable field Holder.must."
    errors = (error("cannot set 2", "b"), error(told, "c", "must"))
    assert_told(outcome, Case("", query, {"a": {"late": 1}, "b": None, "c": None}, errors))
    assert book.calls[:3] == ["set 1", "read", "fail 2"]
    assert book.calls.count("set 99") == 1


@both
async def test_fields_inside_of_fragments_keep_the_order_of_the_document(compiles: bool) -> None:
    query = """mutation {
      ...Early b: setLate(to: 2) { late } ... on Mutation { c: set(to: 3) { number } } ...Early
    }
    fragment Early on Mutation { a: setLate(to: 1) { number } }"""
    data = {"a": {"number": 1}, "b": {"late": 2}, "c": {"number": 3}}
    await check_calls(Case("", query, data), "set 1", "set 2", "set 3", compiles=compiles)


@both
async def test_one_name_runs_once_with_all_its_selections(compiles: bool) -> None:
    query = """mutation { set(to: 1) { number } __typename ...More }
    fragment More on Mutation { set(to: 1) { late } other: set(to: 2) { number } }"""
    data = {
        "set": {"number": 1, "late": 1},
        "__typename": "Mutation",
        "other": {"number": 2},
    }
    await check_calls(Case("", query, data), "set 1", "set 2", compiles=compiles)


@both
@pytest.mark.parametrize("with_b", [True, False])
async def test_what_is_skipped_is_not_run(with_b: bool, compiles: bool) -> None:
    query = """mutation ($b: Boolean!) {
      a: set(to: 1) { number } b: set(to: 2) @include(if: $b) { number } c: set(to: 3) { number }
    }"""
    steps = {"a": 1, "b": 2, "c": 3} if with_b else {"a": 1, "c": 3}
    data = {name: {"number": number} for name, number in steps.items()}
    case = Case("", query, data, variables={"b": with_b})
    await check_calls(case, *(f"set {n}" for n in steps.values()), compiles=compiles)


@both
async def test_variables_that_are_refused_run_nothing(compiles: bool) -> None:
    query = "mutation ($to: Int!) { set(to: 1) { number } b: set(to: $to) { number } }"
    message = "Variable '$to' has invalid value: Int cannot represent non-integer value: 'x'"
    case = Case("", query, None, (error(message, at="$to:"),), variables={"to": "x"}, was_run=False)
    await check_calls(case, compiles=compiles)


@both
async def test_an_argument_that_is_refused_runs_the_others(compiles: bool) -> None:
    """Only at run time can a variable turn out to be null where none may be."""
    schema = made(
        "type Query { a: Int } type Mutation { add(n: Int!): Int sum: Int }",
        {
            "Mutation.add": lambda book, _, n: book.append(n) or n,
            "Mutation.sum": lambda b, _: sum(b),
        },
    )
    query = "mutation ($n: Int = 1) { a: add(n: 5) b: add(n: $n) c: add(n: 2) sum }"
    root: list[int] = []
    outcome = await run(schema, query, compiles=compiles, root=root, variables={"n": None})
    message = (
        "Argument 'n' has invalid value: Expected variable '$n' provided to non-null type 'Int!'"
        " not to be None."
    )
    told = error(message, "b", at="$n#2")
    assert_told(outcome, Case("", query, {"a": 5, "b": None, "c": 2, "sum": 7}, (told,)))
    assert root == [5, 2]
