"""Leaves: what each type makes of a value that a resolver gave, and what it refuses."""

import math
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
)

from tests.executor.cases.check import Case, both, check, error, made


class Text(str):
    """A string of another class."""

    __slots__ = ()


class Number(int):
    """A number of another class."""


class Level(IntEnum):
    """Numbers with names."""

    HIGH = 5


class Spoken:
    """Says what it is."""

    def __str__(self) -> str:
        return "spoken"


class Counted:
    """Says how many it is."""

    def __index__(self) -> int:
        return 7


class Colour(Enum):
    """Values of an enumeration of Python."""

    RED = 1
    GREEN = 2


SCHEMA = made(
    """
    type Query { holder: Holder holders: [Holder!]! }
    type Holder { string: String int: Int float: Float boolean: Boolean id: ID }
    """
)
BIG = 10**30

TAKEN: dict[str, list[tuple[Any, Any]]] = {
    "string": [
        ("", ""),
        ("中文", "中文"),
        (Text("a"), "a"),
        (5, "5"),
        (BIG, str(BIG)),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (True, "true"),
        (False, "false"),
        (Level.HIGH, "5"),
        (Decimal("1.50"), "1.50"),
        (Fraction(1, 2), "1/2"),
        (date(2020, 1, 2), "2020-01-02"),
        (Spoken(), "spoken"),
        (Colour.RED, "Colour.RED"),
    ],
    "int": [
        (0, 0),
        (2**31 - 1, 2**31 - 1),
        (-(2**31), -(2**31)),
        (Number(5), 5),
        (Level.HIGH, 5),
        (1.0, 1),
        (-0.0, 0),
        (True, 1),
        (False, 0),
        ("7", 7),
        (" 7 ", 7),
        ("007", 7),
        (Decimal(1), 1),
        (Fraction(4, 2), 2),
        (Counted(), 7),
    ],
    "float": [
        (0.0, 0.0),
        (-0.0, -0.0),
        (1e308, 1e308),
        (1, 1.0),
        (2**53, 9007199254740992.0),
        (True, 1),
        (False, 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (Decimal("1.5"), 1.5),
        (Fraction(1, 2), 0.5),
        (Counted(), 7.0),
    ],
    "boolean": [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (-1, True),
        (BIG, True),
        (0.0, False),
        (0.5, True),
        (Decimal(0), False),
        (Decimal("1.5"), True),
    ],
    "id": [
        ("", ""),
        ("a", "a"),
        (Text("a"), "a"),
        (5, "5"),
        (BIG, str(BIG)),
        (1.0, "1"),
        (Level.HIGH, "5"),
        (Spoken(), "spoken"),
    ],
}

NO_TEXT = "String cannot represent value: "
NO_INT = "Int cannot represent non-integer value: "
TOO_LARGE = "Int cannot represent non 32-bit signed integer value: "
NO_FLOAT = "Float cannot represent non numeric value: "
NO_BOOLEAN = "Boolean cannot represent a non boolean value: "
NO_ID = "ID cannot represent value: "
REFUSED: dict[str, list[tuple[Any, str]]] = {
    "string": [
        (math.nan, f"{NO_TEXT}nan"),
        (b"b", f"{NO_TEXT}b'b'"),
        ([], f"{NO_TEXT}[]"),
        ({"a": 1}, f"{NO_TEXT}{{'a': 1}}"),
        (object(), f"{NO_TEXT}<object instance>"),
    ],
    "int": [
        (1.5, f"{NO_INT}1.5"),
        (math.inf, f"{NO_INT}inf"),
        ("", f"{NO_INT}''"),
        ("x", f"{NO_INT}'x'"),
        ("1e3", f"{NO_INT}'1e3'"),
        (2**31, f"{TOO_LARGE}2147483648"),
        (-(2**31) - 1, f"{TOO_LARGE}-2147483649"),
        (BIG, f"{TOO_LARGE}{BIG}"),
        (Decimal("1.5"), f"{NO_INT}<Decimal instance>"),
        ([1], f"{NO_INT}[1]"),
    ],
    "float": [
        (math.nan, f"{NO_FLOAT}nan"),
        (-math.inf, f"{NO_FLOAT}-inf"),
        ("x", f"{NO_FLOAT}'x'"),
        (BIG, f"{NO_FLOAT}{BIG} (value would lose precision)"),
        ({}, f"{NO_FLOAT}{{}}"),
        (Spoken(), f"{NO_FLOAT}<Spoken instance>"),
    ],
    "boolean": [
        ("true", f"{NO_BOOLEAN}'true'"),
        ("", f"{NO_BOOLEAN}''"),
        (math.nan, f"{NO_BOOLEAN}nan"),
        ([], f"{NO_BOOLEAN}[]"),
        (Counted(), f"{NO_BOOLEAN}<Counted instance>"),
    ],
    "id": [
        (1.5, f"{NO_ID}1.5"),
        (True, f"{NO_ID}True"),
        ([], f"{NO_ID}[]"),
        (b"b", f"{NO_ID}b'b'"),
    ],
}


def rows(table: dict[str, list[tuple[Any, Any]]]) -> list[Any]:
    return [
        pytest.param(name, value, answer, id=f"{name} {type(value).__name__} {index}")
        for name, values in table.items()
        for index, (value, answer) in enumerate(values)
    ]


@both
@pytest.mark.parametrize(("name", "value", "answer"), rows(TAKEN))
async def test_what_a_type_makes_of_values(
    name: str, value: Any, answer: Any, compiles: bool
) -> None:
    """Once alone, and once in a list, where compiled code has seen its class before."""
    query = f"{{ holder {{ {name} }} holders {{ {name} }} }}"
    data = {"holder": {name: answer}, "holders": [{name: answer}] * 2}
    root = {"holder": {name: value}, "holders": [{name: value}] * 2}
    await check(SCHEMA, Case("", query, data, root=lambda: root), compiles=compiles)


@both
@pytest.mark.parametrize(("name", "value", "message"), rows(REFUSED))
async def test_what_a_type_refuses(name: str, value: Any, message: str, compiles: bool) -> None:
    query = f"{{ holder {{ {name} __typename }} }}"
    data = {"holder": {name: None, "__typename": "Holder"}}
    told = error(message, "holder", name)
    case = Case("", query, data, (told,), root=lambda: {"holder": {name: value}})
    await check(SCHEMA, case, compiles=compiles)


@both
@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("value", [None, Undefined], ids=["None", "Undefined"])
async def test_no_value_is_null(name: str, value: Any, compiles: bool) -> None:
    query = f"{{ holder {{ {name} }} }}"
    case = Case("", query, {"holder": {name: None}}, root=lambda: {"holder": {name: value}})
    await check(SCHEMA, case, compiles=compiles)


def one(type_: Any) -> GraphQLSchema:
    fields = {
        "value": GraphQLField(type_),
        "must": GraphQLField(GraphQLNonNull(type_)),
        "list": GraphQLField(GraphQLList(type_)),
    }
    return GraphQLSchema(GraphQLObjectType("Query", fields))


MIXED = one(GraphQLEnumType("Mixed", {"ZERO": 0, "WORD": "b", "NONE": None, "LIST": [1]}))
NO_MEMBER = "Enum 'Mixed' cannot represent value: "


@both
@pytest.mark.parametrize(
    ("value", "answer"), [(0, "ZERO"), (False, "ZERO"), (0.0, "ZERO"), ("b", "WORD"), ([1], "LIST")]
)
async def test_values_of_an_enumeration(value: Any, answer: str, compiles: bool) -> None:
    data = {"value": answer, "list": [answer, None]}
    root = {"value": value, "list": [value, None]}
    await check(MIXED, Case("", "{ value list }", data, root=lambda: root), compiles=compiles)


@both
@pytest.mark.parametrize("value", ["ZERO", 1, {}, Colour.RED], ids=str)
async def test_values_that_an_enumeration_does_not_have(value: Any, compiles: bool) -> None:
    shown = "<Colour instance>" if isinstance(value, Colour) else repr(value)
    told = error(f"{NO_MEMBER}{shown}", "value")
    case = Case("", "{ value }", {"value": None}, (told,), root=lambda: {"value": value})
    await check(MIXED, case, compiles=compiles)


@both
@pytest.mark.parametrize("members", [True, False], ids=["by members", "by their values"])
async def test_an_enumeration_of_python(members: bool, compiles: bool) -> None:
    """It takes its members' values, or the members themselves: one of the two."""
    names_as_values = None if members else False
    schema = one(GraphQLEnumType("Colour", Colour, names_as_values=names_as_values))
    taken, refused = (Colour.RED, 1) if members else (1, Colour.RED)
    shown = "1" if members else "<Colour instance>"
    told = error(f"Enum 'Colour' cannot represent value: {shown}", "list", 1)
    case = Case(
        "",
        "{ value list }",
        {"value": "RED", "list": ["RED", None, None]},
        (told,),
        root=lambda: {"value": taken, "list": [taken, refused, None]},
    )
    await check(schema, case, compiles=compiles)


class Refusal(Exception):
    """An error of our own, with what GraphQL errors may carry."""

    extensions = {"code": "ODD"}  # noqa: RUF012 (as an error's class may say it)


def odd(value: Any) -> Any:
    """Make of a value what the value says."""
    match value:
        case "raise":
            raise ValueError("no good")
        case "raise ours":
            raise Refusal("no good")
        case "raise GraphQL's":
            raise GraphQLError("no good", extensions={"code": "BAD"})
        case "None":
            return None
        case "Undefined":
            return Undefined
    return {"was": value}


SCALAR = one(GraphQLScalarType("Odd", coerce_output_value=odd))


@both
@pytest.mark.parametrize(
    "value", ["a", 1, {"x": [1]}, [1, 2], (), True, date(2020, 1, 2)], ids=repr
)
async def test_a_scalar_of_the_schema(value: Any, compiles: bool) -> None:
    data = {"value": {"was": value}, "list": [{"was": value}, None]}
    root = {"value": value, "list": [value, None]}
    await check(SCALAR, Case("", "{ value list }", data, root=lambda: root), compiles=compiles)


NOTHING = "Expected `Odd.coerce_output_value('{0}')` to return non-nullable value, returned: {0}"


@both
@pytest.mark.parametrize(
    ("value", "message", "extensions"),
    [
        ("raise", "no good", {}),
        ("raise ours", "no good", {"code": "ODD"}),
        ("raise GraphQL's", "no good", {"code": "BAD"}),
        ("None", NOTHING.format("None"), {}),
        ("Undefined", NOTHING.format("Undefined"), {}),
    ],
)
async def test_a_scalar_that_refuses(
    value: str, message: str, extensions: dict[str, str], compiles: bool
) -> None:
    root = {"value": value, "must": value, "list": ["fine", value]}
    errors = (
        error(message, "value", extensions=extensions),
        error(message, "list", 1, extensions=extensions),
    )
    data = {"value": None, "list": [{"was": "fine"}, None]}
    case = Case("", "{ value list }", data, errors, root=lambda: root)
    await check(SCALAR, case, compiles=compiles)
    told = error(message, "must", extensions=extensions)
    await check(SCALAR, Case("", "{ must }", None, (told,), root=lambda: root), compiles=compiles)


@both
async def test_a_scalar_without_a_coercion_passes_values_on(compiles: bool) -> None:
    value = {"a": [1, None, {"b": 2.5}], "c": "中"}
    case = Case("", "{ value }", {"value": value}, root=lambda: {"value": value})
    await check(one(GraphQLScalarType("Json")), case, compiles=compiles)
