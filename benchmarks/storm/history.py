"""What every member asked, when, and what they were told: the evidence of a storm."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import orjson


class Outcome(StrEnum):
    """What an answer says of the request's effect."""

    OK = "OK"
    REFUSED = "REFUSED"
    """It had none."""
    UNKNOWN = "UNKNOWN"
    """It may have had one: the same key must be asked again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `code` of what stood in the way, or `ref` of what was made."""

    outcome: Outcome
    code: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one idempotency key stands for; a retry belongs to the same attempt."""

    member: str
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. Times are seconds since the history began."""

    attempt: Attempt
    what: str
    """What was wanted: the id of a SKU, an item or a team."""
    pieces: int
    asked_at: float
    answered_at: float
    answer: Answer


class History:
    """All requests of a storm, in the order in which their answers came."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.entries: list[Entry] = []

    def now(self) -> float:
        """Return the seconds since it began."""
        return time.monotonic() - self._began

    def add(
        self, attempt: Attempt, answer: Answer, *, what: str, pieces: int, asked_at: float
    ) -> None:
        """Write an answer down."""
        self.entries.append(Entry(attempt, what, pieces, asked_at, self.now(), answer))

    def attempts(self) -> Mapping[Attempt, list[Entry]]:
        """Return the requests of every attempt, by when they were answered."""
        found: dict[Attempt, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.attempt].append(entry)
        return found

    def refs(self, operation: str) -> dict[str, Attempt]:
        """Return what was acknowledged, and by which attempt it was wanted."""
        return {
            entry.answer.ref: entry.attempt
            for entry in self.entries
            if entry.attempt.operation == operation and entry.answer.outcome is Outcome.OK
        }

    def counts(self, operation: str) -> Counter[str]:
        """Count how attempts ended: OK, or the code of their last answer."""
        return Counter(
            last.answer.code or last.answer.outcome.value
            for attempt, entries in self.attempts().items()
            if attempt.operation == operation
            for last in [entries[-1]]
        )

    def milliseconds(self, operation: str, percent: int) -> float:
        """Return within how long so many of a hundred requests were answered."""
        waited = sorted(
            each.answered_at - each.asked_at
            for each in self.entries
            if each.attempt.operation == operation
        )
        return round(1_000 * waited[len(waited) * percent // 100], 1) if waited else 0.0

    def write(self, file: Path) -> None:
        """Write it down, a line of JSON for each request."""
        file.write_bytes(b"".join(orjson.dumps(asdict(each)) + b"\n" for each in self.entries))
