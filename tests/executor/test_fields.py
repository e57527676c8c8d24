"""Fields for all parents at once, rows, and the look-ahead; compiled and by graphql-core."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import parse

from executor.engine import Engine
from executor.fields import BatchInfo, Item, batched, derived, item, selected
from tests.executor.cases.check import both
from tests.executor.library import SCHEMA


async def run(query: str, *, compiles: bool, schema: Any = SCHEMA, **given: Any) -> Any:
    operation = Engine(schema, compiles=compiles).operation(parse(query))
    return await operation.run(given.pop("variables", None), **given)


async def notes(query: str, *, compiles: bool, **variables: Any) -> list[tuple[Any, ...]]:
    """Run a query of the library; return what its resolvers were asked."""
    taken: list[tuple[Any, ...]] = []
    outcome = await run(
        query, compiles=compiles, context={"notes": taken, "card": True}, variables=variables
    )
    assert outcome.errors is None
    return taken


@both
async def test_a_level_is_fetched_by_one_call(compiles: bool) -> None:
    books, authors, born = await notes(
        "{ books { title authors { name born } } }", compiles=compiles
    )
    assert books == ("books", ["authors", "authors.born", "authors.name", "title"])
    assert authors == ("authors", ["Moon", "Spring"], 10)
    assert (born[0], sorted(born[1])) == ("born", ["Bai", "Du", "Li"])


@both
async def test_each_place_and_its_arguments_are_a_call_of_their_own(compiles: bool) -> None:
    taken = await notes(
        """query ($n: Int!) {
          books { a: authors(first: 1) { name } b: authors(first: $n) { name } }
        }""",
        compiles=compiles,
        n=2,
    )
    assert taken[1:] == [
        ("authors", ["Moon", "Spring"], 1),
        ("authors", ["Moon", "Spring"], 2),
    ]


@both
async def test_nobody_is_asked_for_no_parents(compiles: bool) -> None:
    query = "query ($id: ID!) { book(id: $id) { authors { name } } }"
    assert await notes(query, compiles=compiles, id="99") == []


@both
async def test_a_field_is_fetched_for_each_type_behind_an_interface(compiles: bool) -> None:
    query = "{ titled { title ... on Book { authors { name } } } }"
    assert await notes(query, compiles=compiles) == [("authors", ["Moon"], 10)]


class Refused(Exception):
    """The batch function's own error."""


async def _weigh(leaves: Sequence[Leaf], info: BatchInfo) -> None:
    """Put the weights where the functions below find them."""
    info.context["told"].append((info.field_name, info.selected, [leaf.number for leaf in leaves]))
    if info.context.get("refuses"):
        raise Refused("No scales today.")
    for leaf in leaves:
        leaf.row["weight"] = leaf.number * 10


def _heavier(leaf: Leaf, _context: Any) -> Leaf:
    return Leaf(number=leaf.number + 1, row={"plain": 1})


def _doubtful_weight(leaf: Leaf, _context: Any) -> int:
    if leaf.number == 2:
        raise Refused("no weight of 2")
    return int(leaf.row["weight"])


def _weigh_out(leaves: Sequence[Leaf], info: BatchInfo, times: int = 1) -> str:
    """Say what will be fetched, before anything of the level is."""
    info.context["told"].append(("ahead", times, [leaf.number for leaf in leaves]))
    if info.context.get("refuses"):
        raise Refused("Nobody can see ahead today.")
    return f"{times} times"


@strawberry.type
class Leaf:
    number: int
    row: strawberry.Private[Any] = None
    plain: int | None = item("plain", of="row")
    text: str | None = item("plain", of="row", convert=str)
    added: int | None = derived(lambda leaf, context: leaf.number + context["n"])
    weight: int | None = derived(lambda leaf, _context: leaf.row["weight"], needs=_weigh)
    heavier: Leaf = derived(
        lambda leaf, _: Leaf(number=leaf.number, row={"plain": 1}), needs=_weigh
    )
    doubtful: int | None = derived(_doubtful_weight, needs=_weigh, name="doubtfulWeight")

    @batched()
    @staticmethod
    async def square(leaves: Sequence[Leaf], info: BatchInfo) -> list[int | None]:
        if info.context.get("refuses"):
            raise Refused("No squares today.")
        odd: Any = Refused("no square of 2")
        return [odd if leaf.number == 2 else leaf.number**2 for leaf in leaves]

    @batched(ahead=_weigh_out)
    @staticmethod
    async def multiple(leaves: Sequence[Leaf], info: BatchInfo, times: int = 1) -> list[int]:
        info.context["told"].append(("fetched", times, info.prepared))
        return [leaf.number * times for leaf in leaves]

    @batched(name="told", description="What the batch is told.", deprecation_reason="Old.")
    @staticmethod
    async def what_is_told(leaves: Sequence[Leaf], info: BatchInfo, word: str = "") -> list[str]:
        info.context["told"].append(info)
        return [word for _ in leaves]

    @batched()
    @staticmethod
    async def short(leaves: Sequence[Leaf], info: BatchInfo) -> list[int | None]:
        return [info.context["n"] for _ in leaves[1:]]

    @batched()
    @staticmethod
    async def next(leaves: Sequence[Leaf], _info: BatchInfo) -> list[Leaf | None]:
        return [Leaf(number=leaf.number + 1) for leaf in leaves]

    @batched()
    @staticmethod
    async def ahead(leaves: Sequence[Leaf], info: BatchInfo) -> list[Leaf | None]:
        info.context["told"].append(info.selected)
        return [None for _ in leaves]


@strawberry.type
class Query:
    @strawberry.field
    def leaves(self, numbers: list[int]) -> list[Leaf]:
        return [Leaf(number=number, row={"plain": number or None}) for number in numbers]

    @batched()
    @staticmethod
    async def root(roots: Sequence[Any], info: BatchInfo, n: int = 1) -> list[str]:
        return [f"{root} {n} {info.field_name}" for root in roots]


LEAVES = strawberry.Schema(Query)


@both
async def test_an_error_among_the_values_is_that_parents(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 2, 3]) { square } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={})
    assert outcome.data == {"leaves": [{"square": 1}, {"square": None}, {"square": 9}]}
    assert [(each.message, each.path) for each in outcome.errors] == [
        ("no square of 2", ["leaves", 1, "square"])
    ]


@both
async def test_an_error_that_is_raised_is_everybodys(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 3]) { square } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={"refuses": True})
    assert outcome.data == {"leaves": [{"square": None}, {"square": None}]}
    assert [(each.message, each.path) for each in outcome.errors] == [
        ("No squares today.", ["leaves", 0, "square"]),
        ("No squares today.", ["leaves", 1, "square"]),
    ]


@both
async def test_an_answer_of_another_length_is_nobodys(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 3]) { short } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={"n": 1})
    assert outcome.data == {"leaves": [{"short": None}, {"short": None}]}
    assert len(outcome.errors) == 2
    assert "expected: 2" in outcome.errors[0].message.lower()


@both
async def test_what_a_batch_is_told(compiles: bool) -> None:
    query = """query Q($word: String!, $no: Boolean!) {
      leaves(numbers: [1, 2]) { a: told(word: $word) next { told @skip(if: $no) n: number } }
    }"""
    context: dict[str, Any] = {"told": []}
    variables = {"word": "w", "no": True}
    outcome = await run(
        query, compiles=compiles, schema=LEAVES, context=context, root="r", variables=variables
    )
    assert outcome.data == {"leaves": [{"a": "w", "next": {"n": n}} for n in (2, 3)]}
    [told] = context["told"]
    assert told == BatchInfo(context, "told", "r", variables, frozenset())
    assert told.variable_values == variables


MULTIPLES = "{ leaves(numbers: [1, 3]) { square twice: multiple(times: 2) multiple } }"
MULTIPLES_OF_THEM = {
    "leaves": [
        {"square": 1, "twice": 2, "multiple": 1},
        {"square": 9, "twice": 6, "multiple": 3},
    ]
}


async def test_fields_of_a_level_hear_of_each_other_ahead() -> None:
    context: dict[str, Any] = {"told": []}
    outcome = await run(MULTIPLES, compiles=True, schema=LEAVES, context=context)
    assert (outcome.data, outcome.errors) == (MULTIPLES_OF_THEM, None)
    assert context["told"] == [
        ("ahead", 2, [1, 3]),
        ("ahead", 1, [1, 3]),
        ("fetched", 2, "2 times"),
        ("fetched", 1, "1 times"),
    ]


async def test_graphql_core_fetches_without_looking_ahead() -> None:
    context: dict[str, Any] = {"told": []}
    outcome = await run(MULTIPLES, compiles=False, schema=LEAVES, context=context)
    assert (outcome.data, outcome.errors) == (MULTIPLES_OF_THEM, None)
    assert context["told"] == [("fetched", 2, None), ("fetched", 1, None)]


@both
async def test_an_error_ahead_is_nobodys(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 3]) { multiple(times: 2) } }"
    context: dict[str, Any] = {"told": [], "refuses": True}
    outcome = await run(query, compiles=compiles, schema=LEAVES, context=context)
    assert (outcome.data, outcome.errors) == ({"leaves": [{"multiple": 2}, {"multiple": 6}]}, None)
    assert context["told"][-1] == ("fetched", 2, None)


@both
async def test_what_is_derived_looks_at_the_context(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 2]) { added next { added } } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={"n": 5})
    assert outcome.data == {
        "leaves": [{"added": 6, "next": {"added": 7}}, {"added": 7, "next": {"added": 8}}]
    }


async def test_what_several_fields_need_is_fetched_once_for_a_level() -> None:
    query = """query ($no: Boolean!) {
      leaves(numbers: [1, 3]) { weight heavier { plain } w: weight heavier { text @skip(if: $no) } }
    }"""
    context: dict[str, Any] = {"told": []}
    outcome = await run(
        query, compiles=True, schema=LEAVES, context=context, variables={"no": True}
    )
    assert outcome.data == {
        "leaves": [
            {"weight": 10, "heavier": {"plain": 1}, "w": 10},
            {"weight": 30, "heavier": {"plain": 1}, "w": 30},
        ]
    }
    assert context["told"] == [("weight", {"weight", "heavier", "heavier.plain"}, [1, 3])]


async def test_graphql_core_fetches_it_for_a_level_field_by_field() -> None:
    context: dict[str, Any] = {"told": []}
    query = "{ leaves(numbers: [1, 3]) { weight heavier { plain } } }"
    outcome = await run(query, compiles=False, schema=LEAVES, context=context)
    assert outcome.data["leaves"][1] == {"weight": 30, "heavier": {"plain": 1}}
    assert context["told"] == [
        ("weight", {"weight"}, [1, 3]),
        ("heavier", {"heavier", "heavier.plain"}, [1, 3]),
    ]


@both
async def test_an_error_of_what_is_derived_is_its_own(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 2]) { doubtfulWeight weight } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={"told": []})
    assert outcome.data == {
        "leaves": [{"doubtfulWeight": 10, "weight": 10}, {"doubtfulWeight": None, "weight": 20}]
    }
    assert [(each.message, each.path) for each in outcome.errors] == [
        ("no weight of 2", ["leaves", 1, "doubtfulWeight"])
    ]


@both
async def test_an_error_of_what_is_needed_is_everybodys(compiles: bool) -> None:
    query = "{ leaves(numbers: [1, 3]) { weight number } }"
    context: dict[str, Any] = {"told": [], "refuses": True}
    outcome = await run(query, compiles=compiles, schema=LEAVES, context=context)
    assert outcome.data == {
        "leaves": [{"weight": None, "number": 1}, {"weight": None, "number": 3}]
    }
    assert [(each.message, each.path) for each in outcome.errors] == [
        ("No scales today.", ["leaves", 0, "weight"]),
        ("No scales today.", ["leaves", 1, "weight"]),
    ]


@both
async def test_a_root_field_can_be_fetched_too(compiles: bool) -> None:
    outcome = await run(
        "{ a: root b: root(n: 2) }", compiles=compiles, schema=LEAVES, context={}, root="r"
    )
    assert outcome.data == {"a": "r 1 root", "b": "r 2 root"}


@both
async def test_a_row_is_read_and_its_nulls_are_not_converted(compiles: bool) -> None:
    query = "{ leaves(numbers: [0, 7]) { plain text } }"
    outcome = await run(query, compiles=compiles, schema=LEAVES, context={})
    assert outcome.data == {"leaves": [{"plain": None, "text": None}, {"plain": 7, "text": "7"}]}
    assert Item("a").read({"a": 1}) == 1
    assert Item(0, of="row", convert=str).read(SimpleNamespace(row=[5])) == "5"


def test_what_is_said_of_a_field_stands_in_the_schema() -> None:
    field = LEAVES._schema.type_map["Leaf"].fields["told"]  # type: ignore[attr-defined]
    assert (field.description, field.deprecation_reason) == ("What the batch is told.", "Old.")
    assert str(field.type) == "String!"
    assert [(name, str(each.type)) for name, each in field.args.items()] == [("word", "String!")]


# The context of a request, where graphql-core's loaders live.


class Closed:
    """Has no room."""

    __slots__ = ("told",)


@pytest.mark.parametrize("context", [Closed(), None, 5], ids=["slots", "none", "number"])
async def test_a_context_without_room_for_loaders_is_told(context: Any) -> None:
    query = "{ leaves(numbers: [1]) { next { number } } }"
    told = await run(query, compiles=False, schema=LEAVES, context=context)
    assert told.data == {"leaves": [{"next": None}]}
    [error] = told.errors
    assert error.message == (
        "A context for batched fields is a dict or takes an attribute `executor_loaders`; "
        f"{type(context).__name__} does neither."
    )
    # Compiled code needs no loaders.
    compiled = await run(query, compiles=True, schema=LEAVES, context=context)
    assert compiled.data == {"leaves": [{"next": {"number": 2}}]}


@pytest.mark.parametrize("context", [{}, SimpleNamespace()], ids=["dict", "object"])
async def test_loaders_live_in_the_context_until_they_load(context: Any) -> None:
    query = "{ leaves(numbers: [1, 1, 2]) { next { number } } }"
    engine = Engine(LEAVES, compiles=False)
    for _ in range(2):
        outcome = await engine.operation(parse(query)).run(context=context)
        assert outcome.data == {"leaves": [{"next": {"number": n}} for n in (2, 2, 3)]}
    loaders = context["executor_loaders"] if isinstance(context, dict) else context.executor_loaders
    assert loaders == {}  # They know the context, which would hold itself by them.


# What a batch function has to look like.


def test_a_batch_function_takes_parents_and_info() -> None:
    async def alone(parents: Sequence[Any]) -> list[int]:
        return [0 for _ in parents]

    with pytest.raises(TypeError, match=r"alone: a batch function takes the parents and a Batch"):
        batched()(alone)


@pytest.mark.parametrize(
    ("answer", "element"),
    [
        ("list[int]", "int"),
        ("Sequence[list[Leaf] | None]", "list[Leaf] | None"),
        ("typing.List[Leaf]", "Leaf"),
        (list[int], int),
        (Sequence[str], str),
    ],
)
def test_an_element_of_its_answer_is_the_fields_type(answer: Any, element: Any) -> None:
    async def fetch(parents: Sequence[Any], info: BatchInfo) -> Any:
        return [info for _ in parents]

    fetch.__annotations__["return"] = answer
    resolver: Any = batched()(fetch).base_resolver
    assert resolver.wrapped_func.__signature__.return_annotation == element
    assert resolver.wrapped_func.batch is fetch


@pytest.mark.parametrize("answer", ["int", "dict[str, int]", int, dict[str, int], None])
def test_it_is_annotated_to_return_a_list(answer: Any) -> None:
    async def fetch(parents: Sequence[Any], info: BatchInfo) -> Any:
        return [info for _ in parents]

    fetch.__annotations__["return"] = answer
    with pytest.raises(TypeError, match=r"fetch: a batch function is annotated to return list"):
        batched()(fetch)


# Looking ahead.


@strawberry.type
class Ahead:
    name: str = ""

    @strawberry.field
    def deeper(self) -> Ahead | None:
        return None


@strawberry.type
class AheadQuery:
    @strawberry.field
    def look(self, info: strawberry.Info) -> list[Ahead]:
        info.context.append(sorted(selected(info)))
        return []


AHEAD = strawberry.Schema(AheadQuery)


@both
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("{ look { name } }", ["name"]),
        ("{ look { a: name b: name } }", ["name"]),
        ("{ look { __typename } }", ["__typename"]),
        (
            "{ look { x: deeper { deeper { y: name } } } }",
            ["deeper", "deeper.deeper", "deeper.deeper.name"],
        ),
        ("{ look { name } ...F } fragment F on AheadQuery { look { deeper { name } } }",
         ["deeper", "deeper.name", "name"]),
        ("{ look { ...A deeper { ...A } } } fragment A on Ahead { name }",
         ["deeper", "deeper.name", "name"]),
        ("{ look { ... { name } ... on Ahead { deeper { name } } } }",
         ["deeper", "deeper.name", "name"]),
        ("{ look { name @skip(if: true) deeper @include(if: true) { name } } }",
         ["deeper", "deeper.name"]),
        ("query ($no: Boolean = false) { look { name @include(if: $no) deeper { name } } }",
         ["deeper", "deeper.name"]),
        ("{ look { ...A @skip(if: true) __typename } } fragment A on Ahead { name }",
         ["__typename"]),
        ("{ look { ... @include(if: false) { name } __typename } }", ["__typename"]),
    ],
)  # fmt: skip
async def test_selected_names_what_is_asked_below(
    query: str, names: list[str], compiles: bool
) -> None:
    context: list[list[str]] = []
    outcome = await run(query, compiles=compiles, schema=AHEAD, context=context)
    assert outcome.errors is None
    assert context == [names]


@both
async def test_looking_ahead_walks_each_fragment_once(compiles: bool) -> None:
    depth = 40
    chain = " ".join(f"fragment F{n} on Ahead {{ ...F{n + 1} ...F{n + 1} }}" for n in range(depth))
    query = f"{{ look {{ ...F0 }} }} {chain} fragment F{depth} on Ahead {{ name }}"
    context: list[list[str]] = []
    await run(query, compiles=compiles, schema=AHEAD, context=context)
    assert context == [["name"]]


@both
async def test_a_batch_looks_ahead_too(compiles: bool) -> None:
    context: dict[str, Any] = {"told": []}
    query = "{ leaves(numbers: [1, 2]) { ahead { n: number ...F } } } fragment F on Leaf { plain }"
    await run(query, compiles=compiles, schema=LEAVES, context=context)
    assert context["told"] == [frozenset({"number", "plain"})]
