"""`make bench`: the mall beside hand-written handlers, on servers of its own.

Starts PostgreSQL, Valkey, the simulator, every side's web server and a worker in a throw-away home,
proves that all sides answer the same bytes, and measures them in turns. docs/benchmarks.md says
how to read the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from benchmarks import crowd, report, shop
from benchmarks.cases import (
    ALL,
    BESIDE,
    BY_HAND,
    BY_LEVEL,
    CACHED,
    CHECKOUT,
    OURS,
    PLAIN,
    SERVERS,
    Case,
)
from benchmarks.load import Generator
from benchmarks.machine import Machine, facts, open_machine
from benchmarks.measure import Bench, Result, Scale
from benchmarks.same import Comparison
from benchmarks.shop import Shop
from cli.embedded.ports import free_port
from models import database
from models.database import dsn
from services import verification
from settings import Settings

_CROWD = 1_000
"""Members whose books are looked at beside those of the shop."""

COUNTED = (*BESIDE, Case("place"))
FULL = Scale(rounds=15, seconds=1.0, checkout_seconds=4.0, warm_up_seconds=1.0)
QUICK = Scale(rounds=5, seconds=0.3, checkout_seconds=1.5, warm_up_seconds=0.3)


def main() -> None:
    """Measure what the command line asks for."""
    given = _arguments()
    began = time.monotonic()
    asyncio.run(_run(given))
    print(f"Done in {time.monotonic() - began:.0f} s.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes instead of ten")
    parser.add_argument("--check", action="store_true", help="only compare the sides")
    parser.add_argument("--connections", default="8", help="at a time; several as 1,8,32")
    parser.add_argument("--checkouts", default="16", help="the same for the checkout")
    parser.add_argument("--only", default="", help=f"of {', '.join(ALL)}")
    parser.add_argument("--web", type=int, default=1, help="web processes of the mall")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    given = parser.parse_args()
    given.only = [case for case in given.only.split(",") if case]
    if unknown := set(given.only) - set(ALL):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name in ("connections", "checkouts"):
        numbers = [int(each) for each in getattr(given, name).split(",")]
        if not all(1 <= number <= shop.MEMBERS for number in numbers):
            parser.error(f"--{name}: 1 to {shop.MEMBERS}, one member each")
        setattr(given, name, numbers)
    return given


async def _run(given: argparse.Namespace) -> None:
    told = facts()
    scale = QUICK if given.quick else FULL
    _say("Starting the servers ...")
    async with open_machine(web_processes=given.web) as machine:
        _say(f"Filling the shop with {shop.PRODUCTS:,} products and {shop.MEMBERS} members ...")
        known, offers = await shop.fill(machine.settings)
        async with _sides(machine) as ports, _generator(known) as generator:
            _say("Comparing all sides' answers byte by byte, and what they write ...")
            await _compare(machine, known, ports)
            if given.check:
                await crowd.fill(machine.settings, offers, _CROWD, _say)
                await _verify(machine)
                return
            bench = Bench(machine, generator, ports, scale)
            counted = await _count(bench, given.only)
            results = await _measure(bench, given)
            await _forget_unpaid(machine)
            async with machine.running("worker", "cli.main", "worker"):
                results += await _check_out(bench, given)
                if _is_wanted(CHECKOUT, given.only):
                    counted |= await bench.count([(CHECKOUT.name, OURS)])
    report.show(told, results, counted)
    if given.json:
        report.write(given.json, told, results, counted)
        _say(f"Wrote {given.json}.")


def _say(what: str) -> None:
    print(what, flush=True)


def _is_wanted(case: Case, only: list[str]) -> bool:
    return not only or case.name in only


@asynccontextmanager
async def _sides(machine: Machine) -> AsyncIterator[dict[str, int]]:
    """Start the other sides' servers beside the mall's; yields every side's port."""
    settings = machine.settings
    mall = {"PUBLIC_BASE_URL": settings.base_url}
    cached = {
        "PUBLIC_CACHE_MAX_BYTES": str(Settings.model_fields["public_cache_max_bytes"].default)
    }
    others = {
        CACHED: (("cli.main", "serve"), "PORT", mall | cached),
        BY_LEVEL: (("benchmarks.by_level",), "BENCHMARK_PORT", {}),
        PLAIN: (("benchmarks.plain_strawberry",), "BENCHMARK_PORT", {}),
        BY_HAND: (("benchmarks.by_hand",), "BENCHMARK_PORT", {}),
    }
    ports = {OURS: settings.port}
    async with AsyncExitStack() as running:
        for side, (arguments, port_name, variables) in others.items():
            ports[side] = free_port()
            ready = f"http://127.0.0.1:{ports[side]}/readyz"
            with machine.with_environment(**variables, **{port_name: str(ports[side])}):
                server = machine.running(SERVERS[side], *arguments, ready=ready)
                await running.enter_async_context(server)
        yield ports


async def _verify(machine: Machine) -> None:
    """Prove that what was written down here is what a mall could have come to."""
    await database.connect(machine.settings.postgres_url, statement_timeout_seconds=600)
    try:
        wrong = [each for each in await verification.verify() if not each.is_clean]
    finally:
        await database.close()
    if wrong:
        raise SystemExit("\n".join(f"{each.check.rule}: {each.rows[:3]}" for each in wrong))
    _say("The books hold.")


@asynccontextmanager
async def _generator(known: Shop) -> AsyncIterator[Generator]:
    generator = await Generator.start(known)
    try:
        yield generator
    finally:
        await generator.stop()


async def _compare(machine: Machine, known: Shop, ports: dict[str, int]) -> None:
    connection = await asyncpg.connect(**dsn(machine.settings.postgres_url))
    try:
        size = await Comparison(known, connection, ports, machine.settings.port + 1).check()
    finally:
        await connection.close()
    _say(f"They are the same: {size:,} bytes for one of each.")


async def _count(bench: Bench, only: list[str]) -> report.Statements:
    _say("Counting SQL statements ...")
    names = [case.name for case in COUNTED if _is_wanted(case, only)]
    wanted = [(name, side) for name in names for side in (OURS, BY_HAND)]
    if not only:
        wanted.append(("place, with points", OURS))
    return await bench.count(wanted)


async def _measure(bench: Bench, given: argparse.Namespace) -> list[Result]:
    results = []
    for connections in given.connections:
        for case in BESIDE:
            if _is_wanted(case, given.only):
                _say(f"Measuring {case.name} at {connections} connections ...")
                results.append(await bench.measure(case, connections))
    return results


async def _check_out(bench: Bench, given: argparse.Namespace) -> list[Result]:
    results = []
    for connections in given.checkouts:
        if _is_wanted(CHECKOUT, given.only):
            _say(f"Measuring checkout at {connections} connections ...")
            results.append(await bench.measure(CHECKOUT, connections))
    return results


async def _forget_unpaid(machine: Machine) -> None:
    """Have no worker ask WeChat about the orders that were only placed."""
    connection = await asyncpg.connect(**dsn(machine.settings.postgres_url))
    try:
        await connection.execute("UPDATE payment SET query_due_at = NULL")
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
