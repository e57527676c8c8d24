"""Permissions, field extensions and an exception handler for the Strawberry torture schema."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.types.field import StrawberryField

from tests.executor.torture.resolvers import asked
from tests.executor.torture.sources import key_of
from tests.executor.torture.world import Locked


def _is_let_in(source: Any, info: strawberry.Info, gate: str) -> bool:
    world = info.context
    return not world.dice.chance(world.mood.trouble * 3, *key_of(source), gate)


class Guarded(BasePermission):
    """Decides at once."""

    message = "Not for you."
    error_extensions = {"code": "FORBIDDEN"}  # noqa: RUF012 (as Strawberry has it)

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return _is_let_in(source, info, "guarded")


class GuardedLater(BasePermission):
    """Decides after a while, and knows the arguments."""

    message = "Not for you, after some thought."

    async def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        await info.context.pause(*key_of(source), "guarded later")
        return _is_let_in(source, info, f"guarded later {sorted(kwargs)}")


class Unwelcome(GraphQLError):
    """An error class of a permission's own."""


class GuardedOddly(BasePermission):
    """Raises, returns no boolean, or an awaitable from a plain function."""

    message = "Oddly refused."
    error_class = Unwelcome

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        if _is_let_in(source, info, "guarded oddly"):
            return True
        how = info.context.dice.pick(("raise", "no", "one", "later"), *key_of(source), "oddly")
        if how == "raise":
            raise PermissionError("The gate is stuck.")
        return asyncio.ensure_future(_granted()) if how == "later" else {"no": False, "one": 1}[how]


async def _granted() -> bool:
    await asyncio.sleep(0)
    return True


class Doubled(FieldExtension):
    """Changes an argument before and the result after, in both manners."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return _twice(next_(source, info, **_with_more(kwargs)))

    async def resolve_async(
        self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        return _twice(await next_(source, info, **_with_more(kwargs)))


def _with_more(arguments: dict[str, Any]) -> dict[str, Any]:
    if isinstance(arguments.get("times"), int):
        return {**arguments, "times": arguments["times"] + 1}
    return arguments


def _twice(value: Any) -> Any:
    return value * 2 if isinstance(value, str) else value


class Remembered(FieldExtension):
    """Answers some places itself, without asking further."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        if info.context.dice.chance(0.3, *key_of(source), "remembered"):
            return "remembered"
        return next_(source, info, **kwargs)


class Slow(FieldExtension):
    """Works only by waiting, even around a resolver that doesn't."""

    async def resolve_async(
        self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        _, place = asked(info, source)
        await info.context.pause(*place, "slow")
        return await next_(source, info, **kwargs)


class Counted(FieldExtension):
    """Changes the arguments that the resolver gets, and takes no other part."""

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: -value if name == "count" else value for name, value in kwargs.items()}


@strawberry.type
class Closed:
    """What a Locked error becomes."""

    why: str


class Unlocking(strawberry.ExceptionHandler[Locked, Closed]):
    """Turns a Locked error into a value where the field's union has a place for it."""

    def handle(
        self, exception: Locked, *, field: StrawberryField, info: strawberry.Info
    ) -> Closed | None:
        if info.context.dice.chance(0.3, "declines", info.field_name):
            return None
        return Closed(why=f"{exception} at {info.field_name}")
