"""One round of a storm: members want, things break, everything is looked at, then it is judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.storm import flash, orders, teams
from benchmarks.storm.check import check
from benchmarks.storm.client import Desk, Phones
from benchmarks.storm.faults import Fault, Kind, bring
from benchmarks.storm.history import History
from benchmarks.storm.machine import Machine, open_machine
from benchmarks.storm.people import POINTS, Person, enlist
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


async def teams_round(
    machine: Machine, size: Size, *, seed: int, faults: Sequence[Fault] = ()
) -> Report:
    """Have members want the last seats of a team while things break, then pay too late for others.

    Of the size, `members` want seats and `wishes` pay late; the pool is open meanwhile.
    """
    history, phones = History(), Phones(machine.ports, size.connections)
    async with machine.books():
        one, other = await teams.publish(teams.SEATS), await teams.publish(teams.LATE_SEATS + 1)
        people = await enlist(machine.settings, size.members)
        late = await enlist(machine.settings, size.wishes + 1)
        await teams.give_coupons([*people, *late])
    shoppers = teams.Shoppers(
        Desk(phones, history),
        machine.settings.simulator_url,
        random.Random(seed),
        size.seconds,
    )
    async with watching(lambda: machine.database_url) as watch:
        async with machine.books():
            team_id = await shoppers.open_and_pay(people[0], one)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(bring(faults, machine.breaks()))
            joining = group.create_task(shoppers.join_at_once(people[1:], one, team_id))
        seconds = time.monotonic() - began
        async with machine.books():
            # This half looks into PostgreSQL all the time, which has to live for it.
            again = [fault for fault in faults if fault.kind is not Kind.POSTGRES_KILLED]
            async with asyncio.TaskGroup() as group:
                group.create_task(bring(again, machine.breaks()))
                waves = _waves(late, teams.LATE_SEATS)
                paying = group.create_task(shoppers.pay_late(waves, other))
            paid = paying.result()
            await teams.all_settled(paid)
    phones.close()
    async with machine.books():
        await orders.a_minute_later(machine.redis.url)
        ends = await teams.late_ends(paid)
        found = check(history, "placeOrder", await teams.facts([one, other], machine.redis.url))
        found += teams.broken_joins(joining.result()) + teams.broken_late(ends, len(paid))
        found += await teams.broken_wallets([*people, *late], POINTS) + await broken_books()
    return Report(
        size,
        faults,
        history,
        watch,
        seconds,
        {each: dict(history.counts(each)) for each in ("placeOrder", "payOrder")},
        found + watch.violations,
        {"late money": dict(ends)},
    )


async def flash_round(
    machine: Machine, size: Size, *, seed: int, faults: Sequence[Fault] = ()
) -> Report:
    """Have members claim what a few can have, while things break."""
    history, phones = History(), Phones(machine.ports, size.connections)
    async with machine.books():
        sale = await flash.publish(machine.settings, size.pieces)
        people = await enlist(machine.settings, size.members)
        latecomers = await enlist(machine.settings, size.pieces + 3)
    claimers = flash.Claimers(
        Desk(phones, history),
        sale,
        machine.settings.simulator_url,
        random.Random(seed),
        size.seconds,
    )
    async with watching(lambda: machine.database_url) as watch:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(bring(faults, machine.breaks()))
            group.create_task(claimers.all_claim(people, size.wishes))
        seconds = time.monotonic() - began
        async with machine.books():
            healed = await flash.quiet(machine.settings, sale)
            await flash.sell_out(claimers, latecomers)
            await flash.quiet(machine.settings, sale)
    phones.close()
    async with machine.books():
        facts = await flash.facts(machine.settings, sale, history)
        found = check(history, flash.CLAIM.name, facts)
        found += flash.broken_tickets(history, claimers.endings)
        found += await flash.broken_orders(sale) + await broken_books()
    operations = (flash.CLAIM.name, "payOrder", "cancelOrder")
    return Report(
        size,
        faults,
        history,
        watch,
        seconds,
        {each: dict(history.counts(each)) for each in operations},
        found + watch.violations,
        {
            "tickets": flash.reasons(claimers.endings),
            "pieces": asdict(facts.shelves[sale.item]),
            "Redis right after seconds": healed,
        },
    )


def _waves(people: Sequence[Person], seats: int) -> list[Sequence[Person]]:
    """Part people into a leader with the first wave, and further waves."""
    first, rest = people[: seats + 1], people[seats + 1 :]
    return [first, *(rest[begin : begin + seats] for begin in range(0, len(rest), seats))]


async def broken_books() -> list[str]:
    """Return what `mall verify` finds; needs the pool."""
    return [
        f"{finding.check.name}: {finding.count} broken, such as {finding.rows[:1]}"
        for finding in await verify()
        if not finding.is_clean
    ]


ROUNDS = {"orders": orders_round, "teams": teams_round, "flash": flash_round}


def storm_machine(storm: str, seed: int) -> AbstractAsyncContextManager[Machine]:
    """Bring the machine that a storm needs, as long as the block runs."""
    return open_machine(webs=2, with_tickets=storm == "flash", seed=seed)
