"""Scalars of our own."""

from __future__ import annotations

from typing import Any, NewType

import strawberry
from graphql import GraphQLError

Money = NewType("Money", int)
"""Integer fen, CNY: GraphQL's Int would stop near 21 million yuan."""

LARGEST_MONEY = 2**53 - 1
"""The largest whole number that every JSON client reads exactly."""


def _money(value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST_MONEY:
        raise GraphQLError(f"Money is an integer of fen between ±(2^53 − 1), not {value!r:.40}.")
    return value


SCALARS: dict[object, Any] = {
    Money: strawberry.scalar(
        name="Money",
        description="Integer fen (1 yuan = 100 fen), CNY, between ±(2^53 − 1).",
        serialize=_money,
        parse_value=_money,
    ),
}
"""For StrawberryConfig's scalar_map."""
