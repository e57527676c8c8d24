"""The load generator, a process of its own: `python -m benchmarks.load`.

The first line on its standard input tells it the shop, each further one a round. It prepares the
round, says "ready", and with the next line it begins; in the end it tells what came of it.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import uvloop

from benchmarks import shop
from benchmarks.connection import Connection, post
from benchmarks.flows import FLOWS, Client, NoMoreCodes
from benchmarks.shop import Shop

_ERRORS = b'"errors":'
_REFUSED = b'"userErrors":[{'
_PROBLEMS = b'"problems":[{'


@dataclass(frozen=True, slots=True)
class Round:
    """What is asked for. `codes` are made beforehand, untimed; a sign-in uses one."""

    case: str
    side: str
    port: int
    simulator_port: int
    connections: int
    seconds: float
    codes: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: seconds by the wall clock, latencies in milliseconds."""

    operations: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Return operations a second."""
        return self.operations / self.seconds


def check(operation: str, answer: bytes) -> None:
    """Refuse an answer that tells of an error: a refusal is cheap, and would look fast."""
    if _ERRORS in answer or _REFUSED in answer or _PROBLEMS in answer:
        raise AssertionError(f"{operation}: {answer[:600]!r}")


async def prepare(wanted: Round, known: Shop) -> list[Client]:
    """Connect, and have login codes made."""
    clients = [await _client(wanted, known, number) for number in range(wanted.connections)]
    if wanted.codes:
        await _mint(clients, wanted.codes)
    return clients


async def run(wanted: Round, clients: list[Client]) -> Outcome:
    """Keep every connection busy until the time is over."""
    flow = FLOWS[wanted.case]
    latencies: list[float] = []
    cpu, started = time.process_time(), time.perf_counter()
    deadline = started + wanted.seconds

    async def keep_busy(client: Client) -> None:
        begun = time.perf_counter()
        while True:  # One operation at least, however short the time.
            try:
                await flow(client)
            except NoMoreCodes:
                return
            ended = time.perf_counter()
            latencies.append(ended - begun)
            if ended >= deadline:
                return
            begun = ended

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(keep_busy(client))
    seconds = time.perf_counter() - started
    cpu = time.process_time() - cpu
    for client in clients:
        client.server.close()
        client.simulator.close()
    latencies.sort()
    return Outcome(
        operations=len(latencies),
        seconds=seconds,
        p50_ms=_at(latencies, 50),
        p99_ms=_at(latencies, 99),
        cpu_seconds=cpu,
    )


async def _client(wanted: Round, known: Shop, number: int) -> Client:
    return Client(
        side=wanted.side,
        server=await Connection.open(wanted.port),
        simulator=await Connection.open(wanted.simulator_port),
        shop=known,
        shopper=known.shoppers[number % len(known.shoppers)],
        codes=deque(),
        chance=random.Random(wanted.seed * 1_000 + number),
        checks=check,
        sleep=asyncio.sleep,
    )


async def _mint(clients: list[Client], count: int) -> None:
    """Have WeChat make login codes, as many on every connection."""

    async def mint(client: Client) -> None:
        body = orjson.dumps({"user": client.shopper.user})
        for _ in range(-(-count // len(clients))):
            told = orjson.loads(await client.simulator.ask(post("/_sim/login_code", body)))
            client.codes.append(told["code"])

    await asyncio.gather(*(mint(client) for client in clients))


def _at(ordered: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Generator:
    """The process, as its parent uses it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, known: Shop) -> Generator:
        """Start it and tell it the shop."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.load",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        generator = cls(process)
        generator._write(shop.dump(known))
        return generator

    async def measure(
        self, wanted: Round, cpu_seconds: Callable[[], Mapping[str, float]]
    ) -> tuple[Outcome, dict[str, float]]:
        """Run one round; tell what came of it, and the CPU that each part used meanwhile."""
        self._write(orjson.dumps(asdict(wanted)))
        await self._read()
        before = cpu_seconds()
        self._write(b"")
        outcome = Outcome(**orjson.loads(await self._read()))
        after = cpu_seconds()
        return outcome, {part: after[part] - before.get(part, 0.0) for part in after}

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _read(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise SystemExit("The load generator ended; see its error above.")
        return line

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")


def main() -> None:
    """Serve rounds until standard input ends."""
    lines = sys.stdin.buffer
    known = shop.load(lines.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while line := lines.readline():
            wanted = Round(**orjson.loads(line))
            clients = runner.run(prepare(wanted, known))
            _tell("ready")
            lines.readline()
            _tell(asdict(runner.run(run(wanted, clients))))


def _tell(what: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
