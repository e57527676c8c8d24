"""Lists: what counts as one, every nullability, and items that come late or not at all."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.executor.cases.check import Case, Told, both, check, error, made, run, table

BAD = "Expected Iterable, but did not find one for field 'Query.list'."
NULL = "Cannot return null for non-nullable field Query.list."


async def later(value: Any) -> Any:
    return value


def generated(*values: Any) -> Iterator[Any]:
    yield from values


async def streamed(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        yield value


def generating(*values: Any) -> Iterator[Any]:
    yield from values
    raise RuntimeError("bad")


async def streaming(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        yield value
    raise RuntimeError("bad")


class Countdown:
    """An iterable that is neither a sequence nor a generator."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, 0, -1))


class Once:
    """An iterator by hand: it can be walked a single time."""

    def __init__(self, *values: Any) -> None:
        self.values = deque(values)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self.values:
            raise StopIteration
        return self.values.popleft()


class OnceLater(Once):
    """The same, asynchronous."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if not self.values:
            raise StopAsyncIteration
        return self.values.popleft()


def of(
    name: str, make: Callable[[], Any], data: Any, *errors: Told, is_compiled: bool = True
) -> Case:
    data = {"list": data}
    return Case(
        name, "{ list }", data, errors, root=lambda: {"list": make()}, is_compiled=is_compiled
    )


other = partial(of, is_compiled=False)
"""A list that is neither a `list` nor a tuple."""


@both
@table(
    of("an empty list", list, []),
    of("a list", lambda: ["a", "b"], ["a", "b"]),
    of("a tuple", lambda: ("a", "b"), ["a", "b"]),
    other("a set", lambda: {"a"}, ["a"]),
    other("a frozen set", lambda: frozenset(["a"]), ["a"]),
    other("a deque", lambda: deque(["a", "b"]), ["a", "b"]),
    other("a range", lambda: range(2), ["0", "1"]),
    other("the keys of a dict", {"a": 1, "b": 2}.keys, ["a", "b"]),
    other("the values of a dict", {"a": "x", "b": "y"}.values, ["x", "y"]),
    other("a generator", lambda: generated("one", 2, True), ["one", "2", "true"]),
    other("a generator that ends at once", generated, []),
    other("a map", lambda: map(str.upper, ["a", "b"]), ["A", "B"]),
    other("an iterable class", lambda: Countdown(3), ["3", "2", "1"]),
    other("an iterator by hand", lambda: Once("a", "b"), ["a", "b"]),
    other("an async generator", lambda: streamed("two", 4, False), ["two", "4", "false"]),
    other("an async iterator by hand", lambda: OnceLater("a", "b"), ["a", "b"]),
    of("a dict", lambda: {"a": 1}, None, error(BAD, "list")),
    of("a string", lambda: "word", None, error(BAD, "list")),
    of("bytes", lambda: b"word", None, error(BAD, "list")),
    of("a number", lambda: 5, None, error(BAD, "list")),
    of("an object", object, None, error(BAD, "list")),
)
async def test_what_is_a_list(case: Case, compiles: bool) -> None:
    await check(made("type Query { list: [String] }"), case, compiles=compiles)


TYPES = ("[Int]", "[Int]!", "[Int!]", "[Int!]!")


class Answers:
    """What one value answers under each of the four types."""

    def __init__(
        self,
        make: Callable[[], Any],
        data: tuple[Any, Any, Any, Any],
        told: Told | None = None,
        told_to: tuple[str, ...] = TYPES,
    ) -> None:
        self.make = make
        self.data = dict(zip(TYPES, data, strict=True))
        self.told = told
        self.told_to = told_to

    def case(
        self, name: str, type_: str, root: Callable[[], Any], *, is_compiled: bool = True
    ) -> Case:
        errors = (self.told,) if self.told and type_ in self.told_to else ()
        return Case(name, "{ list }", self.data[type_], errors, root=root, is_compiled=is_compiled)


def bad() -> RuntimeError:
    return RuntimeError("bad")


FIELD_NULL: dict[str, Any] = {"list": None}
BOTH_KEPT = {"list": [1, 2]}
HOLE = {"list": [1, None, 2]}

VALUES = {
    "numbers": Answers(lambda: [1, 2], (BOTH_KEPT,) * 4),
    "no items": Answers(list, ({"list": []},) * 4),
    "a null among them": Answers(
        lambda: [1, None, 2],
        (HOLE, HOLE, FIELD_NULL, None),
        error(NULL, "list", 1),
        told_to=("[Int!]", "[Int!]!"),
    ),
    "an error among them": Answers(
        lambda: [1, bad(), 2], (HOLE, HOLE, FIELD_NULL, None), error("bad", "list", 1)
    ),
    "a wrong leaf among them": Answers(
        lambda: [1, "x", 2],
        (HOLE, HOLE, FIELD_NULL, None),
        error("Int cannot represent non-integer value: 'x'", "list", 1),
    ),
}
WHOLES = {
    "null": Answers(
        lambda: None,
        (FIELD_NULL, None, FIELD_NULL, None),
        error(NULL, "list"),
        told_to=("[Int]!", "[Int!]!"),
    ),
    "an error": Answers(bad, (FIELD_NULL, None, FIELD_NULL, None), error("bad", "list")),
    "no list": Answers(lambda: 7, (FIELD_NULL, None, FIELD_NULL, None), error(BAD, "list")),
}


def raised(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def raised_later(value: Any) -> Any:
    return raised(value)


WAYS: dict[str, Callable[[Any], Any]] = {
    "as an attribute": lambda value: value,
    "as an awaitable attribute": later,
    "from a method": lambda value: lambda _: raised(value),
    "from an async method": lambda value: lambda _: raised_later(value),
    "from an async method that returns errors": lambda value: lambda _: later(value),
}
ITEM_WAYS: dict[str, Callable[[Any], Any]] = {
    **WAYS,
    "as awaitable items": lambda values: [raised_later(item) for item in values],
    "as awaitable items, later": lambda values: later([raised_later(item) for item in values]),
    "some of them late": lambda values: [
        raised_later(item) if index % 2 else item for index, item in enumerate(values)
    ],
    "as a generator": lambda values: generated(*values),
    "as an iterator by hand": lambda values: Once(*values),
    "as an async generator": lambda values: streamed(*values),
    "as an async iterator by hand": lambda values: OnceLater(*values),
    "as an async generator of awaitables": lambda values: streamed(*map(raised_later, values)),
}


@both
@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("way", ITEM_WAYS)
@pytest.mark.parametrize("value", VALUES)
async def test_items_under_every_nullability(
    value: str, way: str, type_: str, compiles: bool
) -> None:
    answers = VALUES[value]
    case = answers.case(
        value,
        type_,
        lambda: {"list": ITEM_WAYS[way](answers.make())},
        is_compiled=way in WAYS or (value == "no items" and "items" in way),
    )
    await check(made(f"type Query {{ list: {type_} }}"), case, compiles=compiles)


@both
@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", WHOLES)
async def test_no_list_under_every_nullability(
    value: str, way: str, type_: str, compiles: bool
) -> None:
    answers = WHOLES[value]
    case = answers.case(value, type_, lambda: {"list": WAYS[way](answers.make())})
    await check(made(f"type Query {{ list: {type_} }}"), case, compiles=compiles)


NESTED_NULL = "Cannot return null for non-nullable field Query.grid."


@both
@table(
    Case("kept", "{ grid }", {"grid": [[1], [], [2, 3]]}, root=lambda: {"grid": [[1], (), [2, 3]]}),
    Case(
        "a null row ends the whole",
        "{ grid }",
        {"grid": None},
        (error(NESTED_NULL, "grid", 1),),
        root=lambda: {"grid": [[1], None]},
    ),
    Case(
        "a null cell ends its row, which ends the whole",
        "{ grid }",
        {"grid": None},
        (error(NESTED_NULL, "grid", 1, 0),),
        root=lambda: {"grid": [[1], [None]]},
    ),
    Case(
        "a row that is no list",
        "{ grid }",
        {"grid": None},
        (error(BAD.replace("list'", "grid'"), "grid", 0),),
        root=lambda: {"grid": [1, [2]]},
    ),
    Case(
        "rows and cells that come late",
        "{ grid }",
        {"grid": [[1, 2], [3]]},
        root=lambda: {"grid": later([later([later(1), 2]), streamed(3)])},
        is_compiled=False,
    ),
)
async def test_lists_of_lists(case: Case, compiles: bool) -> None:
    await check(made("type Query { grid: [[Int!]!] }"), case, compiles=compiles)


@both
@table(
    Case(
        "only the row with a hole is gone",
        "{ grid }",
        {"grid": [[1], None, [2]]},
        (error(NESTED_NULL, "grid", 1, 1),),
        root=lambda: {"grid": [[1], [5, None], [2]]},
    ),
    Case(
        "holes in several rows are told each",
        "{ grid }",
        {"grid": [None, None, None]},
        (error(NESTED_NULL, "grid", 0, 0), error("bad", "grid", 1, 2)),
        root=lambda: {"grid": [[None], [1, 1, bad()], None]},
    ),
)
async def test_lists_of_nullable_lists(case: Case, compiles: bool) -> None:
    await check(made("type Query { grid: [[Int!]] }"), case, compiles=compiles)


@both
@table(
    other("an async generator", lambda: streaming("two", 4), None, error("bad", "list")),
    other("a generator", lambda: generating("two", 4), None, error("bad", "list")),
    of("an async generator, at once", streaming, None, error("bad", "list")),
)
async def test_lists_that_break_off(case: Case, compiles: bool) -> None:
    await check(made("type Query { list: [String] }"), case, compiles=compiles)


@both
async def test_an_async_iterator_is_closed_when_its_list_is_given_up(compiles: bool) -> None:
    class Closable(OnceLater):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    source = Closable(1, None, 2)
    schema = made("type Query { list: [Int!] }")
    outcome = await run(schema, "{ list }", compiles=compiles, root={"list": source})
    assert outcome.data == {"list": None}
    assert source.closed == 1


ITEM = """
type Query { items: [Item] strict: [Item!] }
type Item { number: Int! late: Int! maybe: Int }
"""
ITEM_NULL = "Cannot return null for non-nullable field Item.number."


def numbered(*numbers: Any) -> list[dict[str, Any]]:
    return [{"number": number} for number in numbers]


@both
@table(
    Case(
        "each item has its own late field",
        "{ items { late } }",
        {"items": [{"late": 0}, {"late": 1}, {"late": 2}]},
        root=lambda: {"items": streamed(*numbered(0, 1, 2))},
        is_compiled=False,
    ),
    Case(
        "a late field that fails ends its item only",
        "{ items { late } }",
        {"items": [{"late": 0}, None, {"late": 2}]},
        (error("bad", "items", 1, "late"),),
        root=lambda: {"items": streamed(*numbered(0, bad(), 2))},
    ),
    Case(
        "the same in a plain list",
        "{ items { number late maybe } }",
        {"items": [None, {"number": 5, "late": 5, "maybe": None}]},
        (error(ITEM_NULL, "items", 0, "number"),),
        root=lambda: {"items": numbered(None, 5)},
    ),
    Case(
        "one item ends a list of items that must be",
        "{ strict { number } items { number } }",
        {"strict": None, "items": [{"number": 1}]},
        (error(ITEM_NULL, "strict", 1, "number", at="number#1"),),
        root=lambda: {"strict": numbered(1, None, 2), "items": numbered(1)},
    ),
    Case(
        "null items, and none",
        "{ items { number } strict { number } }",
        {"items": [None, {"number": 1}], "strict": []},
        root=lambda: {"items": [None, {"number": 1}], "strict": ()},
    ),
    Case(
        "items that are errors",
        "{ items { number } }",
        {"items": [None, {"number": 1}, None]},
        (error("bad", "items", 0), error("bad", "items", 2)),
        root=lambda: {"items": [bad(), {"number": 1}, raised_later(bad())]},
    ),
)
async def test_lists_of_objects(case: Case, compiles: bool) -> None:
    async def late(item: dict[str, Any], info: Any) -> Any:
        return raised(item["number"])

    await check(made(ITEM, {"Item.late": late}), case, compiles=compiles)
