"""Values of leaves that go into the answer as they are.

A scalar's own `coerce_output_value` is the rule. For most values it changes nothing, and an exact
test of the type finds that out for a tenth of the price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from enum import EnumType
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLNamedType,
    GraphQLScalarType,
    GraphQLString,
    is_scalar_type,
)
from strawberry.schema.types.base_scalars import isoformat

Test = Callable[[str, str], str]
"""(the value as it is first read, the value) → a Python expression: is it to be taken as it is?"""

EXACT = "executor-exact-leaf"
"""The key, in a scalar type's `extensions`, of the test that `write_exactly` makes."""


def _of_type(python_type: str, range_: str = "") -> Test:
    """Return the test for values of exactly this type; `range_` says more of `{value}`."""
    return lambda first, value: f"type({first}) is {python_type}{range_.format(value=value)}"


_TESTS: dict[GraphQLLeafType, Test] = {
    GraphQLString: _of_type("str"),
    GraphQLID: _of_type("str"),
    GraphQLBoolean: _of_type("bool"),
    # A 32-bit signed integer (GraphQL, section 3.5.1 "Int").
    GraphQLInt: _of_type("int", " and -2147483648 <= {value} <= 2147483647"),
    # Neither NaN nor an infinity: subtracted from themselves they are no zero.
    GraphQLFloat: _of_type("float", " and {value} - {value} == 0.0"),
}


def exact_test(type_: GraphQLLeafType, value: str, first: str | None = None) -> str | None:
    """Return the expression that finds values which need no coercion; None if there is none."""
    test = _TESTS.get(type_)
    if test is None and isinstance(type_, GraphQLScalarType):
        test = type_.extensions.get(EXACT)
    return None if test is None else test(first or value, value)


def write_exactly(type_: GraphQLNamedType, allowed: range) -> None:
    """Tell that a custom scalar's integers in a range are written as they are.

    Its own coercion stays in charge of every other value.

    Raises:
        TypeError: this is no scalar.
    """
    if not is_scalar_type(type_):
        raise TypeError(f"{type_.name} is no scalar, and writes no integers.")
    smallest, largest = allowed.start, allowed.stop - 1
    type_.extensions[EXACT] = _of_type("int", f" and {smallest} <= {{value}} <= {largest}")


DATED = frozenset({date, datetime, time})
"""What has an `isoformat` that tells all of it, and never fails for these very classes."""


def is_told_by_isoformat(type_: GraphQLLeafType) -> bool:
    """Tell whether a scalar writes values by their `isoformat`, as Strawberry's DateTime does."""
    return getattr(type_, "coerce_output_value", None) is isoformat


def names_of_members(type_: GraphQLLeafType) -> dict[int, str] | None:
    """Return the names of a Python enumeration's members by their identity; None for other types.

    Members live as long as their class, which the type keeps: an id is theirs alone.
    """
    wrapped = getattr(type_, "wrapped_cls", None)  # Strawberry's.
    if not isinstance(wrapped, EnumType):
        return None
    members: Iterable[Any] = wrapped
    return {id(member): type_.coerce_output_value(member) for member in members}
