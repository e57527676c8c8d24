"""`python -m benchmarks.hostile`: what hostile requests cost the server, and whoever asks beside.

Every kind of tests/executor/hostile is sent to a mall on servers of its own: some times one by
one with a clock, then again and again while the server's memory is watched. Each answer is
checked. A bystander, a process of its own, asks a small question every few milliseconds while the
clock runs: what it waits is what an attacker takes from others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.connection import Connection, post
from benchmarks.machine import Machine, facts, open_machine
from tests.executor.hostile.catalogue import KINDS
from tests.executor.hostile.kinds import ENVIRONMENT, Kind
from tests.executor.hostile.wire import Target

TARGET_MS = 250.0
TIMED = 20
"""Times that a kind is timed; fewer if that takes longer than this many seconds."""
TIMED_SECONDS = 3.0
AT_ONCE = 4
"""Connections in the long run; kinds that wait for a limit need many to get anywhere."""
WAITING_AT_ONCE = 40
BYSTANDER_PAUSE_SECONDS = 0.005
QUESTION = post("/graphql", b'{"query":"{ __typename }"}')
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Figures:
    """What one kind took. Memory is what there is in the end, and how much more than before."""

    name: str
    way: str
    answer: str
    median_ms: float
    worst_ms: float
    bystander_ms: float
    cpu_ms: float
    times: int
    memory_mb: float
    grown_mb: float


class Bystander:
    """The process that asks beside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def asking(cls, port: int) -> AsyncIterator[Bystander]:
        """Have one ask as long as the block runs."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.hostile",
            "--bystander",
            str(port),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def worst_ms(self) -> float:
        """Return the longest that it waited since the last time it was asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return float(await self._process.stdout.readline())


async def _bystand(port: int) -> None:
    connection = await Connection.open(port)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    told = asyncio.create_task(lines.readline())
    worst = 0.0
    while True:
        begun = time.perf_counter()
        await connection.ask(QUESTION)
        worst = max(worst, time.perf_counter() - begun)
        if told.done():
            if not told.result():
                return
            print(1_000 * worst, flush=True)
            told, worst = asyncio.create_task(lines.readline()), 0.0
        await asyncio.sleep(BYSTANDER_PAUSE_SECONDS)


class Bench:
    """Measures kind after kind on one machine."""

    def __init__(self, machine: Machine, bystander: Bystander, given: argparse.Namespace) -> None:
        self._machine = machine
        self._bystander = bystander
        self._given = given
        self._target = Target(machine.settings.port)

    async def warm_up(self, kinds: list[Kind]) -> None:
        """Do everything some times: caches fill, and the allocator gets its pages."""
        for _ in range(self._given.rounds):
            for kind in kinds:
                if not (kind.waits or kind.crowds):
                    await self._act(kind)

    async def measure(self, kind: Kind) -> Figures:
        """Time a kind, then repeat it."""
        await self._bystander.worst_ms()
        timed = await self._time(kind)
        waited = await self._bystander.worst_ms()
        before, cpu = self.memory_mb(), self._machine.cpu_seconds()["web"]
        times, text = await self._repeat(kind)
        cpu = self._machine.cpu_seconds()["web"] - cpu
        return Figures(
            name=kind.name,
            way=kind.way,
            answer=text,
            median_ms=timed[len(timed) // 2],
            worst_ms=timed[-1],
            bystander_ms=waited,
            cpu_ms=1_000 * cpu / times,
            times=times,
            memory_mb=self.memory_mb(),
            grown_mb=self.memory_mb() - before,
        )

    def memory_mb(self) -> float:
        """Return how much memory the web process has."""
        pid = self._machine.pids["web"]
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6

    async def _act(self, kind: Kind) -> str:
        seen = await kind.act(self._target)
        if not kind.is_as_expected(seen):
            raise SystemExit(f"{kind.id}: {seen}, and not {kind.expected}")
        return f"{seen[0]} {seen[1]}".strip()

    async def _time(self, kind: Kind) -> list[float]:
        timed: list[float] = []
        deadline = time.perf_counter() + TIMED_SECONDS
        while not timed or (len(timed) < TIMED and time.perf_counter() < deadline):
            begun = time.perf_counter()
            await self._act(kind)
            timed.append(1_000 * (time.perf_counter() - begun))
        return sorted(timed)

    async def _repeat(self, kind: Kind) -> tuple[int, str]:
        at_once = 1 if kind.crowds else WAITING_AT_ONCE if kind.waits else AT_ONCE
        deadline = time.perf_counter() + self._given.seconds
        left, done, text = self._given.repetitions, 0, ""

        async def go_on() -> None:
            nonlocal left, done, text
            while left > 0 and (time.perf_counter() < deadline or not done):
                left -= 1
                text = await self._act(kind)
                done += 1

        await asyncio.gather(*(go_on() for _ in range(at_once)))
        return done, text


async def _run(given: argparse.Namespace) -> None:
    kinds = [kind for kind in KINDS if given.only.lower() in kind.id.lower()]
    kinds.sort(key=lambda kind: kind.crowds)  # What they take is free again a little later.
    os.environ |= ENVIRONMENT
    print(f"Starting the servers for {len(kinds)} kinds ...", flush=True)
    async with (
        open_machine(web_processes=1) as machine,
        Bystander.asking(machine.settings.port) as bystander,
    ):
        bench = Bench(machine, bystander, given)
        await bench.warm_up(kinds)
        begun_mb = bench.memory_mb()
        measured = []
        for number, kind in enumerate(kinds, 1):
            measured.append(await bench.measure(kind))
            if number % 25 == 0:
                print(f"{number} of {len(kinds)}, {bench.memory_mb():.0f} MB", flush=True)
        _show(measured, begun_mb)
    if given.json:
        told = {"machine": facts(), "kinds": [asdict(each) for each in measured]}
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False))


def _show(measured: list[Figures], begun_mb: float) -> None:
    """Print the dearest kinds, and what holds for all."""
    waits = {kind.id for kind in KINDS if kind.waits}
    timed = [each for each in measured if f"{each.name}, {each.way}" not in waits]
    timed.sort(key=lambda each: each.worst_ms, reverse=True)
    print("\n| kind | by | worst ms | median ms | CPU ms | bystander ms | times | answer |")
    print("|---|---|---|---|---|---|---|---|")
    for each in timed[:_SHOWN]:
        answer = each.answer.replace("|", "\\|").replace("\n", " ")[:50]
        print(
            f"| {each.name} | {each.way} | {each.worst_ms:.0f} | {each.median_ms:.1f} "
            f"| {each.cpu_ms:.1f} | {each.bystander_ms:.0f} | {each.times:,} | {answer} |"
        )
    slow = [each for each in timed if each.worst_ms > TARGET_MS]
    ordered = sorted(each.median_ms for each in timed)
    print(f"\n{len(timed)} kinds: median {ordered[len(ordered) // 2]:.1f} ms, ", end="")
    print(f"worst {timed[0].worst_ms:.0f} ms; {len(slow)} beyond {TARGET_MS:.0f} ms")
    print(f"A bystander waited {max(each.bystander_ms for each in measured):.0f} ms at most")
    total = sum(each.times for each in measured)
    last, most = measured[-1].memory_mb, max(each.memory_mb for each in measured)
    print(f"Memory: {begun_mb:.0f} MB before, {last:.0f} MB after {total:,} requests, ", end="")
    print(f"{most:.0f} MB at most")
    for each in sorted(measured, key=lambda each: each.grown_mb, reverse=True)[:5]:
        print(f"  {each.grown_mb:+.1f} MB in {each.times:,} times {each.name}, {each.way}")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--repetitions", type=int, default=2_000, help="of each kind")
    parser.add_argument("--seconds", type=float, default=5.0, help="at most, for repeating a kind")
    parser.add_argument("--rounds", type=int, default=10, help="of all kinds before, untimed")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    parser.add_argument("--bystander", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    asyncio.run(_run(given) if given.bystander is None else _bystand(given.bystander))


if __name__ == "__main__":
    main()
