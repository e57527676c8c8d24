"""What `info.async_helpers` offers resolvers that have several things to wait for.

graphql-core's own are methods of its executor, which holds them: a run would be a circle of objects
with its context in it. These do the same, and hold nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from graphql.pyutils.gather_with_cancel import gather_with_cancel
from graphql.type.definition import GraphQLResolveInfoHelpers


async def _gather(values: Sequence[Any]) -> list[Any]:
    return await gather_with_cancel(*values)


def _track(values: Sequence[Any]) -> None:
    awaitables = [value for value in values if isawaitable(value)]
    if awaitables:
        work = asyncio.gather(*awaitables, return_exceptions=True)
        _tracked.add(work)
        work.add_done_callback(_tracked.discard)


_tracked: set[asyncio.Future[Any]] = set()
"""Work that outlives its field: asyncio itself keeps no hold of it."""


HELPERS = GraphQLResolveInfoHelpers(gather=_gather, track=_track)
