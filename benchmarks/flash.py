"""`python -m benchmarks.flash`: claims of a flash sale, the mall's way beside hand-written code.

Both make the same Lua call, in the same process, in turns (`claim_server`): one through executor,
context, service and gate, one through a Starlette handler with redis-py. First while everything
sells, then when everything is sold out. No worker takes the tickets away; Redis is emptied between
turns.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import orjson
import uvloop

from benchmarks import shop
from benchmarks.claiming import Claimed, Wanted, measure
from benchmarks.connection import Connection, post
from benchmarks.machine import Machine, facts, open_machine
from cli.embedded.ports import free_port
from models import database
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.shop import SkuFacts, a_sku

SERVER = "claims"
SIDES = {"ours": "/graphql", "by hand": "/by-hand"}
PLENTY = 100_000_000
_PRODUCTS = 20


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flash", description=__doc__)
    parser.add_argument("--connections", default="32,64,128", help="at a time; several as 32,64")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each side's turn")
    given = parser.parse_args()
    given.connections = [int(each) for each in given.connections.split(",")]
    uvloop.run(_run(given))


@dataclass(frozen=True, slots=True)
class Claims:
    """A claim server that runs, and who claims there."""

    machine: Machine
    name: str
    port: int
    item_id: str
    tokens: list[str]

    async def reset(self, pieces: int) -> None:
        """Empty the gate, and give the item so many pieces."""
        connection = await Connection.open(self.port)
        await connection.ask(post("/reset", orjson.dumps({"pieces": pieces})))
        connection.close()

    async def turn(
        self, name: str, path: str, connections: int, seconds: float
    ) -> tuple[Claimed, dict[str, float]]:
        """Have members claim for so many seconds."""
        wanted = Wanted(name, self.port, path, self.item_id, self.tokens, connections, seconds)
        return await measure(wanted, self.machine.cpu_seconds)


@dataclass(frozen=True, slots=True)
class Shop:
    """Members with tokens, and an item with a shelf."""

    item_id: str
    tokens: list[str]


async def open_shop(machine: Machine) -> Shop:
    """Fill the machine's database with members and one item."""
    known, _ = await shop.fill(machine.settings, products=_PRODUCTS)
    await database.connect(machine.settings.postgres_url, max_size=2)
    try:
        sku: SkuFacts = await a_sku(price_fen=1_000, stock=PLENTY)
        item_id = await a_flash_item(sku, stock_id=await a_shelf(sku, 1))
        await database.execute(
            "UPDATE flash_sale SET starts_at = now() - interval '1 day', ends_at = now() + interval"
            " '1 day', close_due_at = now() + interval '2 days'"
        )
    finally:
        await database.close()
    return Shop(str(item_id), [shopper.token for shopper in known.shoppers])


@asynccontextmanager
async def claim_server(
    machine: Machine, known: Shop, *, window_ms: float = 0, name: str = SERVER
) -> AsyncIterator[Claims]:
    """Have the claim server run as long as the block."""
    port = free_port()
    with machine.with_environment(
        BENCHMARK_PORT=str(port),
        BENCHMARK_ITEM=known.item_id,
        BENCHMARK_WINDOW_MS=str(window_ms),
        RATE_LIMITS="false",
    ):
        ready = f"http://127.0.0.1:{port}/readyz"
        async with machine.running(name, "benchmarks.claim_server", ready=ready):
            yield Claims(machine, name, port, known.item_id, known.tokens)


async def _run(given: argparse.Namespace) -> None:
    print(", ".join(f"{name}: {value}" for name, value in facts().items()), flush=True)
    async with open_machine(web_processes=1) as machine:
        known = await open_shop(machine)
        async with claim_server(machine, known) as claims:
            for pieces, what in ((PLENTY, "selling"), (0, "sold out")):
                for connections in given.connections:
                    await _compare(claims, what, pieces, connections, given)


async def _compare(
    claims: Claims, what: str, pieces: int, connections: int, given: argparse.Namespace
) -> None:
    """Let both sides take turns, and print their medians and the ratio round by round."""
    rounds: dict[str, list[tuple[Claimed, dict[str, float]]]] = {side: [] for side in SIDES}
    for number in range(given.rounds + 1):
        for side, path in SIDES.items():
            await claims.reset(pieces)
            name = f"{what}-{connections}-{number}-{side}"
            seconds = given.seconds if number else 0.5  # The first one only warms up.
            turn = await claims.turn(name, path, connections, seconds)
            if number:
                rounds[side].append(turn)
    for side, turns in rounds.items():
        rate = median(claimed.rate for claimed, _ in turns)
        answers = [claimed.tickets + claimed.sold_out for claimed, _ in turns]
        cpu = [1e6 * used[SERVER] / count for (_, used), count in zip(turns, answers, strict=True)]
        p99 = median(claimed.p99_ms for claimed, _ in turns)
        print(
            f"{what}, {connections} connections, {side}: {rate:,.0f} a second, "
            f"99 of 100 within {p99:.1f} ms, {median(cpu):.0f} µs of CPU each"
        )
    ratios = [
        ours.rate / by_hand.rate
        for (ours, _), (by_hand, _) in zip(rounds["ours"], rounds["by hand"], strict=True)
    ]
    told = " ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"  ours to by hand: {median(ratios):.2f} ({told})", flush=True)


if __name__ == "__main__":
    main()
