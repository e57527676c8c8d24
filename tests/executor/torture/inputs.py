"""Inputs of the Strawberry torture schema, and fields that tell what became of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON, Base64
from strawberry.types.unset import UNSET

from tests.executor.torture.resolvers import Info

Cents = NewType("Cents", int)
Even = NewType("Even", int)
Spot = NewType("Spot", object)
Loose = NewType("Loose", object)


def _cents(value: Any) -> int:
    if type(value) is not int or abs(value) > 2**53 - 1:
        raise GraphQLError(f"No cents: {value!r}", extensions={"code": "CENTS"})
    return value


def _even(value: Any) -> int | None:
    """Return None for odd numbers, which graphql-core then refuses."""
    if not isinstance(value, int):
        raise TypeError(f"No number: {value!r}")
    return int(value) if value % 2 == 0 else None


def _spot(value: Any) -> str:
    left, top = value
    return f"{left + 0}:{top + 0}"


def _read_spot(value: Any) -> tuple[int, int]:
    left, top = value.split(":")
    return int(left), int(top)


def _same(value: Any) -> Any:
    return value


SCALARS: dict[object, Any] = {
    Cents: strawberry.scalar(name="Cents", serialize=_cents, parse_value=_cents),
    Even: strawberry.scalar(name="Even", serialize=_even, parse_value=_even),
    Spot: strawberry.scalar(name="Spot", serialize=_spot, parse_value=_read_spot),
    Loose: strawberry.scalar(name="Loose", serialize=_same, parse_value=_same),
}


@strawberry.enum
class Colour(Enum):
    """Names differ from values, one also from its name in GraphQL."""

    RED = "r"
    GREEN = 2
    BLUE = strawberry.enum_value((0, 0, 1), name="NAVY")


@strawberry.enum
class Size(StrEnum):
    """Texts; what a database returns compares equal to its members."""

    SMALL = "small"
    LARGE = "large"


@strawberry.enum
class Level(IntEnum):
    """Whole numbers."""

    LOW = 1
    HIGH = 2


@strawberry.input
class Pair:
    """Two sizes, one of them given by default."""

    left: Size
    right: Size = Size.LARGE
    weight: float | None = 0.5


@strawberry.input
class Wish:
    """Everything that an input can hold."""

    text: str
    count: int = 3
    colour: Colour = Colour.RED
    nothing: str | None = None
    unset: str | None = UNSET
    maybe: strawberry.Maybe[int]
    maybe_null: strawberry.Maybe[str | None]
    pairs: list[Pair] = strawberry.field(default_factory=list)
    grid: list[list[int | None]] | None = None
    spot: Spot | None = None
    when: dt.datetime | None = None
    amount: Decimal | None = None
    unique: UUID | None = None
    loose: JSON | None = None
    bytes_: Base64 | None = strawberry.field(name="bytes", default=None)
    renamed: str | None = strawberry.field(name="otherName", default="by default")
    within: Wish | None = None


@strawberry.input(one_of=True)
class Choice:
    """Exactly one of them."""

    text: str | None = UNSET
    number: strawberry.Maybe[int]
    wish: Wish | None = UNSET


def echo_leaves(
    info: Info,
    number: int = 3,
    share: float | None = None,
    text: str | None = UNSET,
    flag: bool = False,
    key: strawberry.ID | None = None,
    cents: Cents = Cents(5),
    even: Even | None = None,
    day: dt.date | None = None,
    hour: dt.time | None = None,
    colour: Colour = Colour.GREEN,
    size: Size | None = Size.SMALL,
    level: Level | None = None,
) -> str:
    """Tell the arguments as the resolver got them."""
    given = {name: value for name, value in locals().items() if name != "info"}
    return repr(given)


async def echo_inputs(
    wish: Wish | None = None,
    wishes: list[Wish] | None = None,
    choice: Choice | None = None,
    pair: Annotated[Pair, strawberry.argument(name="couple")] = UNSET,
    maybe: strawberry.Maybe[list[int]] = None,
    sizes: list[Size] = [Size.SMALL],  # noqa: B006 (Strawberry copies it)
    grid: list[list[int]] | None = UNSET,
    loose: Loose | None = None,
) -> str:
    """Tell the arguments, after a while."""
    return repr(dict(locals()))


def echo_needed(number: int, texts: list[str], choice: Choice, colour: Colour) -> str | None:
    """Tell arguments that have to be given."""
    return None if number == 0 else repr((number, texts, choice, colour))
