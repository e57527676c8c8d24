"""Waiting: what runs side by side, what is cancelled, and what many callers share."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from graphql import parse

from executor.engine import Engine
from tests.executor.cases.check import Case, both, check, error, made, run

SCHEMA = made(
    """
    type Query { foo: Boolean bar: Boolean must: Boolean! deep: Query deeps: [Query!]
      flags: [Boolean] strict: [Boolean!] named: [Named] }
    interface Named { name: String }
    type One implements Named { name: String }
    type Two implements Named { name: String }
    """
)


class Barrier:
    """Lets everybody pass when enough of them stand before it: nobody, if they come one by one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.passed = 0
        self._open = asyncio.Event()

    async def wait(self, _: Any = None) -> bool:
        self.number -= 1
        if not self.number:
            self._open.set()
        await self._open.wait()
        self.passed += 1
        return True


async def answered(query: str, root: Any, *, compiles: bool) -> Any:
    """Run a query that would wait for ever if its parts waited for each other."""
    async with asyncio.timeout(5):
        outcome = await run(SCHEMA, query, compiles=compiles, root=root)
    assert outcome.errors is None
    return outcome.data


@both
async def test_root_fields_wait_side_by_side(compiles: bool) -> None:
    root = {"foo": Barrier(3).wait, "bar": Barrier(1).wait}
    data = await answered("{ a: foo b: foo bar c: foo }", root, compiles=compiles)
    assert data == {"a": True, "b": True, "bar": True, "c": True}


@both
async def test_fields_of_an_object_wait_side_by_side(compiles: bool) -> None:
    root = {"deep": {"foo": Barrier(2).wait}}
    data = await answered("{ deep { a: foo b: foo } }", root, compiles=compiles)
    assert data == {"deep": {"a": True, "b": True}}


@both
async def test_objects_of_a_list_wait_side_by_side(compiles: bool) -> None:
    barrier = Barrier(4)
    root = {"deeps": [{"foo": barrier.wait, "bar": barrier.wait} for _ in range(2)]}
    data = await answered("{ deeps { foo bar } }", root, compiles=compiles)
    assert data == {"deeps": [{"foo": True, "bar": True}] * 2}


@both
async def test_items_wait_side_by_side(compiles: bool) -> None:
    barrier = Barrier(3)
    root = {"flags": [barrier.wait() for _ in range(3)]}
    data = await answered("{ flags }", root, compiles=compiles)
    assert data == {"flags": [True] * 3}


@both
async def test_places_of_different_depth_wait_side_by_side(compiles: bool) -> None:
    barrier = Barrier(2)
    root = {"foo": barrier.wait, "deep": {"foo": barrier.wait}}
    data = await answered("{ foo deep { foo } }", root, compiles=compiles)
    assert data == {"foo": True, "deep": {"foo": True}}


@both
async def test_checks_of_types_wait_side_by_side(compiles: bool) -> None:
    barrier = Barrier(4)

    def is_named(name: str) -> Callable[..., Any]:
        async def is_type_of(value: Any, info: Any) -> bool:
            await barrier.wait()
            return bool(value["name"] == name)

        return is_type_of

    schema = made(
        """
        type Query { named: [Named] }
        interface Named { name: String }
        type One implements Named { name: String }
        type Two implements Named { name: String }
        """,
        {"One": is_named("1"), "Two": is_named("2")},
    )
    root = {"named": [{"name": "1"}, {"name": "2"}]}
    async with asyncio.timeout(5):
        query = "{ named { __typename } }"
        outcome = await run(schema, query, compiles=compiles, root=root)
    assert outcome.data == {"named": [{"__typename": "One"}, {"__typename": "Two"}]}


async def failing(_: Any = None) -> Any:
    raise RuntimeError("oops")


GIVEN_UP: dict[str, tuple[str, Callable[[Barrier], Any], Any, tuple[Any, ...]]] = {
    "a root field that must be": (
        "{ must foo }",
        lambda barrier: {"must": failing, "foo": barrier.wait},
        None,
        ("must",),
    ),
    "a field that must be": (
        "{ deep { must foo } }",
        lambda barrier: {"deep": {"must": failing, "foo": barrier.wait}},
        {"deep": None},
        ("deep", "must"),
    ),
    "an item that must be": (
        "{ strict }",
        lambda barrier: {"strict": lambda _: [failing(), barrier.wait()]},
        {"strict": None},
        ("strict", 0),
    ),
}


@both
@pytest.mark.parametrize("given_up", GIVEN_UP)
async def test_what_is_of_no_use_any_more_is_cancelled(given_up: str, compiles: bool) -> None:
    """The error doesn't wait for siblings, and they don't run on when it has been told."""
    query, make, data, path = GIVEN_UP[given_up]
    barrier = Barrier(100)
    async with asyncio.timeout(5):
        outcome = await run(SCHEMA, query, compiles=compiles, root=make(barrier))
    assert outcome.data == data
    assert [(told.message, told.path) for told in outcome.errors or []] == [("oops", list(path))]
    barrier._open.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert barrier.passed == 0


@both
async def test_a_run_that_is_cancelled_is_not_run_again(compiles: bool) -> None:
    calls: list[str] = []
    started = asyncio.Event()

    async def change(source: Any, info: Any) -> bool:
        calls.append(info.path.key)
        if info.path.key == "b":
            started.set()
            await asyncio.Event().wait()
        return True

    schema = made(
        "type Query { a: Int } type Mutation { change: Boolean }", {"Mutation.change": change}
    )
    operation = Engine(schema, compiles=compiles).operation(
        parse("mutation { a: change b: change c: change }")
    )
    task = asyncio.ensure_future(operation.run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == ["a", "b"]


@both
async def test_a_time_out_inside_of_a_resolver_is_an_error(compiles: bool) -> None:
    async def resolve(_: Any) -> Any:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    case = Case(
        "", "{ foo bar }", {"foo": None, "bar": True}, (error("", "foo"),),
        root=lambda: {"foo": resolve, "bar": True},
    )  # fmt: skip
    await check(SCHEMA, case, compiles=compiles)


@both
async def test_one_operation_serves_many_at_once(compiles: bool) -> None:
    """Half of them fail, in different places: nobody gets anything of another's."""
    schema = made(
        "type Query { echo(n: Int!): Int deep(n: Int!): Deep! } type Deep { n: Int! late: Int }"
    )

    class Root:
        async def echo(self, info: Any, n: int) -> int:
            await asyncio.sleep(0)
            if n % 4 == 1:
                raise ValueError(f"echo {n}")
            return n

        def deep(self, info: Any, n: int) -> Any:
            async def late(_: Any) -> int:
                await asyncio.sleep(0)
                return info.context + n  # type: ignore[no-any-return]

            return {"n": None if n % 4 == 3 else n, "late": late}

    query = "query ($n: Int!) { echo(n: $n) deep(n: $n) { n late } }"
    operation = Engine(schema, compiles=compiles).operation(parse(query))

    async def ask(n: int) -> None:
        outcome = await operation.run({"n": n}, context=1_000, root=Root())
        told = [each.message for each in outcome.errors or []]
        if n % 4 == 3:
            assert outcome.data is None
            assert told == ["Cannot return null for non-nullable field Deep.n."]
            return
        assert outcome.data == {
            "echo": None if n % 4 == 1 else n,
            "deep": {"n": n, "late": 1_000 + n},
        }
        assert told == ([f"echo {n}"] if n % 4 == 1 else [])

    await asyncio.gather(*(ask(n) for n in range(60)))
