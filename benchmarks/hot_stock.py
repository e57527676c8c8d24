"""`python -m benchmarks.hot_stock`: what one hot SKU sells, on servers of our own.

First orders over HTTP, all of one SKU, and the proof that each took one piece. Then the experiment
of `buckets`: the pieces in one row, or split over several. Every commit waits for the disk.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from uuid import UUID

import asyncpg
import uvloop

from benchmarks import buckets, shop
from benchmarks.cases import OURS, SERVERS
from benchmarks.load import Generator, Outcome, Round
from benchmarks.machine import Machine, facts, open_machine
from models import database
from models.database import dsn
from services import verification

CASE = "place, one hot SKU"
_PRODUCTS = 20
_PLENTY = 1_000_000_000


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_stock", description=__doc__)
    parser.add_argument("--connections", default="1,8,32", help="at a time; several as 1,8,32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round")
    parser.add_argument("--web", type=int, default=2, help="web processes")
    given = parser.parse_args()
    given.connections = [int(each) for each in given.connections.split(",")]
    uvloop.run(_run(given))


async def _run(given: argparse.Namespace) -> None:
    print(", ".join(f"{name}: {value}" for name, value in facts().items()), flush=True)
    async with open_machine(web_processes=given.web) as machine:
        known, _ = await shop.fill(machine.settings, products=_PRODUCTS)
        hot = replace(known, skus=known.skus[:1])
        generator = await Generator.start(hot)
        try:
            await _orders(machine, generator, UUID(hot.skus[0]), given)
        finally:
            await generator.stop()
        await _splits(machine, given)


async def _orders(
    machine: Machine, generator: Generator, sku_id: UUID, given: argparse.Namespace
) -> None:
    """Place orders of one SKU over HTTP, and prove what they did to its stock."""
    await database.connect(machine.settings.postgres_url, statement_timeout_seconds=600)
    try:
        before = await _stock(sku_id)
        placed = 0
        for connections in given.connections:
            warm_up, _ = await _place(machine, generator, connections, 1.0)
            placed += warm_up.operations
            for _ in range(given.rounds):
                outcome, cpu = await _place(machine, generator, connections, given.seconds)
                placed += outcome.operations
                web, postgres = (1_000 * cpu[part] / outcome.operations for part in _PARTS)
                print(
                    f"{connections} connections: {outcome.rate:,.0f} orders a second,"
                    f" p50 {outcome.p50_ms:.0f} ms, p99 {outcome.p99_ms:.0f} ms;"
                    f" CPU of an order: web {web:.1f} ms, PostgreSQL {postgres:.1f} ms",
                    flush=True,
                )
        after = await _stock(sku_id)
        assert before["available"] - after["available"] == placed, (before, after, placed)
        assert after["reserved"] - before["reserved"] == placed, (before, after, placed)
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken
        print(f"{placed:,} orders placed, each took one piece; the books hold.", flush=True)
    finally:
        await database.close()


async def _place(
    machine: Machine, generator: Generator, connections: int, seconds: float
) -> tuple[Outcome, dict[str, float]]:
    port = machine.settings.port
    wanted = Round(CASE, OURS, port, port + 1, connections, seconds)
    return await generator.measure(wanted, machine.cpu_seconds)


_PARTS = (SERVERS[OURS], "postgres")


async def _stock(sku_id: UUID) -> asyncpg.Record:
    row = await database.fetch_one(
        "SELECT available, reserved FROM stock_level WHERE id = $1", sku_id
    )
    assert row is not None
    return row


async def _splits(machine: Machine, given: argparse.Namespace) -> None:
    """Sell a SKU whose pieces lie in one row, then in several, in turns."""
    address = dsn(machine.settings.postgres_url)
    sessions = [await asyncpg.connect(**address) for _ in range(max(given.connections))]
    try:
        await sessions[0].execute(buckets.SCHEMA)
        skus = {split: await buckets.fill(sessions[0], split, _PLENTY) for split in buckets.SPLITS}
        for number in given.connections:
            best = dict.fromkeys(buckets.SPLITS, 0.0)
            for _ in range(given.rounds):
                for split, sku_id in skus.items():
                    rate = await buckets.rate(sessions[:number], split, sku_id, given.seconds / 4)
                    best[split] = max(best[split], rate)
            told = ", ".join(f"{split.name} {rate:,.0f}" for split, rate in best.items())
            print(f"{number} sessions, sales a second: {told}", flush=True)
        await sessions[0].execute(buckets.DROP)
    finally:
        for session in sessions:
            await session.close()


if __name__ == "__main__":
    main()
