"""What goes wrong in a storm, and when: drawn from a seed, so that a run can be repeated."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What breaks."""

    WEB_KILLED = "web-killed"
    WORKER_KILLED = "worker-killed"
    TICKETS_KILLED = "tickets-killed"
    REDIS_KILLED = "redis-killed"
    """With all that it held; it comes back empty."""
    REDIS_FLUSHED = "redis-flushed"
    REDIS_PAUSED = "redis-paused"
    """It takes connections and answers nothing."""
    REDIS_OLD = "redis-old"
    """It is killed, and comes back with what it held some time before."""
    POSTGRES_KILLED = "postgres-killed"
    POSTGRES_SLOW = "postgres-slow"
    """Every request reaches it 300 ms late."""
    POSTGRES_CUT = "postgres-cut"
    """Every connection is cut, and none is taken for a while."""
    POSTGRES_SILENT = "postgres-silent"
    """It commits, and the reply is lost with the connection."""
    CALLBACKS = "callbacks"
    """WeChat's news of payments come late, double and out of order."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks at a moment of the storm, and how long that lasts."""

    kind: Kind
    at_seconds: float
    for_seconds: float


Break = Callable[[Fault], Awaitable[None]]
"""Break it, wait as long as it is to last, and mend it."""


def plan(
    seed: int, kinds: Sequence[Kind], *, storm_seconds: float, shortest: float = 0.5
) -> tuple[Fault, ...]:
    """Draw when each kind breaks and for how long; the same seed draws the same."""
    chance = random.Random(seed)
    drawn = [
        Fault(
            kind,
            at_seconds=round(chance.uniform(0.1, 0.6) * storm_seconds, 3),
            for_seconds=round(chance.uniform(shortest, max(shortest, 0.3 * storm_seconds)), 3),
        )
        for kind in kinds
    ]
    return tuple(sorted(drawn, key=lambda fault: (fault.at_seconds, fault.kind)))


async def bring(faults: Sequence[Fault], breaks: Mapping[Kind, Break]) -> None:
    """Break everything at its time, counted from now; returns when all is mended."""

    async def bring_one(fault: Fault) -> None:
        await asyncio.sleep(fault.at_seconds)
        await breaks[fault.kind](fault)

    async with asyncio.TaskGroup() as group:
        for fault in faults:
            group.create_task(bring_one(fault))
