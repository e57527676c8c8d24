"""Resolvers: the default one, those that wait, and what each is told of where it stands."""

import asyncio
from collections import UserDict, namedtuple
from collections.abc import Callable, Generator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLResolveInfo, print_ast
from graphql.pyutils import Path

from tests.executor.cases.check import Case, Told, both, check, error, made, run, table

ONE = made("type Query { test(n: Int): String deep: Query deeps: [Query] }")


class Held:
    """Has its value as an attribute, a property, a method and more."""

    test = "value"

    def __init__(self, **others: Any) -> None:
        self.__dict__.update(others)


class Computed:
    """Computes it."""

    @property
    def test(self) -> str:
        return "value"


class Methodical:
    """Has a method for it, and knows things."""

    secret = "value"

    def test(self, info: Any) -> str:
        return self.secret


class Later(Methodical):
    """Has a method that comes later."""

    async def test(self, info: Any) -> str:  # type: ignore[override]
        return self.secret


class Static:
    """Needs no self."""

    @staticmethod
    def test(info: Any) -> str:
        return "value" if info.path.key == "test" else "elsewhere"


class Dynamic:
    """Makes up what is asked for."""

    def __getattr__(self, name: str) -> str:
        if name != "test":
            raise AttributeError(name)
        return "value"


class Slotted:
    """Has no dict."""

    __slots__ = ("test",)

    def __init__(self) -> None:
        self.test = "value"


class Failing:
    """Fails when it is read, in two ways."""

    @property
    def test(self) -> str:
        raise RuntimeError("unreadable")

    @property
    def deep(self) -> str:
        raise AttributeError("missing")


class Awaited:
    """Can be awaited, though it's no coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.sleep(0, self.value).__await__()


SOURCES: dict[str, Callable[[], Any]] = {
    "attribute": Held,
    "instance attribute": lambda: Held(test="value"),
    "slot": Slotted,
    "property": Computed,
    "dynamic attribute": Dynamic,
    "namespace": lambda: SimpleNamespace(test="value"),
    "named tuple": lambda: namedtuple("Named", "test")("value"),  # noqa: PYI024
    "dict": lambda: {"test": "value"},
    "mapping": lambda: UserDict(test="value"),
    "method": Methodical,
    "static method": Static,
    "async method": Later,
    "function in a dict": lambda: {"test": lambda _: "value"},
    "partial in a dict": lambda: {"test": partial(lambda value, _: value, "value")},
    "function in an attribute": lambda: Held(test=lambda _: "value"),
    "coroutine": lambda: {"test": asyncio.sleep(0, "value")},
    "awaitable object": lambda: {"test": Awaited("value")},
    "method that gives an awaitable": lambda: {"test": lambda _: Awaited("value")},
    "task": lambda: {"test": asyncio.ensure_future(asyncio.sleep(0, "value"))},
}


@both
@pytest.mark.parametrize("source", SOURCES)
async def test_the_default_resolver_finds_the_value(source: str, compiles: bool) -> None:
    await check(
        ONE, Case("", "{ test }", {"test": "value"}, root=SOURCES[source]), compiles=compiles
    )
    nested = Case(
        "",
        "{ deep { test } }",
        {"deep": {"test": "value"}},
        root=lambda: {"deep": SOURCES[source]()},
    )
    await check(ONE, nested, compiles=compiles)


@both
@table(
    Case("nothing there", "{ test }", {"test": None}, root=dict),
    Case("no such attribute", "{ test }", {"test": None}, root=lambda: 5),
    Case("no root value", "{ test deep { test } }", {"test": None, "deep": None}),
    Case(
        "a property that fails, and one that pretends not to be there",
        "{ test deep { test } }",
        {"test": None, "deep": None},
        (error("unreadable", "test", at="test#1"),),
        root=Failing,
    ),
    Case(
        "a method that doesn't take the arguments",
        "{ test(n: 1) }",
        {"test": None},
        (error("Methodical.test() got an unexpected keyword argument 'n'", "test"),),
        root=Methodical,
    ),
    Case(
        "a method that takes more",
        "{ test }",
        {"test": None},
        (error("expected(): missing n", "test"),),
        root=lambda: {"test": expecting},
    ),
    Case(
        "an argument and the context",
        "{ test(n: 80) }",
        {"test": "789"},
        root=lambda: {"test": lambda info, n: 700 + n + info.context["addend"]},
        context={"addend": 9},
    ),
)
async def test_the_default_resolver(case: Case, compiles: bool) -> None:
    await check(ONE, case, compiles=compiles)


def expecting(info: Any, **arguments: Any) -> None:
    if "n" not in arguments:
        raise TypeError("expected(): missing n")


@both
async def test_a_resolver_of_the_schema_goes_before_the_source(compiles: bool) -> None:
    schema = made(
        "type Query { test(text: String, number: Int): String }",
        {"Query.test": lambda source, _, **arguments: repr([source, arguments])},
    )
    for query, root, answer in (
        ("{ test }", None, "[None, {}]"),
        ("{ test }", {"test": "no"}, "[{'test': 'no'}, {}]"),
        ('{ test(number: -1, text: "a") }', "S", "['S', {'text': 'a', 'number': -1}]"),
    ):
        case = Case("", query, {"test": answer}, root=partial(returned, root))
        await check(schema, case, compiles=compiles)


@both
async def test_fields_that_wait_and_fields_that_do_not(compiles: bool) -> None:
    """The answer keeps the order of the query, whatever order values come in."""
    schema = made("type Query { a: String b: String c: String d: String e: String }")

    class Data:
        def __init__(self) -> None:
            self.slow: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def b(self, info: Any) -> str:
            return await self.slow

        def c(self, info: Any) -> str:
            return "c"

        async def d(self, info: Any) -> str:
            self.slow.set_result("b")
            return "d"

        a, e = "a", Awaited("e")

    names = {name: name for name in "abcde"}
    await check(schema, Case("", "{ a b c d e }", names, root=Data), compiles=compiles)


def described(info: GraphQLResolveInfo[Any]) -> dict[str, Any]:
    """Return all that a resolver is told, as text where it has one."""
    path: Path | None = info.path
    types: list[str | None] = []
    while path is not None:
        types.append(path.typename)
        path = path.prev
    return {
        "name": info.field_name,
        "nodes": [print_ast(node) for node in info.field_nodes],
        "returns": str(info.return_type),
        "parent": info.parent_type.name,
        "path": info.path.as_list(),
        "types": types[::-1],
        "fragments": sorted(info.fragments),
        "operation": info.operation.name and info.operation.name.value,
        "variables": dict(info.variable_values.coerced),
    }


TREE = """
type Query { test(n: Int): String deep: Query deeps: [Query!]! any: [Any] named: Named }
interface Named { test: String }
type Thing implements Named { test: String inner: Thing }
union Any = Thing
"""


async def seen(
    query: str, root: Any, *, compiles: bool, **variables: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Run a query; return its data and what the resolvers of `test` were told."""
    infos: list[Any] = []

    def resolve(source: Any, info: Any, **_: Any) -> str:
        infos.append(info)
        return "x"

    parts = {"Query.test": resolve, "Thing.test": resolve, "Any": thing, "Named": thing}
    schema = made(TREE, parts)
    outcome = await run(schema, query, compiles=compiles, root=root, variables=variables)
    assert outcome.errors is None
    assert all(info.schema is schema for info in infos)
    assert all(info.root_value is root for info in infos)
    assert all(info.is_awaitable(asyncio.sleep) is False for info in infos)
    assert all(info.abort_signal is None for info in infos)
    return outcome.data, [described(info) for info in infos]


def thing(*_: Any) -> str:
    return "Thing"


@both
async def test_what_a_root_resolver_is_told(compiles: bool) -> None:
    query = "query Find($n: Int = 3) { found: test(n: $n) ...F } fragment F on Query { __typename }"
    data, [told] = await seen(query, {}, compiles=compiles)
    assert data == {"found": "x", "__typename": "Query"}
    assert told == {
        "name": "test",
        "nodes": ["found: test(n: $n)"],
        "returns": "String",
        "parent": "Query",
        "path": ["found"],
        "types": ["Query"],
        "fragments": ["F"],
        "operation": "Find",
        "variables": {"n": 3},
    }


@both
async def test_where_a_resolver_stands(compiles: bool) -> None:
    query = """{
      a: deep { b: deeps { test } } any { ... on Thing { inner { c: test } } } named { test }
    }"""
    root: dict[str, Any] = {
        "deep": {"deeps": [{}, {}]},
        "any": [None, {"inner": {}}],
        "named": {},
    }
    data, told = await seen(query, root, compiles=compiles)
    assert data["any"] == [None, {"inner": {"c": "x"}}]
    places = sorted((each["path"], each["types"], each["parent"]) for each in told)
    assert places == [
        (["a", "b", 0, "test"], ["Query", "Query", None, "Query"], "Query"),
        (["a", "b", 1, "test"], ["Query", "Query", None, "Query"], "Query"),
        (["any", 1, "inner", "c"], ["Query", None, "Thing", "Thing"], "Thing"),
        (["named", "test"], ["Query", "Thing"], "Thing"),
    ]


@both
async def test_all_nodes_of_a_field_are_told(compiles: bool) -> None:
    """And none that @skip left out."""
    query = """query ($no: Boolean!) {
      deep { test } deep { test @skip(if: $no) ...F } ... { deep { test @include(if: $no) } }
    }
    fragment F on Query { test test @skip(if: true) }"""
    data, [told] = await seen(query, {"deep": {}}, compiles=compiles, no=True)
    assert data == {"deep": {"test": "x"}}
    assert told["nodes"] == ["test", "test", "test @include(if: $no)"]
    data, [told] = await seen(query, {"deep": {}}, compiles=compiles, no=False)
    assert told["nodes"] == ["test", "test @skip(if: $no)", "test"]
    assert told["variables"] == {"no": False}


@both
async def test_variables_are_told_as_they_were_coerced(compiles: bool) -> None:
    query = """query ($n: Int, $m: Int = 5, $none: Int) {
      a: test(n: $n) b: test(n: $m) c: test(n: $none)
    }"""
    _, told = await seen(query, None, compiles=compiles, n=1.0, unknown=9)
    assert [each["variables"] for each in told] == [{"n": 1, "m": 5}] * 3


@both
async def test_the_very_objects_are_passed_on(compiles: bool) -> None:
    got: list[tuple[Any, Any, Any]] = []

    def resolve(source: Any, info: Any) -> Any:
        got.append((source, info.root_value, info.context))
        return source.get("deep")

    schema = made(
        "type Query { deep: Query test: String }", {"Query.deep": resolve, "Query.test": resolve}
    )
    context, root = object(), {"deep": {"deep": None}}
    outcome = await run(schema, "{ deep { test } }", compiles=compiles, root=root, context=context)
    assert outcome.data == {"deep": {"test": None}}
    assert [
        source is expected
        for (source, _, _), expected in zip(got, [root, root["deep"]], strict=True)
    ] == [True] * 2
    assert all(each is root and held is context for _, each, held in got)


@both
async def test_helpers_of_info(compiles: bool) -> None:
    """graphql-core lets resolvers gather what they wait for, and leave work to finish by itself."""
    done: list[str] = []

    async def part(name: str) -> str:
        done.append(name)
        return name

    async def gathers(source: Any, info: Any) -> str:
        helpers = info.async_helpers
        return "".join(await helpers.gather([part("a"), part("b")]))

    def tracks(source: Any, info: Any) -> str:
        info.async_helpers.track([asyncio.ensure_future(part("c"))])
        return "tracked"

    schema = made("type Query { a: String b: String }", {"Query.a": gathers, "Query.b": tracks})
    outcome = await run(schema, "{ a }", compiles=compiles)
    assert (outcome.data, done) == ({"a": "ab"}, ["a", "b"])
    outcome = await run(schema, "{ b }", compiles=compiles)
    assert outcome.data == {"b": "tracked"}


ONCE: dict[str, tuple[str, Callable[[], Any], Any]] = {
    "a coroutine in a dict": ("test", lambda: {"test": soon("x")}, {"test": "x"}),
    "a coroutine in an object": ("test", lambda: Held(test=soon("x")), {"test": "x"}),
    "a method's coroutine": ("test", Later, {"test": "value"}),
    "coroutines in a list": (
        "deeps { test }",
        lambda: {"deeps": [soon({"test": "x"}), soon(None)]},
        {"deeps": [{"test": "x"}, None]},
    ),
    "one coroutine in a list": (
        "deeps { test }",
        lambda: {"deeps": [{"test": "x"}, soon({"test": "y"})]},
        {"deeps": [{"test": "x"}, {"test": "y"}]},
    ),
    "a coroutine with coroutines": (
        "deeps { test }",
        lambda: {"deeps": soon([{"test": soon("x")}, {"test": soon("y")}])},
        {"deeps": [{"test": "x"}, {"test": "y"}]},
    ),
    "a generator": (
        "deeps { test }",
        lambda: {"deeps": ({"test": text} for text in "xy")},
        {"deeps": [{"test": "x"}, {"test": "y"}]},
    ),
    "an iterator in an object": (
        "deeps { test }",
        lambda: Held(deeps=iter([{"test": "x"}])),
        {"deeps": [{"test": "x"}]},
    ),
}


def returned(value: Any) -> Any:
    return value


NOT_COMPILED = (
    "coroutines in a list",
    "one coroutine in a list",
    "a generator",
    "an iterator in an object",
)


async def soon(value: Any) -> Any:
    return value


def boom(*_: Any) -> None:
    raise RuntimeError("boom")


BOOM = error("boom", "boom")
SHAPES: dict[str, tuple[str, Callable[[Any], Any], tuple[Told, ...]]] = {
    "and nothing fails": ("{{ deep {{ {} }} }}", lambda data: {"deep": data}, ()),
    "and a field before it fails": (
        "{{ boom deep {{ {} }} }}",
        lambda data: {"boom": None, "deep": data},
        (BOOM,),
    ),
    "and a field after it fails": (
        "{{ deep {{ {} }} boom }}",
        lambda data: {"deep": data, "boom": None},
        (BOOM,),
    ),
    "and a field beside it fails": (
        "{{ deep {{ {} boom }} }}",
        lambda data: {"deep": {**data, "boom": None}},
        (error("boom", "deep", "boom"),),
    ),
    "and a late field beside it fails": (
        "{{ deep {{ {} boomLater }} }}",
        lambda data: {"deep": {**data, "boomLater": None}},
        (error("boom", "deep", "boomLater"),),
    ),
}


async def boom_later(*_: Any) -> None:
    boom()


@both
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("once", ONCE)
async def test_what_can_be_taken_only_once_is_taken_once(
    once: str, shape: str, compiles: bool
) -> None:
    """Whatever compiled code has taken already, graphql-core can still answer with."""
    selection, make, answer = ONCE[once]
    query, data, errors = SHAPES[shape]
    schema = made(
        "type Query { test: String deep: Query deeps: [Query] boom: Int boomLater: Int }",
        {"Query.boom": boom, "Query.boomLater": boom_later},
    )
    case = Case(
        "",
        query.format(selection),
        data(answer),
        errors,
        root=lambda: {"deep": make()},
        is_compiled=once not in NOT_COMPILED,
    )
    await check(schema, case, compiles=compiles)
