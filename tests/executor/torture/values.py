"""Values for leaves: good ones, odd ones that a type still takes, and wrong ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLEnumType, GraphQLLeafType, Undefined


class Whole(int):
    """An int that isn't exactly one."""


class Text(str):
    """A str that isn't exactly one."""

    __slots__ = ()


class Number(IntEnum):
    """Whole numbers by name."""

    ONE = 1
    TWO = 2


class Word(StrEnum):
    """Texts by name."""

    SMALL = "small"
    RED = "r"


class Opaque:
    """An object that no scalar takes, and whose name tells no address."""

    def __repr__(self) -> str:
        return "Opaque()"


class Chatty(Opaque):
    """An object that GraphQL's String takes for its `__str__`."""

    def __str__(self) -> str:
        return "chatty"


_GOOD: dict[str, Sequence[Any]] = {
    "Int": (0, 1, -7, 42, 2**31 - 1, -(2**31)),
    "Float": (0.0, 1.5, -2.25, 1e300, 0.1),
    "String": ("", "plain", "中文, é", 'quote " \\ and\nline', "🦊", "\u2028"),
    "Boolean": (True, False),
    "ID": ("a1", "0", "zebra", "中"),
    "Date": (dt.date(2024, 2, 29), dt.date(1999, 12, 31)),
    "DateTime": (
        dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC),
        dt.datetime(2024, 2, 29, 12, 30, 1, 250, tzinfo=dt.timezone(dt.timedelta(hours=8))),
    ),
    "Time": (dt.time(12, 30), dt.time(0, 0, 1, 5)),
    "Decimal": (Decimal("1.50"), Decimal("-0"), Decimal("1E+2")),
    "UUID": (UUID(int=0), UUID("12345678-1234-5678-1234-567812345678")),
    "JSON": ({"a": [1, None, {"b": "c"}]}, [], "text", 0, False),
    "Base64": (b"", b"bytes", b"\xff\x00"),
    "Cents": (0, 1, -5, 2**53 - 1),
    "Even": (0, 2, -4),
    "Spot": ((1, 2), (0, 0)),
    "Void": (None,),
    "Loose": ("anything", 1, ["a"]),
}

_ANYTHING: Sequence[Any] = (
    *(True, False, 0, 1, -1, 3, 2**31, 2**53, 2**70, 3.0, 2.5, float("inf"), float("nan"), -0.0),
    *("", "text", "17", "2.5", "RED", "r", "true", b"", b"bytes"),
    *(Whole(7), Text("seven"), Number.ONE, Number.TWO, Word.SMALL, Word.RED),
    *(Decimal("1.5"), Decimal("NaN"), dt.date(2020, 1, 1), dt.time(1, 2), UUID(int=7)),
    dt.datetime(2020, 1, 1),  # noqa: DTZ001 (a naive one is what is to be tried)
    *((), (1, 2), (1, "2"), [], ["a"], {}, {"a": 1}, {1: 2}, Opaque(), Chatty(), Opaque, len),
)


@cache
def good(type_: GraphQLLeafType) -> Sequence[Any]:
    """Return values of the kind that the type is made for."""
    if isinstance(type_, GraphQLEnumType):
        wrapped = getattr(type_, "wrapped_cls", None)
        if wrapped is not None:
            return tuple(wrapped)
        return tuple(value.value for value in type_.values.values())
    return _GOOD[type_.name]


@cache
def odd(type_: GraphQLLeafType) -> Sequence[Any]:
    """Return values that the type takes though they are of another kind."""
    return tuple(value for value in _candidates(type_) if _serialises(type_, value))


@cache
def wrong(type_: GraphQLLeafType) -> Sequence[Any]:
    """Return values that the type refuses; for types that refuse nothing, null."""
    refused = tuple(value for value in _candidates(type_) if _serialises(type_, value) is False)
    return refused or (None,)


def _candidates(type_: GraphQLLeafType) -> Sequence[Any]:
    if not isinstance(type_, GraphQLEnumType):
        return _ANYTHING
    raw = (each.value for each in good(type_) if isinstance(each, Enum))
    return (*raw, *type_.values, *_ANYTHING)


def _serialises(type_: GraphQLLeafType, value: Any) -> bool | None:
    """Tell whether the type takes the value; None if what comes of it is no JSON."""
    try:
        coerced = type_.coerce_output_value(value)
    except Exception:  # noqa: BLE001 (scalars refuse by any)
        return False
    if coerced is None or coerced is Undefined:
        return False
    try:
        orjson.dumps(coerced)
    except TypeError:
        return None
    return True
