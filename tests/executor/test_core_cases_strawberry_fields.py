"""Strawberry's fields: their parents, `info`, loaders in the context, and subscriptions."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain
from typing import Any, cast

import pytest
import strawberry
from graphql import parse
from strawberry.dataloader import DataLoader
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from executor.engine import Engine
from executor.outcome import Outcome
from tests.executor.cases.check import Case, both, check, error, run, table


def outside(root: Any) -> str:
    """Resolve by the name of the parent alone."""
    return f"outside of {root.name}"


def with_parent(parent: strawberry.Parent[Any]) -> str:
    return f"parent {parent.name}"


async def later_outside(root: Any) -> str:
    await asyncio.sleep(0)
    return f"later outside of {root.name}"


@strawberry.type
class Node:
    name: str
    hidden: strawberry.Private[str] = "hidden"
    from_outside: str = strawberry.field(resolver=outside)
    from_parent: str = strawberry.field(resolver=with_parent)
    from_later: str = strawberry.field(resolver=later_outside)
    renamed: str = strawberry.field(name="anotherName", default="renamed")

    @strawberry.field
    def of_self(self) -> str:
        return f"{self.hidden} {self.name}"

    @strawberry.field
    @staticmethod
    def of_nobody() -> str:
        return "static"

    @strawberry.field
    def child(self, name: str) -> "Node":
        return Node(name=f"{self.name}.{name}")

    @strawberry.field
    async def children(self, names: list[str]) -> list["Node"]:
        return [Node(name=name) for name in names]

    @strawberry.field
    def told(self, info: strawberry.Info, n: int = 1) -> str:
        info.context.append((self.name, info))
        return "told"

    @strawberry.field
    def nothing(self) -> None:
        """Answer with Strawberry's Void."""

    @strawberry.field
    def fails(self) -> int:
        raise KeyError(self.name)


class Computed(Node):
    """A subclass that Strawberry knows nothing of; its name is computed."""

    @property
    def name(self) -> str:
        return "computed"

    @name.setter
    def name(self, value: str) -> None:
        assert value == "given"


NODES = strawberry.Schema(Node)


def node() -> Node:
    return Node(name="a")


@both
@table(
    Case(
        "every way to reach the parent",
        "{ name ofSelf ofNobody fromOutside fromParent fromLater anotherName __typename }",
        {
            "name": "a",
            "ofSelf": "hidden a",
            "ofNobody": "static",
            "fromOutside": "outside of a",
            "fromParent": "parent a",
            "fromLater": "later outside of a",
            "anotherName": "renamed",
            "__typename": "Node",
        },
        root=node,
    ),
    Case(
        "below objects and lists",
        """{
          child(name: "b") { ofSelf child(name: "c") { name fromLater } }
          children(names: ["x", "y"]) { fromOutside fromLater child(name: "z") { name } }
        }""",
        {
            "child": {
                "ofSelf": "hidden a.b",
                "child": {"name": "a.b.c", "fromLater": "later outside of a.b.c"},
            },
            "children": [
                {
                    "fromOutside": f"outside of {name}",
                    "fromLater": f"later outside of {name}",
                    "child": {"name": f"{name}.z"},
                }
                for name in "xy"
            ],
        },
        root=node,
    ),
    Case(
        "a subclass with a property",
        "{ name ofSelf fromOutside }",
        {"name": "computed", "ofSelf": "hidden computed", "fromOutside": "outside of computed"},
        root=lambda: Computed(name="given"),
    ),
    Case("no value", "{ nothing }", {"nothing": None}, root=node),
    Case(
        "a resolver that fails",
        '{ children(names: ["x", "y"]) { fails } }',
        None,
        (error("'x'", "children", 0, "fails"),),
        root=node,
    ),
    Case(
        "a root without the attribute",
        "{ name }",
        None,
        (error("'int' object has no attribute 'name'", "name"),),
        root=lambda: 5,
    ),
    Case(
        "no root value at all",
        "{ ofNobody name }",
        None,
        (error("'NoneType' object has no attribute 'name'", "name"),),
    ),
)
async def test_fields_and_their_parents(case: Case, compiles: bool) -> None:
    await check(NODES, case, compiles=compiles)


@both
async def test_what_info_tells(compiles: bool) -> None:
    seen: list[Any] = []
    query = """query Ask($n: Int! = 5, $no: Boolean = true) {
      children(names: ["x"]) { name a: told(n: $n) @skip(if: false) ...F }
      child(name: "b") { told @include(if: $no) }
    }
    fragment F on Node { a: told(n: $n) }"""
    root = node()
    outcome = await run(
        NODES, query, compiles=compiles, root=root, context=seen, variables={"n": 7}
    )
    assert outcome.data == {"children": [{"name": "x", "a": "told"}], "child": {"told": "told"}}
    infos: dict[str, Any] = dict(seen)
    info = infos["x"]
    assert (info.field_name, info.python_name) == ("told", "told")
    assert info.path.as_list() == ["children", 0, "a"]
    assert info.path.typename == "Node"
    assert infos["a.b"].path.as_list() == ["child", "told"]
    assert info.variable_values == {"n": 7, "no": True}
    assert info.context is seen
    assert info.root_value is root
    assert info.schema is NODES
    assert info.return_type is str
    assert info.operation.name is not None
    assert info.operation.name.value == "Ask"
    assert info.query == query
    assert info.input_extensions is None
    assert info.get_argument_definition("n") is not None
    assert info.get_argument_definition("m") is None
    assert [(each.name, each.alias, each.arguments) for each in info.selected_fields] == [
        ("told", "a", {"n": 7})
    ] * 2
    assert [node.loc is not None for node in info._raw_info.field_nodes] == [True, True]
    assert sorted(info._raw_info.fragments) == ["F"]


@both
async def test_selected_fields_look_ahead(compiles: bool) -> None:
    seen: list[Any] = []

    def look(selections: Any) -> list[tuple[str, Any]]:
        return [
            (getattr(each, "name", None) or each.type_condition, look(each.selections))
            for each in selections
        ]

    @strawberry.type
    class Query:
        @strawberry.field
        def node(self, info: strawberry.Info) -> Node:
            seen.append(look(info.selected_fields))
            return node()

    query = """{ node { name child(name: "b") { ofSelf ... on Node { name } } } ...F }
    fragment F on Query { node { ofNobody } }"""
    outcome = await run(strawberry.Schema(Query), query, compiles=compiles)
    assert outcome.errors is None
    child: tuple[str, Any] = ("child", [("ofSelf", []), ("Node", [("name", [])])])
    assert seen[-1] == [("node", [("name", []), child]), ("node", [("ofNobody", [])])]


@both
async def test_a_default_resolver_and_an_info_class_of_ones_own(compiles: bool) -> None:
    class OurInfo(strawberry.Info):
        """Knows who asks."""

        @property
        def who(self) -> str:
            return f"who {self.context}"

    @strawberry.type
    class Item:
        some_name: str
        of_list: list[int]

        @strawberry.field
        def who(self, info: OurInfo) -> str:
            return info.who

    @strawberry.type
    class Query:
        @strawberry.field
        def item(self) -> Item:
            return cast("Item", {"some_name": "x", "of_list": [1, 2]})

    config = StrawberryConfig(
        auto_camel_case=False,
        default_resolver=lambda source, name: source[name],
        info_class=OurInfo,
    )
    schema = strawberry.Schema(Query, config=config)
    data = {"item": {"some_name": "x", "of_list": [1, 2], "who": "who ann"}}
    case = Case("", "{ item { some_name of_list who } }", data, context="ann")
    await check(schema, case, compiles=compiles)


# Loaders in the context, and subscriptions.


def loading() -> tuple[DataLoader[int, str], list[list[int]]]:
    batches: list[list[int]] = []

    async def load(keys: list[int]) -> list[str | Exception]:
        batches.append(keys)
        return [f"word {key}" if key < 100 else LookupError(f"no {key}") for key in keys]

    return DataLoader(load_fn=load), batches


@strawberry.type
class Word:
    key: int

    @strawberry.field
    async def text(self, info: strawberry.Info) -> str | None:
        return str(await info.context.load(self.key))

    @strawberry.field
    def future(self, info: strawberry.Info) -> str | None:
        pending: Any = info.context.load(self.key)
        return pending  # type: ignore[no-any-return]

    @strawberry.field
    async def next(self, info: strawberry.Info) -> list["Word"]:
        await info.context.load(self.key + 1)
        return [Word(key=self.key + 1), Word(key=self.key + 2)]


@strawberry.type
class WordQuery:
    @strawberry.field
    def words(self, keys: list[int]) -> list[Word]:
        return [Word(key=key) for key in keys]


class IsKnown(BasePermission):
    """Lets those pass who bring a loader."""

    message = "Not known."

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return info.context is not None


@strawberry.type
class WordSubscription:
    @strawberry.subscription
    async def count(self, info: strawberry.Info, to: int = 2) -> AsyncIterator[Word]:
        for key in range(to):
            yield Word(key=key)

    @strawberry.subscription(permission_classes=[IsKnown])
    async def guarded(self, info: strawberry.Info) -> AsyncIterator[int]:
        yield 1


WORDS = strawberry.Schema(WordQuery, subscription=WordSubscription)


@both
@pytest.mark.parametrize("field", ["text", "future"])
async def test_a_level_is_loaded_at_once(field: str, compiles: bool) -> None:
    loader, batches = loading()
    query = f"{{ words(keys: [1, 2, 1]) {{ {field} next {{ {field} }} }} }}"
    outcome = await run(WORDS, query, compiles=compiles, context=loader)
    assert outcome.errors is None
    assert outcome.data == {
        "words": [
            {field: f"word {key}", "next": [{field: f"word {key + 1}"}, {field: f"word {key + 2}"}]}
            for key in (1, 2, 1)
        ]
    }
    # How many batches it takes is a matter of time; no key is loaded twice.
    assert sorted(chain(*batches)) == [1, 2, 3, 4]
    assert batches[0][:2] == [1, 2]


@both
@pytest.mark.parametrize("field", ["text", "future"])
async def test_a_key_that_fails_to_load(field: str, compiles: bool) -> None:
    loader, batches = loading()
    query = f"{{ words(keys: [1, 100]) {{ {field} }} }}"
    outcome = await run(WORDS, query, compiles=compiles, context=loader)
    assert outcome.data == {"words": [{field: "word 1"}, {field: None}]}
    assert [each.message for each in outcome.errors or []] == ["no 100"]
    assert batches == [[1, 100]]


@both
async def test_subscriptions(compiles: bool) -> None:
    loader, _ = loading()
    operation = Engine(WORDS, compiles=compiles).operation(
        parse("subscription ($to: Int!) { count(to: $to) { key text } }")
    )
    stream = await operation.subscribe({"to": 2}, context=loader)
    assert not isinstance(stream, Outcome)
    assert [each.data async for each in stream] == [
        {"count": {"key": key, "text": f"word {key}"}} for key in (0, 1)
    ]


@both
async def test_a_subscription_that_is_not_granted(compiles: bool) -> None:
    operation = Engine(WORDS, compiles=compiles).operation(parse("subscription { guarded }"))
    outcome = await operation.subscribe()
    assert isinstance(outcome, Outcome)
    assert [(each.message, each.path) for each in outcome.errors or []] == [
        ("Not known.", ["guarded"])
    ]
    stream = await operation.subscribe(context=loading()[0])
    assert not isinstance(stream, Outcome)
    assert [each.data async for each in stream] == [{"guarded": 1}]
