"""Mutations of the Strawberry torture schema: each notes that it ran, and with what."""

from __future__ import annotations

from typing import Any

import strawberry

from tests.executor.torture import gates, inputs
from tests.executor.torture.berry_types import Box, Find, Thing
from tests.executor.torture.resolvers import Info, at_once, later, promised, told, told_later
from tests.executor.torture.sources import Decided

field = strawberry.field


@strawberry.type
class UserError(Decided):
    """An expected failure."""

    code: str
    path: list[str]


@strawberry.type
class Payload(Decided):
    """What a mutation answers."""

    done: bool
    box: Box | None
    thing: Thing = field(resolver=later)
    things: list[Thing] = field(resolver=at_once)
    user_errors: list[UserError]

    @field
    async def so_far(self, info: Info) -> int:
        """Tell how many fields have run by now."""
        await info.context.pause("so far")
        return len(info.context.calls)


@strawberry.type
class Done:
    """What a mutation answers plainly."""

    count: int
    texts: list[str]
    user_errors: list[UserError]


async def _ran(root: Any, info: Info, name: str, **arguments: Any) -> Any:
    info.context.record(name, **arguments)
    return await told_later(info, root, **arguments)


@strawberry.type
class Mutation:
    """Changes: by functions of both manners, guarded and not, with answers of every nullness."""

    again: Box | None = strawberry.mutation(resolver=later)
    promised: Payload | None = strawberry.mutation(resolver=promised)

    @strawberry.mutation
    def add(self, info: Info, by: int = 1) -> int:
        info.context.record("add", by=by)
        count: int = told(info, self, by=by)
        return count

    @strawberry.mutation
    async def put(self, info: Info, wish: inputs.Wish | None = None) -> Payload:
        payload: Payload = await _ran(self, info, "put", wish=wish)
        return payload

    @strawberry.mutation
    async def put_or_none(self, info: Info, key: strawberry.ID) -> Payload | None:
        payload: Payload | None = await _ran(self, info, "put_or_none", key=key)
        return payload

    @strawberry.mutation
    def put_at_once(self, info: Info, colours: list[inputs.Colour] | None = None) -> Payload | None:
        info.context.record("put_at_once", colours=colours)
        payload: Payload | None = told(info, self, colours=colours)
        return payload

    @strawberry.mutation
    async def put_many(self, info: Info, count: int = 2) -> list[Payload | None]:
        payloads: list[Payload | None] = await _ran(self, info, "put_many", count=count)
        return payloads

    @strawberry.mutation
    async def find(self, info: Info, choice: inputs.Choice | None = None) -> Find | None:
        found: Find | None = await _ran(self, info, "find", choice=choice)
        return found

    @strawberry.mutation(permission_classes=[gates.GuardedLater], extensions=[gates.Doubled()])
    async def guarded(self, info: Info, times: int = 1) -> str | None:
        text: str | None = await _ran(self, info, "guarded", times=times)
        return text

    @strawberry.mutation
    async def finish(self, info: Info, count: int = 0) -> Done:
        info.context.record("finish", count=count)
        errors = [UserError(code="TOO_FEW", path=["count"])] if count < 0 else []
        return Done(count=count, texts=["done"] * min(max(count, 0), 3), user_errors=errors)
