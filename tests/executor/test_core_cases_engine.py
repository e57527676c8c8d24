"""When an operation is compiled, when it stops trying, and what it leaves to graphql-core."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import strawberry
from graphql import GraphQLSchema, parse, specified_directives, validate
from graphql.type.directives import GraphQLDeferDirective, GraphQLStreamDirective
from strawberry.schema.config import StrawberryConfig

from executor import operation as operations
from executor.engine import Engine
from tests.executor.cases.check import Case, both, check, error, made, table

SCHEMA = made("type Query { a: String b: String must: String! deep: Query list: [String] }")


@both
@table(
    Case(
        "a type",
        '{ __type(name: "Query") { kind name fields { name type { name kind } } } }',
        {
            "__type": {
                "kind": "OBJECT",
                "name": "Query",
                "fields": [
                    {"name": "a", "type": {"name": "String", "kind": "SCALAR"}},
                    {"name": "b", "type": {"name": "String", "kind": "SCALAR"}},
                    {"name": "must", "type": {"name": None, "kind": "NON_NULL"}},
                    {"name": "deep", "type": {"name": "Query", "kind": "OBJECT"}},
                    {"name": "list", "type": {"name": None, "kind": "LIST"}},
                ],
            }
        },
    ),
    Case("no such type", '{ __type(name: "Nope") { name } }', {"__type": None}),
    Case(
        "the schema, beside a field",
        "{ a __schema { queryType { name } mutationType { name } } }",
        {"a": "A", "__schema": {"queryType": {"name": "Query"}, "mutationType": None}},
        root=lambda: {"a": "A"},
    ),
    Case(
        "beside one that fails",
        "{ must __schema { queryType { name } } }",
        None,
        (error("Cannot return null for non-nullable field Query.must.", "must"),),
    ),
)
async def test_introspection(case: Case, compiles: bool) -> None:
    await check(SCHEMA, replace(case, is_compiled=False), compiles=compiles)


LATER: dict[str, Any] = {
    "{ a ... @defer { deep { a } } }": {"a": "A", "deep": {"a": "A"}},
    "{ deep { ... @defer { a } } a }": {"deep": {"a": "A"}, "a": "A"},
    "{ ...F @defer } fragment F on Query { a }": {"a": "A"},
    "{ list @stream(initialCount: 1) }": {"list": ["x", "y"]},
    "{ a ... @defer(if: false) { deep { a } } }": {"a": "A", "deep": {"a": "A"}},
}


@both
@pytest.mark.parametrize("fails", [False, True], ids=["", "and something fails"])
@pytest.mark.parametrize("query", LATER)
async def test_what_may_come_later_comes_at_once(query: str, fails: bool, compiles: bool) -> None:
    """@defer and @stream are hints; an outcome is one answer."""
    schema = GraphQLSchema(
        SCHEMA.query_type,
        directives=[*specified_directives, GraphQLDeferDirective, GraphQLStreamDirective],
    )
    root = {"a": "A", "deep": {"a": "A"}, "list": ["x", "y"], "b": RuntimeError("no")}
    case = Case("", query, LATER[query], root=lambda: root)
    if fails:
        failing = "{ bad: b " + query[1:]
        data = {"bad": None, **LATER[query]}
        case = Case("", failing, data, (error("no", "bad"),), root=lambda: root)
    await check(schema, case, compiles=compiles)


@both
async def test_the_same_with_strawberry(compiles: bool) -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def a(self) -> str:
            return "A"

        @strawberry.field
        def fails(self) -> str | None:
            raise RuntimeError("no")

    config = StrawberryConfig(enable_experimental_incremental_execution=True)
    schema = strawberry.Schema(Query, config=config)
    case = Case(
        "",
        "{ fails ... @defer { a } }",
        {"fails": None, "a": "A"},
        (error("no", "fails"),),
        root=Query,
    )
    await check(schema, case, compiles=compiles)


async def test_an_operation_that_always_fails_stops_trying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "PAUSE", 3)
    operation = Engine(SCHEMA).operation(parse("{ a }"))

    async def ask(given: Any) -> None:
        outcome = await operation.run(root={"a": given})
        assert outcome.data == {"a": None if isinstance(given, Exception) else "A"}

    for _ in range(operations.PATIENCE):
        await ask(RuntimeError("no"))
    assert operation.figures.fallbacks == operations.PATIENCE
    for _ in range(3):
        await ask("A")
    assert operation.figures.compiled == 0
    assert operation.figures.interpreted == operations.PATIENCE + 3
    await ask("A")
    assert operation.figures.compiled == 1


async def test_a_run_that_goes_well_restores_its_patience() -> None:
    operation = Engine(SCHEMA).operation(parse("{ a }"))
    for _ in range(3):
        for _ in range(operations.PATIENCE - 1):
            await operation.run(root={"a": RuntimeError("no")})
        await operation.run(root={"a": "A"})
    assert operation.figures.fallbacks == 3 * (operations.PATIENCE - 1)
    assert operation.figures.compiled == 3


SIX = "query ({}) {{ {} }}".format(
    ", ".join(f"$v{number}: Boolean!" for number in range(6)),
    " ".join(f"f{number}: a @include(if: $v{number})" for number in range(6)),
)


async def test_one_operation_in_more_shapes_than_it_keeps() -> None:
    """The first of them are compiled; the rest are right all the same."""
    operation = Engine(SCHEMA).operation(parse(SIX))
    for chosen in product([True, False], repeat=6):
        variables = {f"v{number}": is_there for number, is_there in enumerate(chosen)}
        outcome = await operation.run(variables, root={"a": "A"})
        assert outcome.errors is None
        assert outcome.data == {f"f{n}": "A" for n, is_there in enumerate(chosen) if is_there}
    assert operation.figures.compiled == operations.MAX_VARIANTS
    assert operation.figures.interpreted == 64 - operations.MAX_VARIANTS


@pytest.mark.parametrize(
    ("query", "programs"),
    [
        ("{ a }", 1),
        ("query ($x: Boolean!) { a @include(if: $x) deep { a @skip(if: $x) } }", 2),
        ("query ($x: Boolean!, $y: Boolean!) { a @include(if: $x) @skip(if: $y) }", 4),
        (SIX, operations.MAX_VARIANTS),
        ("{ a @skip(if: true) }", 1),
        ("{ __schema { queryType { name } } }", 0),
    ],
)
def test_what_is_compiled_beforehand(query: str, programs: int) -> None:
    document = parse(query)
    assert validate(SCHEMA, document) == []
    assert len(Engine(SCHEMA).operation(document).prepare()) == programs
    assert Engine(SCHEMA, compiles=False).operation(document).prepare() == []
