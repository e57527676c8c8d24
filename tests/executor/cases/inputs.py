"""A schema whose every field tells what its argument became, or that it got none."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)
from graphql.error import GraphQLError


class Size(Enum):
    """What the enum's values are inside."""

    SMALL = 1
    LARGE = 2


@dataclass(frozen=True)
class Point:
    """What an input object becomes."""

    x: float
    y: float


def price(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise GraphQLError("A price is a string.", extensions={"code": "NO_PRICE"})
    return Decimal(value)


PRICE = GraphQLScalarType("Price", coerce_output_value=str, coerce_input_value=price)
ANYTHING = GraphQLScalarType("Anything")
SIZE = GraphQLEnumType("Size", Size)
ODD = GraphQLEnumType("Odd", {"NOTHING": None, "NO": False, "ZERO": 0, "WORDS": "some words"})
POINT = GraphQLInputObjectType(
    "Point",
    {
        "x": GraphQLInputField(GraphQLNonNull(GraphQLFloat)),
        "y": GraphQLInputField(GraphQLFloat, default_value=0.5),
    },
    out_type=lambda given: Point(**given),
)
ITEM: GraphQLInputObjectType = GraphQLInputObjectType(
    "Item",
    lambda: {
        "text": GraphQLInputField(GraphQLString),
        "must": GraphQLInputField(GraphQLNonNull(GraphQLString)),
        "texts": GraphQLInputField(GraphQLList(GraphQLString)),
        "price": GraphQLInputField(PRICE),
        "size": GraphQLInputField(SIZE),
        "camelCase": GraphQLInputField(GraphQLInt, out_name="snake_case"),
        "number": GraphQLInputField(GraphQLInt, default_value=7),
        "mustNumber": GraphQLInputField(GraphQLNonNull(GraphQLInt), default_value=8),
        "items": GraphQLInputField(GraphQLList(GraphQLNonNull(ITEM))),
        "point": GraphQLInputField(POINT),
    },
)
ONE = GraphQLInputObjectType(
    "One",
    {
        "text": GraphQLInputField(GraphQLString),
        "number": GraphQLInputField(GraphQLInt),
        "point": GraphQLInputField(POINT),
    },
    is_one_of=True,
)

TYPES: dict[str, GraphQLInputType] = {
    "text": GraphQLString,
    "mustText": GraphQLNonNull(GraphQLString),
    "number": GraphQLInt,
    "float": GraphQLFloat,
    "yes": GraphQLBoolean,
    "id": GraphQLID,
    "price": PRICE,
    "anything": ANYTHING,
    "size": SIZE,
    "mustSize": GraphQLNonNull(SIZE),
    "odd": ODD,
    "mustOdd": GraphQLNonNull(ODD),
    "item": ITEM,
    "point": POINT,
    "one": ONE,
    "mustOne": GraphQLNonNull(ONE),
    "texts": GraphQLList(GraphQLString),
    "textsMust": GraphQLNonNull(GraphQLList(GraphQLString)),
    "mustTexts": GraphQLList(GraphQLNonNull(GraphQLString)),
    "mustTextsMust": GraphQLNonNull(GraphQLList(GraphQLNonNull(GraphQLString))),
    "grid": GraphQLList(GraphQLList(GraphQLInt)),
    "items": GraphQLList(ITEM),
    "sizes": GraphQLList(GraphQLNonNull(SIZE)),
}


def shown(source: Any, info: Any, **arguments: Any) -> str:
    """Answer with what the resolver got: nothing at all isn't null."""
    return repr(arguments["input"]) if "input" in arguments else "nothing"


def field(type_: GraphQLInputType, **options: Any) -> GraphQLField:
    arguments = {"input": GraphQLArgument(type_, **options)}
    return GraphQLField(GraphQLNonNull(GraphQLString), args=arguments, resolve=shown)


FIELDS = {name: field(type_) for name, type_ in TYPES.items()} | {
    "defaultText": field(GraphQLString, default_value="spare"),
    "mustDefaultText": field(GraphQLNonNull(GraphQLString), default_value="spare"),
    "nullDefault": field(GraphQLString, default_value=None),
    "defaultSize": field(SIZE, default_value=Size.LARGE),
    "defaultTexts": field(GraphQLList(GraphQLString), default_value=["a", "b"]),
    "defaultPoint": field(POINT, default_value=Point(1, 2)),
}
SCHEMA = GraphQLSchema(GraphQLObjectType("Query", FIELDS))
