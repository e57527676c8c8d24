"""Errors: raised or returned, at once or late, with what they carry, and without propagation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLError, parse

from executor.engine import Engine
from tests.executor.cases.check import Case, both, check, error, made, run, table

SDL = """
directive @experimental_disableErrorPropagation on QUERY | MUTATION | SUBSCRIPTION
type Query { test: String must: String! box: Query boxMust: Query! list: [Query!] }
"""
SCHEMA = made(SDL)


class Coded(Exception):
    """An error that carries extensions, as GraphQL errors do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.extensions = {"code": "OURS"}


def raising(make: Callable[[], Exception]) -> dict[str, Callable[[], Any]]:
    """Return the ways in which a field may end in this error."""

    def now(_: Any) -> Any:
        raise make()

    async def later(_: Any) -> Any:
        raise make()

    async def returned(_: Any) -> Any:
        return make()

    async def raised() -> Any:
        raise make()

    return {
        "raised": lambda: now,
        "raised late": lambda: later,
        "returned": lambda: lambda _: make(),
        "returned late": lambda: returned,
        "as the value": make,
        "as an awaitable value": raised,
    }


WAYS = list(raising(RuntimeError))
KINDS: dict[str, tuple[Callable[[], Exception], str, dict[str, Any]]] = {
    "a plain error": (lambda: RuntimeError("no"), "no", {}),
    "one without words": (RuntimeError, "", {}),
    "one of several words": (lambda: ValueError("no", 5), "('no', 5)", {}),
    "a KeyError": (lambda: KeyError("key"), "'key'", {}),
    "one of our own": (lambda: Coded("no"), "no", {"code": "OURS"}),
    "a GraphQL error": (lambda: GraphQLError("no"), "no", {}),
    "a GraphQL error that carries more": (
        lambda: GraphQLError("no", extensions={"code": "A", "of": [1, {"b": None}]}),
        "no",
        {"code": "A", "of": [1, {"b": None}]},
    ),
    "StopIteration": (lambda: LookupError("StopIteration"), "StopIteration", {}),
    "in Chinese": (lambda: RuntimeError("不行 😀"), "不行 😀", {}),
}


@both
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_error_in_every_way(kind: str, way: str, compiles: bool) -> None:
    make, message, extensions = KINDS[kind]
    given = raising(make)[way]
    told = error(message, "test", extensions=extensions)
    case = Case("", "{ test }", {"test": None}, (told,), root=lambda: {"test": given()})
    await check(SCHEMA, case, compiles=compiles)
    path = ("box", "list", 0, "must")
    case = Case(
        "",
        "{ box { list { must } } }",
        {"box": {"list": None}},
        (error(message, *path, extensions=extensions),),
        root=lambda: {"box": {"list": [{"must": given()}]}},
    )
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize("way", WAYS)
async def test_the_error_itself_is_kept(way: str, compiles: bool) -> None:
    failure = RuntimeError("no")
    root = {"test": raising(lambda: failure)[way]()}
    outcome = await run(SCHEMA, "{ test }", compiles=compiles, root=root)
    [told] = outcome.errors or []
    assert told.original_error is failure
    assert told.__cause__ is None or told.__cause__ is failure
    assert told.path == ["test"]
    assert [node.name.value for node in told.nodes or []] == ["test"]  # type: ignore[attr-defined]


@both
async def test_a_graphql_error_that_knows_its_place_keeps_it(compiles: bool) -> None:
    """A resolver may pass on an error of another request, with the path that it had there."""
    failure = GraphQLError("no", path=["elsewhere", 3])
    root = {"test": failure}
    outcome = await run(SCHEMA, "{ test }", compiles=compiles, root=root)
    [told] = outcome.errors or []
    assert told is failure
    assert told.path == ["elsewhere", 3]


@both
@table(
    Case(
        "all places of a field are told",
        "{ box { test } ...F } fragment F on Query { box { test other: test } }",
        {"box": {"test": None, "other": None}},
        (
            error("no", "box", "test", at=("test#1", "test#2")),
            error("no", "box", "other"),
        ),
        root=lambda: {"box": {"test": RuntimeError("no")}},
    ),
    Case(
        "an alias stands in the path, and where it is written",
        "{\n  b: box {\n    c: test\n  }\n}",
        {"b": {"c": None}},
        (error("no", "b", "c"),),
        root=lambda: {"box": {"test": RuntimeError("no")}},
    ),
    Case(
        "each of a list on its own",
        "{ box { list { test } } }",
        {"box": {"list": [{"test": None}, {"test": "x"}, {"test": None}]}},
        (error("a", "box", "list", 0, "test"), error("b", "box", "list", 2, "test")),
        root=lambda: {
            "box": {
                "list": [{"test": RuntimeError("a")}, {"test": "x"}, {"test": RuntimeError("b")}]
            }
        },
    ),
    Case(
        "the same error in two places",
        "{ a: test b: test }",
        {"a": None, "b": None},
        (error("no", "a"), error("no", "b")),
        root=lambda: {"test": lambda _: RuntimeError("no")},
    ),
    Case(
        "an object that isn't one",
        "{ box { test } }",
        {"box": {"test": None}},
        root=lambda: {"box": 5},
    ),
    Case(
        "false is no null",
        "{ box { test } list { test } }",
        {"box": {"test": None}, "list": []},
        root=lambda: {"box": False, "list": ()},
    ),
    Case(
        "an error that nobody asked for stays where it is",
        "{ box { __typename } }",
        {"box": {"__typename": "Query"}},
        root=lambda: {"box": {"test": RuntimeError("no")}},
    ),
)
async def test_places_of_errors(case: Case, compiles: bool) -> None:
    await check(SCHEMA, case, compiles=compiles)


OFF = "query @experimental_disableErrorPropagation"
MUST_NULL = "Cannot return null for non-nullable field Query.must."


@both
@table(
    Case(
        "a null stays where it is",
        f"{OFF} {{ must }}",
        {"must": None},
        (error(MUST_NULL, "must"),),
        root=dict,
    ),
    Case(
        "an error stays where it is",
        f"{OFF} {{ must boxMust {{ must }} }}",
        {"must": None, "boxMust": {"must": None}},
        (
            error("no", "must", at="must#1"),
            error("no", "boxMust", "must", at="must#2"),
        ),
        root=lambda: {"must": RuntimeError("no"), "boxMust": {"must": RuntimeError("no")}},
    ),
    Case(
        "and so does one of a list",
        f"{OFF} {{ list {{ must }} }}",
        {"list": [{"must": "x"}, {"must": None}, None]},
        (
            error(MUST_NULL, "list", 1, "must"),
            error("Cannot return null for non-nullable field Query.list.", "list", 2),
        ),
        root=lambda: {"list": [{"must": "x"}, {}, None]},
    ),
    Case(
        "without the directive it climbs",
        "{ boxMust { must } }",
        None,
        (error(MUST_NULL, "boxMust", "must"),),
        root=lambda: {"boxMust": {}},
    ),
    Case(
        "nothing fails",
        f"{OFF} {{ must }}",
        {"must": "x"},
        root=lambda: {"must": "x"},
    ),
)
async def test_errors_without_propagation(case: Case, compiles: bool) -> None:
    await check(SCHEMA, replace(case, is_compiled=False), compiles=compiles)


@both
@pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit, GeneratorExit])
async def test_what_is_no_error_is_not_told_but_passed_on(
    failure: type[BaseException], compiles: bool
) -> None:
    def resolve(_: Any) -> Any:
        raise failure

    operation = Engine(SCHEMA, compiles=compiles).operation(parse("{ box { test } }"))
    run = operation.run(root={"box": {"test": resolve}})
    with pytest.raises(failure):  # By hand, for a loop would stop.
        run.send(None)


@both
async def test_an_error_without_end(compiles: bool) -> None:
    """A resolver that calls itself until Python stops it is an error like others."""

    def resolve(_: Any) -> Any:
        return resolve(_)

    outcome = await run(SCHEMA, "{ test box { test } }", compiles=compiles, root={"test": resolve})
    assert outcome.data == {"test": None, "box": None}
    [told] = outcome.errors or []
    assert isinstance(told.original_error, RecursionError)
    assert told.path == ["test"]


FRAGMENT_ARGUMENTS = """query ($n: Int!) { ...F(n: $n) box { ...F(n: 2) } }
fragment F($n: Int = 1, $yes: Boolean = true) on Query {
  echo(n: $n) more: echo(n: $n) @include(if: $yes)
}"""


@both
async def test_fragments_that_take_arguments(compiles: bool) -> None:
    """Only who parses with `experimental_fragment_arguments` has them; graphql-core runs them."""
    schema = made(
        "type Query { echo(n: Int): Int box: Query }",
        {"Query.echo": lambda _source, _info, n: n, "Query.box": lambda *_: {}},
    )
    document = parse(FRAGMENT_ARGUMENTS, experimental_fragment_arguments=True)
    outcome = await Engine(schema, compiles=compiles).operation(document).run({"n": 7})
    assert outcome.errors is None
    assert outcome.data == {"echo": 7, "more": 7, "box": {"echo": 2, "more": 2}}
