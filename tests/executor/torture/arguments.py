"""Random values for arguments and variables of any input type, valid and not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLNonNull,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)

STRAWBERRY = "strawberry-definition"
"""Where Strawberry keeps its own definition of a type, in the type's extensions."""

Scalars = Mapping[str, Callable[[Random], Any]]


class Variable(Protocol):
    """Offers a variable, as "$name", that may stand where this type is expected.

    A strict one is never null, not even by its type: what one-of input objects ask for.
    """

    def __call__(self, expected: GraphQLInputType, *, is_strict: bool = False) -> str: ...


TEXTS = ("", "text", "中文, é", 'quote " \\ and\nline', "🦊", "a1", "0", "null", "RED")

SCALARS: Scalars = {
    "Int": lambda random: random.choice((0, 1, 2, -7, 3, 2**31 - 1)),
    "Float": lambda random: random.choice((0, 1.5, -2.25, 3, 1e100)),
    "String": lambda random: random.choice(TEXTS),
    "Boolean": lambda random: random.random() < 0.5,
    "ID": lambda random: random.choice(("a1", "0", 7, "zebra")),
    "Date": lambda random: random.choice(("2024-02-29", "1999-12-31")),
    "DateTime": lambda random: random.choice(("2024-02-29T12:30:00Z", "1999-12-31T00:00:00+08:00")),
    "Time": lambda random: random.choice(("12:30", "00:00:01")),
    "Decimal": lambda random: random.choice(("1.50", "0", "1E+2")),
    "UUID": lambda random: str(_uuid(random)),
    "Base64": lambda random: random.choice(("", "YWJj")),
    "JSON": lambda random: _anything(random, 2),
    "Loose": lambda random: _anything(random, 2),
    "Cents": lambda random: random.randint(-5, 2**40),
    "Even": lambda random: 2 * random.randint(-3, 3),
    "Spot": lambda random: f"{random.randint(0, 3)}:{random.randint(0, 3)}",
}
"""Valid values, as JSON, by the scalar's name."""

UNTYPED = frozenset({"JSON", "Loose"})
"""Scalars that take anything, with variables inside."""

_WRONG: tuple[Any, ...] = (
    *(None, True, 0, 1.5, 2**40, "text", "17", "", "no such"),
    *([], {}, [1], ["a", None], {"no": "such"}, [[1]]),
)


def _uuid(random: Random) -> str:
    return f"00000000-0000-4000-8000-{random.randint(0, 9):012}"


def _anything(random: Random, depth: int) -> Any:
    kind = random.randint(0, 5 if depth else 3)
    if kind == 4:
        return [_anything(random, depth - 1) for _ in range(random.randint(0, 2))]
    if kind == 5:
        return {name: _anything(random, depth - 1) for name in random.sample("abc", 2)}
    return (None, random.randint(0, 9), random.choice(TEXTS), True)[kind]


class Inputs:
    """Makes input values by one source of chance."""

    def __init__(self, random: Random, scalars: Scalars) -> None:
        self._random = random
        self._scalars = scalars

    def value(self, type_: GraphQLInputType, depth: int = 3) -> Any:
        """Return a valid value as JSON."""
        if is_non_null_type(type_):
            return self._value(type_.of_type, depth)
        return None if self._random.random() < 0.2 else self._value(type_, depth)

    def wrong(self, type_: GraphQLInputType) -> Any:
        """Return a value that is probably not valid, somewhere."""
        value = self.value(type_, 2)
        if isinstance(value, dict) and value and self._random.random() < 0.6:
            name = self._random.choice(list(value))
            return {**value, name: self._random.choice(_WRONG)}
        if isinstance(value, list) and value and self._random.random() < 0.6:
            return [*value[:-1], self._random.choice(_WRONG)]
        return self._random.choice(_WRONG)

    def literal(self, type_: GraphQLInputType, variable: Variable | None, depth: int = 3) -> str:
        """Return a valid literal, with variables in it where they are offered."""
        if is_non_null_type(type_):
            return self._literal(type_.of_type, variable, depth)
        return "null" if self._random.random() < 0.15 else self._literal(type_, variable, depth)

    def _value(self, type_: Any, depth: int) -> Any:
        if is_list_type(type_):
            if self._random.random() < 0.1:
                return self.value(type_.of_type, depth)  # One item stands for a list of it.
            return [self.value(type_.of_type, depth - 1) for _ in range(self._length(depth))]
        if is_enum_type(type_):
            return self._random.choice(list(type_.values))
        if is_input_object_type(type_):
            names = self._names(type_, depth)
            one = _is_one_of(type_)
            return {
                name: self._value(type_.fields[name].type, depth - 1)
                if one
                else self.value(type_.fields[name].type, depth - 1)
                for name in names
            }
        return self._scalar(type_)

    def _scalar(self, type_: GraphQLNamedType) -> Any:
        """Return a value that isn't null, whatever the scalar takes."""
        value = self._scalars.get(type_.name, SCALARS["String"])(self._random)
        return 0 if value is None else value

    def _length(self, depth: int) -> int:
        return self._random.randint(0, 2) if depth > 0 else 0

    def _names(self, type_: GraphQLInputObjectType, depth: int) -> list[str]:
        """Choose the fields to give: all that are required, few of the others when deep."""
        if _is_one_of(type_):
            flat = [n for n, f in type_.fields.items() if depth > 0 or not _nests(f.type)]
            return [self._random.choice(flat or list(type_.fields))]
        share = 0.4 if depth > 0 else 0.0
        return [
            name
            for name, field in type_.fields.items()
            if is_required_input_field(field) or self._random.random() < share
        ]

    def _literal(self, type_: Any, variable: Variable | None, depth: int) -> str:
        if is_list_type(type_):
            items = [
                self._inner(type_.of_type, variable, depth) for _ in range(self._length(depth))
            ]
            return f"[{', '.join(items)}]"
        if is_enum_type(type_):
            return self._enum(type_)
        if is_input_object_type(type_):
            return self._object(type_, variable, depth)
        if type_.name in UNTYPED and variable and self._random.random() < 0.3:
            inner = variable(type_)
            return f"[{inner}, {{a: {inner}}}]"
        return as_literal(self._scalar(type_))

    def _enum(self, type_: GraphQLEnumType) -> str:
        names: list[str] = list(type_.values)
        return self._random.choice(names)

    def _inner(
        self,
        type_: GraphQLInputType,
        variable: Variable | None,
        depth: int,
        *,
        is_strict: bool = False,
    ) -> str:
        """Return a literal within another one, or a variable instead."""
        if variable and self._random.random() < 0.3:
            return variable(type_, is_strict=is_strict)
        return self.literal(type_, variable, depth - 1)

    def _object(self, type_: GraphQLInputObjectType, variable: Variable | None, depth: int) -> str:
        given = []
        for name in self._names(type_, depth):
            expected = type_.fields[name].type
            is_strict = _is_one_of(type_)
            if is_strict:
                expected = GraphQLNonNull(cast("Any", expected))
            text = self._inner(expected, variable, depth, is_strict=is_strict)
            given.append(f"{name}: {text}")
        return f"{{{', '.join(given)}}}"


def _is_one_of(type_: GraphQLInputObjectType) -> bool:
    """Tell whether exactly one field is to be given; Strawberry checks that by itself."""
    return type_.is_one_of or getattr(type_.extensions.get(STRAWBERRY), "is_one_of", False) is True


def _nests(type_: Any) -> bool:
    while is_list_type(type_) or is_non_null_type(type_):
        type_ = type_.of_type
    return is_input_object_type(type_)


def as_literal(value: Any) -> str:
    """Return a JSON value as a GraphQL literal; a dict's names have to be names there."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {as_literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_literal(each) for each in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
