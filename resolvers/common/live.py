"""Following a thing over a socket: what stands now, then again after each change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import Busy, NotFound
from resolvers.common.context import Context
from services.news import LOOK_EVERY_SECONDS, Topic

T = TypeVar("T")
Stamp = TypeVar("Stamp")

BUSY_SECONDS = 2.0
"""Until the next look while PostgreSQL is away: a restart of it ends no subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Generic[Stamp, T]):
    """Something that a viewer follows."""

    topic: Topic
    stamp: Callable[[], Awaitable[Stamp | None]]
    """Gives another value once something has changed; None when the viewer may not see it."""
    read: Callable[[], Awaitable[T | None]]
    """Gives what an event shows."""
    is_over: Callable[[Stamp], bool] = lambda _stamp: False
    """Whether nothing will change any more: that event is the last."""


async def follow(
    context: Context, followed: Followed[Stamp, T], *, thing: str, argument: str
) -> AsyncGenerator[T, None]:
    """Open a subscription to something that the viewer may see.

    Raises:
        NotFound: it isn't theirs, or isn't there; `thing` is its word, `argument` names its id.
    """
    if await followed.stamp() is None:
        raise NotFound(thing=thing, path=(argument,))
    return _events(context, followed)


async def _events(context: Context, followed: Followed[Stamp, T]) -> AsyncGenerator[T, None]:
    """Yield what stands now, then again whenever a look finds another stamp.

    Read after its stamp, an event may already show what the next one is about; it never misses
    anything. What the viewer may no longer see is silent: a merge has given it to another member,
    and the socket is about to be closed so that its client comes back as that one.
    """
    seen: Stamp | None = None
    with context.ports.news.follow(followed.topic) as bell:
        while True:
            pause, event = LOOK_EVERY_SECONDS, None
            try:
                stands = await followed.stamp()
                if stands is not None and stands != seen:
                    context.renew()
                    event = await followed.read()
            except Busy:
                stands, pause = None, BUSY_SECONDS
            if event is not None and stands is not None:
                yield event
                if context.was_busy:  # A part of it couldn't be read: it comes once more.
                    seen, pause = None, BUSY_SECONDS
                elif followed.is_over(stands):
                    return
                else:
                    seen = stands
            await bell.wait(pause)
