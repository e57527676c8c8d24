"""One round of a storm: members want, things break, everything is looked at, then it is judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.storm import orders
from benchmarks.storm.check import check
from benchmarks.storm.client import Desk, Phones
from benchmarks.storm.faults import Fault, bring
from benchmarks.storm.history import History
from benchmarks.storm.machine import Machine
from benchmarks.storm.people import enlist
from benchmarks.storm.snapshots import Watch, watching
from services.verification import verify

_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Size:
    """How large a storm is, and how long its wishes take to be said."""

    members: int
    wishes: int
    pieces: int
    seconds: float
    connections: int = _CONNECTIONS


@dataclass(slots=True)
class Report:
    """What came of a round; without violations it was passed."""

    size: Size
    faults: Sequence[Fault]
    history: History
    watch: Watch
    seconds: float
    counts: dict[str, dict[str, int]]
    violations: list[str]
    figures: dict[str, Any] = field(default_factory=dict)


async def orders_round(
    machine: Machine, size: Size, *, seed: int, faults: Sequence[Fault] = ()
) -> Report:
    """Have members order what all want, while things break."""
    history, phones = History(), Phones(machine.ports, size.connections)
    desk = Desk(phones, history)
    async with machine.books():
        wares = await orders.lay_out(size.pieces)
        people = await enlist(machine.settings, size.members)
    shoppers = orders.Shoppers(
        desk, wares, machine.settings.simulator_url, random.Random(seed), size.seconds
    )
    async with watching(lambda: machine.database_url) as watch:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(bring(faults, machine.breaks()))
            group.create_task(shoppers.all_want(people, size.wishes))
        seconds = time.monotonic() - began
        async with machine.books():
            await orders.a_minute_later(machine.redis.url)
            await orders.sell_out(desk, wares, people)
    phones.close()
    async with machine.books():
        await orders.a_minute_later(machine.redis.url)
        found = check(history, "placeOrder", await orders.facts(wares, machine.redis.url))
        found += await broken_books()
    operations = ("placeOrder", "payOrder", "cancelOrder")
    return Report(
        size,
        faults,
        history,
        watch,
        seconds,
        {each: dict(history.counts(each)) for each in operations},
        found + watch.violations,
    )


async def broken_books() -> list[str]:
    """Return what `mall verify` finds; needs the pool."""
    return [
        f"{finding.check.name}: {finding.count} broken, such as {finding.rows[:1]}"
        for finding in await verify()
        if not finding.is_clean
    ]
