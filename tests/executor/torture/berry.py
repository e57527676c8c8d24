"""The torture schema in Strawberry."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from tests.executor.torture import gates, inputs, resolvers
from tests.executor.torture.berry_types import (
    Box,
    Connection,
    Find,
    Leaves,
    Opened,
    Orm,
    Puzzle,
    Tagged,
    Thing,
    Vault,
)
from tests.executor.torture.mutations import Mutation
from tests.executor.torture.resolvers import at_once, later

field = strawberry.field


@strawberry.type
class Query:
    """The root: objects at once and later, and lists of them."""

    leaves: Leaves | None = field(resolver=at_once)
    leaves_later: Leaves = field(resolver=later)
    box: Box | None = field(resolver=later)
    box_at_once: Box = field(resolver=at_once)
    boxes: list[Box] | None = field(resolver=later)
    thing: Thing | None = field(resolver=at_once)
    things: list[Thing] | None = field(resolver=later)
    tagged: Tagged | None = field(resolver=later)
    find: Find | None = field(resolver=at_once)
    finds: list[Find] | None = field(resolver=later)
    puzzle: Puzzle | None = field(resolver=at_once)
    puzzles: list[Puzzle] | None = field(resolver=later)
    vault: Vault | None = field(resolver=later)
    vaults: list[Vault] | None = field(resolver=at_once)
    orm: Orm | None = field(resolver=later)
    opened: Opened | None = field(resolver=at_once)
    opened_later: list[Opened | None] | None = field(resolver=later)
    opened_needed: Opened = field(resolver=later)
    boxes_paged: Connection[Box] | None = field(resolver=later)
    leaves_paged: Connection[Leaves] = field(resolver=at_once)
    described: str | None = field(resolver=resolvers.described)
    whole: int | None = field(resolver=resolvers.promised)
    guarded: Box | None = field(permission_classes=[gates.GuardedLater], resolver=later)
    echo_leaves: str | None = field(resolver=inputs.echo_leaves)
    echo_inputs: str | None = field(resolver=inputs.echo_inputs)


def schema(*, handles_errors: bool = False) -> strawberry.Schema:
    """Return the schema; one that turns some errors into values if wanted."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        config=StrawberryConfig(scalar_map=inputs.SCALARS),
        exception_handlers=[gates.Unlocking()] if handles_errors else [],
    )
