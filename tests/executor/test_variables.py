"""Variables are what graphql-core makes of them, and most are taken as they are."""

from __future__ import annotations

import math
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse
from graphql.execution.values import VariableValues, get_variable_values

from executor.variables import Variables

SCHEMA = build_schema(
    """
    type Query { a(s: String, i: Int, f: Float, b: Boolean, id: ID): String }
    enum Size { SMALL LARGE }
    scalar Money
    input Wish { name: String! = "x", sizes: [Size!] }
    """
)


def variables(declared: str) -> tuple[Variables, Any]:
    """Return ours, and the nodes for graphql-core."""
    [operation] = parse(f"query ({declared}) {{ a }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    nodes = operation.variable_definitions or ()
    return Variables(SCHEMA, nodes), nodes


def reference(nodes: Any, given: dict[str, Any]) -> VariableValues | None:
    coerced = get_variable_values(SCHEMA, nodes, given)
    return None if isinstance(coerced, list) else coerced


VALUES = [
    None, "", "text", 0, 1, -(2**31), 2**31 - 1, 2**31, 1.0, 1.5, math.nan, math.inf, True, False,
    "SMALL", [], ["SMALL"], {"name": "n"}, {"name": None}, {}, object,
]  # fmt: skip


@pytest.mark.parametrize("suffix", ["", "!"])
@pytest.mark.parametrize(
    "name",
    ["String", "ID", "Int", "Float", "Boolean", "Size", "Money", "Wish", "[Int]", "[Wish!]"],
)
def test_every_value_is_coerced_or_refused_as_graphql_core_does(name: str, suffix: str) -> None:
    ours, nodes = variables(f"$v: {name}{suffix}")
    taken = 0
    for given in [{}, *({"v": value} for value in VALUES)]:
        expected = reference(nodes, given)
        taken += expected is not None
        got = ours.coerce(given)
        if expected is None:
            assert got is None, given
        else:
            assert got is not None, given
            assert repr(got.coerced) == repr(expected.coerced), given
            assert repr(got.sources) == repr(expected.sources), given
    assert 0 < taken < len(VALUES) + 1 or name == "Money"


def test_graphql_core_is_asked_about_what_is_wrong_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def coerce(*_: Any, **__: Any) -> Any:
        raise AssertionError("graphql-core was asked")

    declared = "$s: String, $id: ID!, $i: Int, $f: Float, $b: Boolean!, $n: Int, $left: String"
    ours, _ = variables(f"{declared}, $size: Size, $wish: Wish!, $wishes: [Wish!]")
    monkeypatch.setattr("executor.variables.get_variable_values", coerce)
    given = {"s": "x", "id": "1", "i": 1, "f": 1.5, "b": True, "n": None, "size": "SMALL"}
    wishes = {"wish": {}, "wishes": [{"name": "n", "sizes": ["LARGE"]}, {"sizes": None}]}
    got = ours.coerce({**given, **wishes, "id": 7})
    assert got is not None
    assert got.coerced == {
        **given,
        "id": "7",
        "wish": {"name": "x"},
        "wishes": [{"name": "n", "sizes": ["LARGE"]}, {"name": "x", "sizes": None}],
    }
    wrong: dict[str, Any]
    for wrong in ({"id": 1.5}, {"size": "HUGE"}, {"wish": {"nobody": 1}}, {"wishes": {}}):
        with pytest.raises(AssertionError, match="asked"):
            ours.coerce({**given, **wishes, **wrong})


def test_what_is_not_declared_is_left_out() -> None:
    ours, nodes = variables("$a: Int")
    got = ours.coerce({"a": 1, "b": 2})
    assert got is not None
    assert got.coerced == {"a": 1}
    assert list(got.sources) == ["a"]
    none, _ = variables("$a: Int")
    assert none.coerce(None) == reference(nodes, {})


def test_defaults_stand_in() -> None:
    ours, nodes = variables('$a: Int = 5, $w: Wish = {sizes: [LARGE]}, $m: Money = "3"')
    for given in ({}, {"a": None}, {"a": 1, "w": {}}, {"m": 4}):
        expected, got = reference(nodes, given), ours.coerce(given)
        assert expected is not None
        assert got is not None
        assert got.coerced == expected.coerced
    # A resolver may change an input object: it isn't the next run's.
    first, second = ours.coerce({}), ours.coerce({})
    assert first is not None
    assert second is not None
    first.coerced["w"]["name"] = "changed"
    assert second.coerced["w"] == {"name": "x", "sizes": ["LARGE"]}
