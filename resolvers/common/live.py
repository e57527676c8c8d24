"""Following a thing over a socket: what stands now, then again after each change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

from domain.errors import Busy, NotFound
from resolvers.common.context import Context
from services.news import LOOK_EVERY_SECONDS, Topic

T = TypeVar("T")

BUSY_SECONDS = 2.0
"""Until the next look while PostgreSQL is away: a restart of it ends no subscription."""


async def follow(
    context: Context,
    topic: Topic,
    *,
    stamp: Callable[[], Awaitable[Any | None]],
    read: Callable[[], Awaitable[T | None]],
    thing: str,
    argument: str,
) -> AsyncGenerator[T, None]:
    """Open a subscription to something that the viewer may see.

    `stamp` is another value once something has changed, and None when they may not see it.

    Raises:
        NotFound: it isn't theirs, or isn't there; `thing` is its word, `argument` names its id.
    """
    if await stamp() is None:
        raise NotFound(thing=thing, path=(argument,))
    return _events(context, topic, stamp, read)


async def _events(
    context: Context,
    topic: Topic,
    stamp: Callable[[], Awaitable[Any | None]],
    read: Callable[[], Awaitable[T | None]],
) -> AsyncGenerator[T, None]:
    """Yield what stands now, then again whenever a look finds another stamp.

    Read after its stamp, an event may already show what the next one is about; it never misses
    anything. What the viewer may no longer see is silent: a merge has given it to another member,
    and the socket is about to be closed so that its client comes back as that one.
    """
    seen: Any | None = None
    with context.ports.news.follow(topic) as bell:
        while True:
            pause, event = LOOK_EVERY_SECONDS, None
            try:
                stands = await stamp()
                if stands is not None and stands != seen:
                    context.renew()
                    event = await read()
            except Busy:
                pause = BUSY_SECONDS
            if event is not None:
                yield event
                # An event of which a part couldn't be read comes once more.
                seen, pause = (None, BUSY_SECONDS) if context.was_busy else (stands, pause)
            await bell.wait(pause)
