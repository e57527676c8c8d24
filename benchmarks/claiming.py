"""Members who claim from one item over HTTP, a process of its own: `python -m benchmarks.claiming`.

Its standard input tells it what to ask for; it connects, says "ready", begins with the next line,
and in the end tells what came of it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import orjson
import uvloop

from benchmarks.connection import Connection, post

MUTATION = (
    "mutation Claim($i: ClaimFlashSaleInput!) { claimFlashSale(input: $i) "
    "{ ticket { id status quantity createdAt } userErrors { code message } } }"
)
_TICKET = b'"status":"QUEUED"'
_SOLD_OUT = b'"code":"CAMPAIGN_SOLD_OUT"'


@dataclass(frozen=True, slots=True)
class Wanted:
    """A turn: who claims, where, how many at a time, for how long; `name` makes its keys new."""

    name: str
    port: int
    path: str
    item_id: str
    tokens: list[str]
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """What came of it: seconds by the wall clock, latencies in milliseconds."""

    tickets: int
    sold_out: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_seconds: float

    @property
    def answers(self) -> int:
        """Return how many claims were answered."""
        return self.tickets + self.sold_out

    @property
    def rate(self) -> float:
        """Return answers a second."""
        return self.answers / self.seconds


async def measure(
    wanted: Wanted, cpu_seconds: Callable[[], Mapping[str, float]]
) -> tuple[Claimed, dict[str, float]]:
    """Have a process claim; tell what came of it, and the CPU that each part used meanwhile."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.claiming"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(orjson.dumps(asdict(wanted)) + b"\n")
    assert await process.stdout.readline() == b"ready\n", "it could connect"
    before = cpu_seconds()
    process.stdin.write(b"\n")
    claimed = Claimed(**orjson.loads(await process.stdout.readline()))
    after = cpu_seconds()
    await process.wait()
    return claimed, {part: after[part] - before.get(part, 0.0) for part in after}


async def _claim(wanted: Wanted) -> Claimed:
    connections = [await Connection.open(wanted.port) for _ in range(wanted.connections)]
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    latencies: list[float] = []
    tickets = 0
    cpu, started = time.process_time(), time.perf_counter()
    deadline = started + wanted.seconds

    async def keep_claiming(number: int, connection: Connection) -> None:
        nonlocal tickets
        claims = 0
        while time.perf_counter() < deadline:
            token = wanted.tokens[(number + claims * wanted.connections) % len(wanted.tokens)]
            key = f"{wanted.name}-{number}-{claims}"
            body = {"itemId": wanted.item_id, "quantity": 1, "idempotencyKey": key}
            request = post(
                wanted.path, orjson.dumps({"query": MUTATION, "variables": {"i": body}}), token
            )
            begun = time.perf_counter()
            answer = await connection.ask(request)
            latencies.append(time.perf_counter() - begun)
            claims += 1
            if _TICKET in answer:
                tickets += 1
            elif _SOLD_OUT not in answer:
                raise AssertionError(f"neither a ticket nor sold out: {answer[:400]!r}")

    async with asyncio.TaskGroup() as group:
        for number, connection in enumerate(connections):
            group.create_task(keep_claiming(number, connection))
    seconds = time.perf_counter() - started
    cpu = time.process_time() - cpu
    latencies.sort()
    return Claimed(
        tickets=tickets,
        sold_out=len(latencies) - tickets,
        seconds=seconds,
        p50_ms=_at(latencies, 50),
        p99_ms=_at(latencies, 99),
        cpu_seconds=cpu,
    )


def _at(ordered: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    told = Wanted(**orjson.loads(sys.stdin.buffer.readline()))
    print(orjson.dumps(asdict(uvloop.run(_claim(told)))).decode(), flush=True)
