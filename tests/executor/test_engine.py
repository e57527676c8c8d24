"""An engine's figures, the plans of its operations, and what a defect of the compiler costs."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse

from executor import operation as operations
from executor.engine import Engine
from executor.plan import NotCompilable, Plan
from executor.program import Surroundings
from tests.executor.library import SCHEMA

PLAIN = build_schema("type Query { a: String must: String! }")


async def test_an_engine_counts_the_runs_of_all_its_operations() -> None:
    engine = Engine(PLAIN)
    for root in ({"a": "A"}, {"a": RuntimeError("no")}, {"a": "B"}):
        await engine.operation(parse("{ a }")).run(root=root)
    await engine.operation(parse("{ __schema { __typename } }")).run()
    figures = engine.figures
    assert (figures.compiled, figures.fallbacks, figures.interpreted) == (2, 1, 2)


async def test_graphql_core_alone_is_the_reference() -> None:
    engine = Engine(PLAIN, compiles=False)
    operation = engine.operation(parse("{ a }"))
    assert (await operation.run(root={"a": "A"})).data == {"a": "A"}
    assert operation.prepare() == []
    assert (engine.figures.compiled, engine.figures.interpreted) == (0, 1)


def test_an_operation_is_planned_for_its_conditions() -> None:
    text = "query ($a: Boolean!, $n: Int!) { books { title @skip(if: $a) } book(id: $n) { title } }"
    operation = Engine(SCHEMA).operation(parse(text))
    assert operation.conditions == ("a",)
    with_title = operation.plan({"a": False})
    assert [each.name for each in with_title.selections[1].fields] == ["title"]
    assert operation.plan({"a": True}).selections[1].fields == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subscription { returned }", "A subscription."),
        ("query @include(if: true) { books { title } }", "Directives on the operation."),
        ("{ __schema { __typename } }", "Introspection."),
    ],
)
def test_what_has_no_plan_says_why(text: str, reason: str) -> None:
    operation = Engine(SCHEMA).operation(parse(text))
    with pytest.raises(NotCompilable) as caught:
        operation.plan({})
    assert str(caught.value) == reason
    assert operation.prepare() == []


def test_fragments_with_variables_are_graphql_cores() -> None:
    text = "{ ...F(n: 1) } fragment F($n: Int) on Query { books { title } }"
    document = parse(text, experimental_fragment_arguments=True)
    with pytest.raises(NotCompilable, match=r"^Fragments with variables\.$"):
        Engine(SCHEMA).operation(document).plan({})


async def test_a_defect_of_the_compiler_costs_speed_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_plan: Plan, _surroundings: Surroundings) -> Any:
        raise KeyError("a defect")

    monkeypatch.setattr(operations, "compile_plan", broken)
    operation = Engine(PLAIN).operation(parse("query Q { a }"))
    with caplog.at_level(logging.ERROR, logger=operations.__name__):
        for _ in range(2):
            assert (await operation.run(root={"a": "A"})).data == {"a": "A"}
    # It is tried once, and told once.
    [told] = caplog.records
    assert told.message == "An operation could not be compiled."
    assert told.__dict__["operation"] == "Q"
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], KeyError)
    assert operation.figures.interpreted == 2


def test_a_schema_of_either_library_is_taken() -> None:
    assert isinstance(Engine(SCHEMA).schema, GraphQLSchema)
    assert Engine(SCHEMA).schema is SCHEMA._schema
    assert Engine(PLAIN).schema is PLAIN
