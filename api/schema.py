"""The member schema, put together from the areas, and the engine that runs it."""

from __future__ import annotations

from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from executor.engine import Engine
from resolvers.common.scalars import LARGEST_MONEY, SCALARS
from resolvers.member.schema import Mutation, Query, Subscription


@cache
def member_schema() -> strawberry.Schema:
    """Return the one schema of this process."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=False),
    )


@cache
def member_engine() -> Engine:
    """Return what runs the member schema, once in this process: operations are compiled for it."""
    whole_fen = range(-LARGEST_MONEY, LARGEST_MONEY + 1)
    return Engine(member_schema(), exact_integers={"Money": whole_fen}, roots_in_turn=True)
