"""`python -m benchmarks.durable_claims`: a Redis stream against one PostgreSQL statement.

Claims answered by the gate's script, which appends the ticket to a stream, while Redis writes
nothing down, writes down every second, or before every answer; beside claims that are collected for
some milliseconds, written by one statement and answered after its commit. Over HTTP, in turns, on
one machine whose disk PostgreSQL waits for. What each loses when it dies stands in ADR 18.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median

import uvloop

from benchmarks.claiming import Claimed
from benchmarks.flash import PLENTY, SERVER, Claims, claim_server, open_shop
from benchmarks.machine import Machine, facts, open_machine
from gateways.redis.connection import RedisConfig, connect

PARTS = (SERVER, "valkey", "postgres")
Turn = tuple[Claimed, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Side:
    """A way to claim: its name and path, its server, and what Redis is told beforehand."""

    name: str
    path: str
    claims: Claims
    prepare: Callable[[], Awaitable[None]]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.durable_claims", description=__doc__
    )
    parser.add_argument("--connections", default="64,256", help="at a time; several as 64,256")
    parser.add_argument("--windows", default="0,2,5,10", help="milliseconds, to collect claims in")
    parser.add_argument("--sold-out", action="store_true", help="nobody gets anything")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each side's turn")
    given = parser.parse_args()
    given.connections = [int(each) for each in given.connections.split(",")]
    given.windows = [float(each) for each in given.windows.split(",")]
    uvloop.run(_run(given))


async def _run(given: argparse.Namespace) -> None:
    print(", ".join(f"{name}: {value}" for name, value in facts().items()), flush=True)
    async with open_machine(web_processes=1) as machine, AsyncExitStack() as stack:
        known = await open_shop(machine)
        servers = {
            window: await stack.enter_async_context(
                claim_server(machine, known, window_ms=window, name=f"{SERVER} {window:g}")
            )
            for window in given.windows
        }
        sides = _streams(machine, servers[given.windows[0]])
        sides += [
            Side(f"statement, {window:g} ms", "/collected", claims, _redis(machine, "no"))
            for window, claims in servers.items()
        ]
        for connections in given.connections:
            await _compare(sides, connections, given)


def _streams(machine: Machine, claims: Claims) -> list[Side]:
    names = {"no": "in memory", "everysec": "on disk each second", "always": "on disk at once"}
    return [
        Side(f"stream, {name}", "/stream", claims, _redis(machine, fsync))
        for fsync, name in names.items()
    ]


def _redis(machine: Machine, fsync: str) -> Callable[[], Awaitable[None]]:
    """Return what tells Redis how to write down what it does: "no" is not at all."""

    async def tell() -> None:
        client = connect(RedisConfig(machine.settings.redis_dsn))
        if fsync != "no":
            await client.config_set("appendfsync", fsync)
        await client.config_set("appendonly", "no" if fsync == "no" else "yes")
        await client.aclose()

    return tell


async def _compare(sides: list[Side], connections: int, given: argparse.Namespace) -> None:
    """Let all sides take turns, and print their medians."""
    turns: dict[str, list[Turn]] = {side.name: [] for side in sides}
    for number in range(given.rounds + 1):
        for side in sides:
            await side.prepare()
            await side.claims.reset(0 if given.sold_out else PLENTY)
            seconds = given.seconds if number else 0.5  # The first one only warms up.
            name = f"{connections}-{number}-{side.name}"
            turn = await side.claims.turn(name, side.path, connections, seconds)
            assert not (turn[0].tickets if given.sold_out else turn[0].sold_out)
            if number:
                turns[side.name].append(turn)
    for side in sides:
        print(_told(side, connections, turns[side.name]), flush=True)


def _told(side: Side, connections: int, turns: list[Turn]) -> str:
    rate = median(claimed.rate for claimed, _ in turns)
    p50 = median(claimed.p50_ms for claimed, _ in turns)
    p99 = median(claimed.p99_ms for claimed, _ in turns)
    cpu = []
    for part in (side.claims.name, *PARTS[1:]):
        spent = median(
            1e6 * used[part] / (claimed.tickets + claimed.sold_out) for claimed, used in turns
        )
        cpu.append(f"{part} {spent:.0f}")
    return (
        f"{connections} connections, {side.name}: {rate:,.0f} a second, half within {p50:.1f} ms, "
        f"99 of 100 within {p99:.1f} ms, µs of CPU each: {', '.join(cpu)}"
    )


if __name__ == "__main__":
    main()
