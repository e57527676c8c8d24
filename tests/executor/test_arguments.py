"""Arguments are what graphql-core makes of them, worked out beforehand where the document says."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    OperationDefinitionNode,
    build_schema,
    parse,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from executor.arguments import arguments_of
from executor.running import Fallback, Run

SCHEMA = build_schema(
    """
    enum Size { SMALL LARGE }
    input Wish { name: String! = "x", sizes: [Size!] }
    type Query {
      of(a: Int = 5, b: String, c: Boolean!, size: Size = SMALL): String
      some(a: Int!, list: [Int!] = [1], wish: Wish = {sizes: [LARGE]}): String
      none: String
    }
    """
)
FIELDS: dict[str, GraphQLField] = SCHEMA.query_type.fields  # type: ignore[union-attr]
FIELDS["of"].args["b"].out_name = "b_out"


def asked(field: str, variables: dict[str, Any] | None = None) -> tuple[Any, FieldNode, Run]:
    """Return what gives the arguments, the node, and a run with these variables."""
    declared = "$i: Int, $j: Int = 7, $s: String, $b: Boolean, $size: Size, $l: [Int!], $w: Wish"
    [operation] = parse(f"query ({declared}) {{ {field} }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    [node] = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), variables or {})
    assert isinstance(coerced, VariableValues)
    return arguments_of(FIELDS[node.name.value], node), node, Run(None, None, coerced)


def reference(node: FieldNode, run: Run) -> dict[str, Any] | None:
    try:
        return get_argument_values(FIELDS[node.name.value], node, run.variables)
    except GraphQLError:
        return None


VARIABLES: list[dict[str, Any]] = [
    {},
    {"i": 1, "j": 2, "s": "x", "b": True, "size": "LARGE", "l": [1], "w": {}},
    {"i": None, "j": None, "s": None, "b": None, "size": None, "l": None, "w": None},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=["none given", "all given", "all null"])
@pytest.mark.parametrize(
    "field",
    [
        "none",
        "of",
        "of(c: true)",
        'of(a: 1, b: "x", c: false, size: LARGE)',
        "of(a: null, b: null, c: null)",
        "of(a: $i, c: true)",
        "of(a: $j, c: true)",
        "of(c: $b, b: $s)",
        "of(c: true, size: $size)",
        "some",
        "some(a: $i)",
        "some(a: $j)",
        "some(a: 1)",
        "some(a: 1, list: 2)",
        "some(a: 1, list: $l, wish: $w)",
        "some(a: 1, list: [1, $i])",
        'some(a: 1, wish: {name: "n", sizes: [$size]})',
    ],
)
def test_arguments_are_those_of_graphql_core(field: str, variables: dict[str, Any]) -> None:
    give, node, run = asked(field, variables)
    expected = reference(node, run)
    if expected is None:
        with pytest.raises((Fallback, GraphQLError)):
            give(run)
    else:
        assert list(give(run).items()) == list(expected.items())  # In the same order, too.


def test_what_the_document_says_is_worked_out_once() -> None:
    give, _, run = asked('of(a: 1, b: "x", c: true)')
    assert give(run) is give(run)
    assert give(run) == {"a": 1, "b_out": "x", "c": True, "size": "SMALL"}


def test_what_is_written_in_the_document_is_each_calls_own() -> None:
    """A resolver may change a list or an object that it is given."""
    give, _, run = asked('some(a: 1, list: [1], wish: {name: "n"})')
    first, second = give(run), give(run)
    assert first == second
    assert first["list"] is not second["list"]
    assert first["wish"] is not second["wish"]


def test_defaults_are_the_schemas_own_as_with_graphql_core() -> None:
    give, node, run = asked("some(a: 1)")
    expected = reference(node, run)
    assert expected is not None
    assert give(run)["list"] is expected["list"]
    assert give(run)["wish"] is expected["wish"]
