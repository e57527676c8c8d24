"""`python -m benchmarks.growth`: how each case grows with products and members.

Two malls side by side, a small one and a large one, asked in turns; prints the rate of the large
one beside that of the small one, and the CPU of web server and PostgreSQL for an operation.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import asyncpg
from rich.console import Console
from rich.table import Column, Table

from benchmarks import crowd, shop
from benchmarks.cases import BESIDE, OURS, SERVERS
from benchmarks.load import Generator
from benchmarks.machine import facts, open_machine
from benchmarks.measure import Bench, Scale, Segment
from models.database import dsn

FLAT = 0.2
"""How much slower a case may be in the large mall."""

_WIDTH = 150
_PARTS = (SERVERS[OURS], "postgres")
_CASES = [case.name for case in BESIDE if case.name != "sign-in"]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a mall is."""

    products: int
    members: int

    def __str__(self) -> str:
        """Tell it in figures."""
        return f"{self.products:,} products, {self.members:,} members"


SMALL = Size(1_000, 2_000)
LARGE = Size(92_000, 1_000_000)


def main() -> None:
    """Measure what the command line asks for."""
    given = _arguments()
    began = time.monotonic()
    asyncio.run(_run(given))
    print(f"Done in {time.monotonic() - began:.0f} s.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--products", type=int, default=LARGE.products)
    parser.add_argument("--members", type=int, default=LARGE.members)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only", default="", help=f"of {', '.join(_CASES)}")
    given = parser.parse_args()
    given.only = [case for case in given.only.split(",") if case] or _CASES
    if unknown := set(given.only) - set(_CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return given


async def _run(given: argparse.Namespace) -> None:
    large = Size(given.products, given.members)
    told = facts()
    scale = Scale(given.rounds, given.seconds, given.seconds, warm_up_seconds=1.0)
    async with _mall(SMALL, scale) as before, _mall(large, scale) as after:
        table = _table(large)
        for case in given.only:
            print(f"Measuring {case} ...", flush=True)
            pairs = await _measure(case, before, after, given)
            table.add_row(case, *_figures(pairs))
    console = Console(width=_WIDTH, highlight=False)
    console.print("\n" + "   ".join(f"{name}: {value}" for name, value in told.items()))
    console.print(table)


@asynccontextmanager
async def _mall(size: Size, scale: Scale) -> AsyncIterator[Bench]:
    print(f"Making a mall of {size} ...", flush=True)
    async with open_machine(web_processes=1) as machine:
        known, offers = await shop.fill(machine.settings, products=size.products)
        print(f"  {size.products:,} products", flush=True)
        readers = await crowd.fill(machine.settings, offers, size.members, _say)
        await _tell_size(machine.settings.postgres_url)
        generator = await Generator.start(replace(known, readers=readers))
        try:
            yield Bench(machine, generator, {OURS: machine.settings.port}, scale)
        finally:
            await generator.stop()


def _say(what: str) -> None:
    print(what, flush=True)


async def _tell_size(postgres_url: str) -> None:
    connection = await asyncpg.connect(**dsn(postgres_url))
    try:
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    print(f"  {size / 2**20:,.0f} MiB in PostgreSQL", flush=True)


async def _measure(
    case: str, before: Bench, after: Bench, given: argparse.Namespace
) -> list[tuple[Segment, Segment]]:
    """Warm both malls up, then let them take turns."""
    for bench in (before, after):
        await bench.turn(case, OURS, given.connections, 1.0)
    return [
        (
            await before.turn(case, OURS, given.connections, given.seconds),
            await after.turn(case, OURS, given.connections, given.seconds),
        )
        for _ in range(given.rounds)
    ]


def _table(large: Size) -> Table:
    return Table(
        Column("case", no_wrap=True),
        *(
            Column(name, justify="right", no_wrap=True)
            for name in (
                *("/s", "p99 ms", "ratio of rates", "CPU ms: web", "PostgreSQL", "ratio of CPU"),
                *("others", "flat"),
            )
        ),
        title=f"{SMALL} → {large}. Medians (lowest, highest of the rounds)",
    )


def _figures(pairs: list[tuple[Segment, Segment]]) -> list[str]:
    sides = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rates = [after.outcome.rate / before.outcome.rate for before, after in pairs]
    costs = [_cost(before) / _cost(after) for before, after in pairs]

    def middle(figure: Callable[[Segment], float], digits: int) -> str:
        small, large = (median(map(figure, side)) for side in sides)
        return f"{small:,.{digits}f} → {large:,.{digits}f}"

    return [
        middle(lambda segment: segment.outcome.rate, 0),
        middle(lambda segment: segment.outcome.p99_ms, 1),
        _spread(rates),
        *(middle(partial(Segment.cpu_ms, part=part), 2) for part in _PARTS),
        _spread(costs),
        middle(lambda segment: segment.cores_elsewhere, 2),
        "yes" if median(rates) >= 1 - FLAT else "no",
    ]


def _cost(segment: Segment) -> float:
    """Return the CPU that web server and PostgreSQL take for one operation."""
    return sum(segment.cpu_ms(part) for part in _PARTS)


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"


if __name__ == "__main__":
    main()
