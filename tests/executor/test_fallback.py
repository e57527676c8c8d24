"""What compiled code leaves when it gives up: graphql-core finds everything as it would have been.

Things that can be awaited once are awaited once, errors come in graphql-core's order, and nothing
is forgotten that Python complains of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema, parse
from strawberry.dataloader import DataLoader

from executor.engine import Engine
from executor.fields import BatchInfo, batched, derived
from tests.executor.torture.comparing import Answer, Pair

SCHEMA = """
type Query { now: Int later: Int must: Int! item: Item items: [Item] grid: [[Int]] }
type Mutation { make: Item }
type Item { name: String! kept: Int also: Int bad: Int! numbers: [Int!] cube: [[[Int]]] next: Item }
"""


def schema(**resolvers: Callable[..., Any]) -> GraphQLSchema:
    """Return the schema with these resolvers, by root field."""
    built = build_schema(SCHEMA)
    for root in (built.query_type, built.mutation_type):
        assert root is not None
        for name, root_field in root.fields.items():
            root_field.resolve = resolvers.get(name)
    return built


async def both(
    built: GraphQLSchema | strawberry.Schema,
    document: str,
    *,
    compiled_runs: int = 0,
    make_context: Callable[[], Any] = lambda: None,
) -> Answer:
    """Run a document both ways, see that nothing differs, and return the answer."""
    pair = Pair.of((Engine(built), Engine(built, compiles=False)), parse(document))
    compiled, reference = await pair.answers({}, lambda: (make_context(), None, list))
    assert compiled.differences(reference) == [], f"\n{compiled}\n{reference}"
    figures = pair.compiled.figures
    assert (figures.compiled, figures.fallbacks) == (compiled_runs, 1 - compiled_runs)
    return compiled


OOPS = ValueError("oops")


async def soon(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def failing(error: Exception, turns: int = 1) -> Any:
    for _ in range(turns):
        await asyncio.sleep(0)
    raise error


class Item:
    """An object whose attributes are what is given."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update({"name": "item", "bad": None, **given})


BEGUN: dict[str, Callable[[Any], Any]] = {
    "coroutine": soon,
    "task": lambda value: asyncio.ensure_future(soon(value)),
}


@pytest.mark.parametrize("begun", BEGUN)
async def test_what_an_answer_holds_is_awaited(begun: str) -> None:
    built = schema(make=lambda *_: Item(kept=BEGUN[begun](7)))
    answer = await both(built, "mutation { make { kept } }", compiled_runs=1)
    assert answer.data == b'{"make":{"kept":7}}'


@pytest.mark.parametrize("begun", BEGUN)
async def test_what_was_awaited_before_the_fall_is_remembered(begun: str) -> None:
    """The mutation isn't run again, so graphql-core gets the very object compiled code had."""

    def make(_: Any, info: Any) -> Item:
        return Item(kept=BEGUN[begun](7), next=Item(kept=BEGUN[begun](8)))

    answer = await both(schema(make=make), "mutation { make { kept next { kept bad } } }")
    assert answer.data == b'{"make":{"kept":7,"next":null}}'
    assert "Cannot return null for non-nullable field Item.bad." in answer.errors[0]


async def test_awaiting_a_thing_twice_is_the_same_error() -> None:
    def make(_: Any, info: Any) -> Item:
        return Item(kept=(kept := soon(7)), also=kept)

    answer = await both(schema(make=make), "mutation { make { kept also } }")
    assert answer.data == b'{"make":{"kept":7,"also":null}}'
    assert "coroutine is being awaited already" in answer.errors[0]


@pytest.mark.parametrize("document", ["{ later }", "mutation { make { name } }"])
async def test_what_awaiting_gives_is_not_awaited_in_turn(document: str) -> None:
    async def twice(_: Any, info: Any) -> Any:
        return asyncio.ensure_future(soon(7))

    answer = await both(schema(later=twice, make=twice), document)
    assert len(answer.errors) == 1


async def test_an_iterator_in_an_answer_is_used_once() -> None:
    def numbers() -> Iterator[int]:
        yield from (1, 2, 3)

    built = schema(make=lambda *_: Item(numbers=numbers()))
    answer = await both(built, "mutation { make { numbers } }")
    assert answer.data == b'{"make":{"numbers":[1,2,3]}}'


@pytest.mark.parametrize(("must", "later", "errors"), [(1, 4, 1), (4, 1, 2)])
async def test_errors_of_fields_side_by_side_are_told_as_far_as_they_came(
    must: int, later: int, errors: int
) -> None:
    """The field that must be there ends the other one: if that is late, it has no error."""
    built = schema(
        must=lambda *_: failing(ValueError("must"), must),
        later=lambda *_: failing(ValueError("later"), later),
    )
    answer = await both(built, "{ must later }")
    assert (answer.data, len(answer.errors)) == (b"null", errors)


LEFT: dict[str, tuple[str, Callable[[], Item]]] = {
    "coroutines in a list": ("numbers", lambda: Item(numbers=[soon(1), soon(2)])),
    "futures in a list": ("numbers", lambda: Item(numbers=[asyncio.ensure_future(soon(1))])),
    "coroutines in lists in lists": (
        "cube",
        lambda: Item(cube=[None, [[soon(1)], [soon(2)]], [[soon(3)], None]]),
    ),
    "a future that fails": ("kept", lambda: Item(kept=asyncio.ensure_future(failing(OOPS)))),
    "a coroutine that fails": ("kept", lambda: Item(kept=failing(OOPS))),
}


@pytest.mark.parametrize("left", LEFT)
async def test_nothing_is_forgotten(left: str) -> None:
    """Python complains of coroutines that nobody awaits, and of errors that nobody hears."""
    name, make = LEFT[left]
    built = schema(items=lambda *_: [make(), make(), None])
    answer = await both(built, f"{{ items {{ {name} }} }}")
    assert (answer.complaints, answer.tasks_left) == ((), 0)


async def test_who_is_given_up_ends() -> None:
    """A field that fails ends the run; the other one is cancelled, with all that it waits for."""
    ended: list[str] = []

    async def wait(_: Any, info: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("later")

    built = schema(must=lambda *_: failing(OOPS), later=wait)
    answer = await both(built, "{ must later }")
    assert (answer.data, answer.tasks_left) == (b"null", 0)
    # In the compiled run, in graphql-core's that follows, and in the reference.
    assert ended == ["later"] * 3


class Library:
    """A context with a loader that keeps nothing, and takes longer for more keys."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.levels: list[int] = []
        self.loader = DataLoader(load_fn=self._load, cache=False)

    async def _load(self, keys: list[str]) -> list[int | Exception]:
        self.batches.append(keys)
        for _ in range(3 * len(keys)):
            await asyncio.sleep(0)
        return [7 if key == "kept" else ValueError(key) for key in keys]


class Libraries:
    """Makes a library for each run, and keeps them all."""

    def __init__(self) -> None:
        self.made: list[Library] = []

    def __call__(self) -> Library:
        self.made.append(Library())
        return self.made[-1]


def loading(key: str) -> Callable[[Any], Any]:
    """Return what makes a coroutine that loads."""

    async def load(info: Any) -> Any:
        return await info.context.loader.load(key)

    return load


def items_with_a_key_ahead(_: Any, info: Any) -> Iterator[Item]:
    """Ask for what will be needed; compiled code takes no iterator."""
    info.context.loader.load("kept")
    return iter([Item()])


ASKING: dict[str, tuple[str, dict[str, Callable[..., Any]]]] = {
    "at once, by a field of a level": (
        "{ now item { kept } }",
        {"item": lambda *_: Item(kept=lambda info: info.context.loader.load("kept"))},
    ),
    "later, by a field of a level": (
        "{ now item { kept } }",
        {"item": lambda *_: Item(kept=loading("kept"))},
    ),
    "ahead, by a root field": ("{ items { name } }", {"items": items_with_a_key_ahead}),
}


@pytest.mark.parametrize("asking", ASKING)
async def test_what_compiled_code_asks_of_a_loader_goes_in_a_batch_of_its_own(asking: str) -> None:
    """In one batch with it, what graphql-core asks for would come later than in the reference."""
    document, resolvers = ASKING[asking]
    libraries = Libraries()
    built = schema(now=lambda *_: 1 / 0, **resolvers)
    await both(built, document, make_context=libraries)
    assert [each.batches for each in libraries.made] == [[["kept"], ["kept"]], [["kept"]]]


@pytest.mark.parametrize(
    ("turns", "told"), [(3, ["bad"]), (4, ["bad", "lost"]), (5, ["bad", "lost"])]
)
async def test_a_loader_tells_its_error_as_soon_as_it_would_have(
    turns: int, told: list[str]
) -> None:
    """Two errors below what becomes null: the one that comes later isn't told."""
    item = Item(kept=loading("lost"), bad=lambda _: failing(ValueError("bad"), turns))
    built = schema(now=lambda *_: 1 / 0, item=lambda *_: item)
    answer = await both(built, "{ now item { kept bad } }", make_context=Libraries())
    assert answer.data == b'{"now":null,"item":null}'
    assert [each for each in ("bad", "lost") if f"'{each}'" in str(answer.errors)] == told


def level(number: int) -> Item:
    async def deeper(info: Any) -> Item:
        info.context.levels.append(number)
        await asyncio.sleep(0)
        return level(number + 1)

    return Item(next=deeper)


async def note_levels(shelves: Sequence[Shelf], info: BatchInfo) -> None:
    info.context.levels.append(shelves[0].number)
    await asyncio.sleep(0)


@strawberry.type
class Shelf:
    """A level of shelves, the next one of which is asked for in each way that fetches."""

    number: int

    @batched()
    @staticmethod
    async def next(shelves: Sequence[Shelf], info: BatchInfo) -> list[Shelf]:
        await note_levels(shelves, info)
        return [Shelf(number=each.number + 1) for each in shelves]

    needed: Shelf = derived(lambda shelf, _: Shelf(number=shelf.number + 1), needs=note_levels)


@strawberry.type
class Shelves:
    """A shelf, and a field that fails a little later."""

    item: Shelf = strawberry.field(resolver=lambda: Shelf(number=1))

    @strawberry.field
    async def now(self) -> int | None:
        raise await failing(OOPS)


DEEPER: dict[str, tuple[str, GraphQLSchema | strawberry.Schema]] = {
    "called": (
        "next",
        schema(now=lambda *_: failing(OOPS), item=lambda *_: level(1)),
    ),
    "in batches": ("next", strawberry.Schema(Shelves)),
    "as what others need": ("needed", strawberry.Schema(Shelves)),
}


@pytest.mark.parametrize("resolved", DEEPER)
async def test_nothing_more_is_begun_beside_graphql_core(resolved: str) -> None:
    """A root field that goes on when another one has failed ends with the level that it is at."""
    field, built = DEEPER[resolved]
    libraries = Libraries()
    deep = f"{field} {{ " * 9 + "__typename" + " }" * 9
    await both(built, f"{{ now item {{ {deep} }} }}", make_context=libraries)
    compiled, reference = (each.levels for each in libraries.made)
    assert reference == list(range(1, 10))
    assert compiled[-9:] == reference
    assert len(compiled) < 9 + 5
