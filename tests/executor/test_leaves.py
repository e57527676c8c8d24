"""Which values of leaves go into the answer as they are."""

import math
from datetime import UTC, date, datetime, time
from enum import Enum, IntEnum
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    parse,
)

from executor.engine import Engine
from executor.leaves import exact_test, is_told_by_isoformat, names_of_members, write_exactly


class Text(str):
    """A str, but not exactly."""

    __slots__ = ()


class Number(IntEnum):
    """An int, but not exactly."""

    ONE = 1


def is_exact(type_: Any, value: Any) -> bool:
    """Evaluate the test that compiled code makes."""
    test = exact_test(type_, "value", "(value := given)")
    assert test is not None
    return bool(eval(test, {"given": value}))  # noqa: S307 (the compiler's own text)


@pytest.mark.parametrize(
    ("type_", "exact", "odd"),
    [
        (GraphQLString, ["", "text", "龙"], [Text("text"), b"text", 1, True, None]),
        (GraphQLID, ["", "7"], [7, Text("7"), None]),
        (GraphQLBoolean, [True, False], [1, 0, None, "true"]),
        (
            GraphQLInt,
            [0, -(2**31), 2**31 - 1],
            [2**31, -(2**31) - 1, True, 1.0, Number.ONE, "1", None],
        ),
        (
            GraphQLFloat,
            [0.0, -1.5, 1.7976931348623157e308],
            [1, math.nan, math.inf, -math.inf, True, None],
        ),
    ],
)
def test_only_values_that_coercion_leaves_alone_are_exact(
    type_: Any, exact: list[Any], odd: list[Any]
) -> None:
    for value in exact:
        assert is_exact(type_, value), value
        assert type_.coerce_output_value(value) is value
    assert [value for value in odd if is_exact(type_, value)] == []


def test_a_value_that_is_read_once_is_tested_by_its_name() -> None:
    assert exact_test(GraphQLString, "o.name") == "type(o.name) is str"
    assert exact_test(GraphQLInt, "v", "(v := o.age)") == (
        "type((v := o.age)) is int and -2147483648 <= v <= 2147483647"
    )


def test_a_scalar_of_ones_own_is_tested_when_it_says_so() -> None:
    money = GraphQLScalarType("Money", coerce_output_value=str)
    assert exact_test(money, "v") is None
    write_exactly(money, range(-100, 101))
    assert [value for value in (-101, -100, 0, 100, 101, True, 1.0) if is_exact(money, value)] == [
        -100,
        0,
        100,
    ]


def plain(type_: Any, *names: str) -> GraphQLSchema:
    return GraphQLSchema(GraphQLObjectType("Query", {name: GraphQLField(type_) for name in names}))


async def test_the_scalar_itself_writes_what_is_out_of_range() -> None:
    written: list[Any] = []

    def write(value: Any) -> str:
        written.append(value)
        return f"{value} cents"

    cents = GraphQLScalarType("Cents", coerce_output_value=write)
    engine = Engine(plain(cents, "a", "b", "c"), exact_integers={"Cents": range(10)})
    operation = engine.operation(parse("{ a b c }"))
    outcome = await operation.run(root={"a": 9, "b": 10, "c": True})
    assert outcome.data == {"a": 9, "b": "10 cents", "c": "True cents"}
    assert written == [10, True]
    assert operation.figures.compiled == 1


def test_what_writes_no_integers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Query is no scalar, and writes no integers\.$"):
        Engine(plain(GraphQLString, "a"), exact_integers={"Query": range(3)})
    with pytest.raises(ValueError, match="names Money, which the schema doesn't have"):
        Engine(plain(GraphQLString, "a"), exact_integers={"Money": range(3)})


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = strawberry.enum_value("blue", name="SKY")


def test_members_of_a_python_enumeration_are_known_by_their_identity() -> None:
    @strawberry.type
    class Query:
        colour: Colour

    type_: Any = strawberry.Schema(Query)._schema.type_map["Colour"]
    assert names_of_members(type_) == {id(Colour.RED): "RED", id(Colour.BLUE): "SKY"}
    assert names_of_members(GraphQLEnumType("Colour", {"RED": "red"})) is None
    assert names_of_members(GraphQLString) is None


class Moment(datetime):
    """A datetime, but not exactly."""

    def isoformat(self, *_: Any) -> str:
        return "just now"


async def test_instants_and_days_are_told_in_place() -> None:
    instant = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)

    @strawberry.type
    class Query:
        at: datetime = instant
        at_or_never: datetime | None = None
        day: date = instant.date()
        hour: time | None = instant.time()

    engine = Engine(strawberry.Schema(Query))
    types = engine.schema.type_map
    told = [name for name in ("Date", "DateTime", "Time") if is_told_by_isoformat(types[name])]  # type: ignore[arg-type]
    assert told == ["Date", "DateTime", "Time"]
    assert not is_told_by_isoformat(GraphQLString)
    operation = engine.operation(parse("{ at atOrNever day hour }"))
    outcome = await operation.run(root=Query())
    assert outcome.data == {
        "at": "2026-11-22T08:30:00+00:00",
        "atOrNever": None,
        "day": "2026-11-22",
        "hour": "08:30:00",
    }
    outcome = await operation.run(root=Query(at_or_never=Moment(2026, 11, 22)))
    assert outcome.data is not None
    assert outcome.data["atOrNever"] == "just now"
    assert operation.figures.compiled == 2
    text = operation.prepare()[0].text
    assert ".isoformat() if type(" in text
