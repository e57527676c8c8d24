"""Rounds of A and B in turn, and what comes of them: rates, ratios, CPU of every part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from benchmarks import statements
from benchmarks.cases import BY_HAND, SERVERS, Case
from benchmarks.load import Generator, Outcome, Round
from benchmarks.machine import EVERYTHING, Machine
from benchmarks.statements import StatementLog

_COUNTED_OPERATIONS = 7
_SETTLED_SECONDS = 0.3
"""What a worker does after an order is paid belongs to the order."""

_FIRST_GUESS = 150.0
_SPARE_CODES = 1.5
_ONE_OPERATION = 1e-6
"""Seconds so short that one operation begins in them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One side's turn in one round, with the CPU seconds of every part meanwhile."""

    outcome: Outcome
    cpu: Mapping[str, float]

    def cpu_ms(self, part: str) -> float:
        """Return a part's milliseconds for one operation."""
        return 1_000 * self.cpu.get(part, 0.0) / self.outcome.operations

    @property
    def cores_elsewhere(self) -> float:
        """Return how many cores were busy with what is not ours."""
        ours = sum(seconds for part, seconds in self.cpu.items() if part != EVERYTHING)
        others = self.cpu[EVERYTHING] - ours - self.outcome.cpu_seconds
        return max(0.0, others / self.outcome.seconds)


@dataclass(slots=True)
class Result:
    """A case at a number of connections: the segments of each side, in turn."""

    case: Case
    connections: int
    segments: dict[str, list[Segment]] = field(default_factory=dict)

    def middle(self, side: str, figure: Callable[[Segment], float]) -> float:
        """Return the median of a figure over a side's rounds."""
        return median(figure(segment) for segment in self.segments[side])

    def ratios(self, side: str) -> list[float]:
        """Return a side's rate to that of the hand-written one, round by round."""
        return [its.outcome.rate / by_hand.outcome.rate for its, by_hand in self._pairs(side)]

    def cpu_ratios(self, side: str) -> list[float]:
        """Return the hand-written server's CPU for one operation to a side's, round by round.

        What else runs on the machine slows both sides down, but hardly adds to their CPU.
        """
        return [
            by_hand.cpu_ms(SERVERS[BY_HAND]) / its.cpu_ms(SERVERS[side])
            for its, by_hand in self._pairs(side)
        ]

    def _pairs(self, side: str) -> list[tuple[Segment, Segment]]:
        by_hand = self.segments.get(BY_HAND, [])
        return [] if side == BY_HAND else list(zip(self.segments[side], by_hand, strict=False))


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how often."""

    rounds: int
    seconds: float
    checkout_seconds: float
    warm_up_seconds: float

    def seconds_of(self, case: str) -> float:
        """Return how long one side's turn takes."""
        return self.checkout_seconds if case == "checkout" else self.seconds


class Bench:
    """Measures cases on a running machine."""

    def __init__(
        self, machine: Machine, generator: Generator, ports: Mapping[str, int], scale: Scale
    ) -> None:
        self._machine = machine
        self._generator = generator
        self._ports = ports
        self._scale = scale
        self._rates: dict[tuple[str, str], float] = {}
        self._seed = 0

    async def measure(self, case: Case, connections: int) -> Result:
        """Warm every side up, then let them take turns."""
        name, sides = case.name, case.sides
        result = Result(case, connections, {side: [] for side in sides})
        for side in sides:
            await self.turn(name, side, connections, self._scale.warm_up_seconds)
        for _ in range(self._scale.rounds):
            for side in sides:
                seconds = self._scale.seconds_of(name)
                result.segments[side].append(await self.turn(name, side, connections, seconds))
        return result

    async def count(self, cases: list[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
        """Return the SQL statements of one operation, by the part that runs them."""
        found = {}
        async with statements.logging(self._machine) as log:
            for case, side in cases:
                await self.turn(case, side, 1, 0.2)
                found[case, side] = await self._count(case, side, log)
        return found

    async def _count(self, case: str, side: str, log: StatementLog) -> dict[str, int]:
        counts = []
        for _ in range(_COUNTED_OPERATIONS):
            log.skip()
            await self.turn(case, side, 1, _ONE_OPERATION)
            if case == "checkout":
                await asyncio.sleep(_SETTLED_SECONDS)
            counts.append(await log.count())
        parts = {*SERVERS.values(), "worker"}.intersection(*[set().union(*counts)])
        return {part: int(median(count[part] for count in counts)) for part in sorted(parts)}

    async def turn(self, case: str, side: str, connections: int, seconds: float) -> Segment:
        """Have the generator ask one side for so long."""
        self._seed += 1
        rate = self._rates.get((case, side), _FIRST_GUESS)
        codes = int(_SPARE_CODES * rate * seconds) + 2 * connections
        wanted = Round(
            case=case,
            side=side,
            port=self._ports[side],
            simulator_port=self._machine.settings.port + 1,
            connections=connections,
            seconds=seconds,
            codes=codes if case == "sign-in" else 0,
            seed=self._seed,
        )
        outcome, cpu = await self._generator.measure(wanted, self._machine.cpu_seconds)
        if outcome.operations > connections:
            self._rates[case, side] = outcome.rate
        return Segment(outcome, cpu)
