"""One who keeps a member's tier on paper: entries in a list, terms on a pile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.clock import months_expiry

Thresholds = tuple[int, int, int]
GIFTS = (0, 100, 300)


@dataclass
class Entry:
    """A change of growth; `counts` tells whether for a term.

    `of` is the number of the entry that it takes back, at whose time it counts.
    """

    at: datetime
    delta: int
    of: int | None = None
    counts: bool = True


@dataclass
class Step:
    """A level that was reached, and what it asked for then; entries after `since_seq` are its."""

    level: int
    since: datetime
    review_at: datetime | None
    since_seq: int
    asked: int


@dataclass
class Climber:
    """A member: `steps` is the pile of terms, the present one on top."""

    began: datetime
    versions: list[tuple[datetime, Thresholds]]
    entries: list[Entry] = field(default_factory=list)
    growth: int = 0
    lifetime: int = 0
    floor: int = 0
    gifts: set[tuple[int, int]] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin on the lowest level."""
        self.steps = [Step(0, self.began, None, 0, 0)]

    @property
    def term(self) -> Step:
        """Return the present term."""
        return self.steps[-1]

    def asks(self, at: datetime) -> Thresholds:
        """Return the thresholds in force."""
        return self.versions[self._version(at)][1]

    def _version(self, at: datetime) -> int:
        return max(number for number, (since, _) in enumerate(self.versions) if since <= at)

    def credit(self, amount: int, at: datetime) -> int:
        """Add growth; returns the entry's number."""
        self.review(at)
        self.entries.append(Entry(at, amount))
        number = len(self.entries)
        self.growth += amount
        self.lifetime += amount
        self.rise(at)
        return number

    def rise(self, at: datetime) -> None:
        """Go up to what the growth has reached."""
        asked = self.asks(at)
        level = _reached(self.growth, asked)
        if level <= self.term.level:
            return
        for passed in range(self.term.level + 1, level + 1):
            self.gifts.add((self._version(at), passed))
        seq = len(self.entries)
        self.steps.append(Step(level, at, months_expiry(at, 12), seq, asked[level]))

    def take(self, number: int, amount: int, at: datetime) -> int:
        """Take back growth of an entry; returns how much there was to take."""
        self.review(at)
        taken = min(amount, self.growth)
        if taken:
            self.entries.append(Entry(self.entries[number - 1].at, -taken, of=number))
        self.growth -= taken
        self.lifetime = max(self.lifetime - amount, 0)
        self._fall(at)
        return taken

    def _fall(self, at: datetime) -> None:
        asked = self.asks(at)
        met = [step.level for step in self.steps if step.asked <= self.growth]
        level = max(self.floor, _reached(self.growth, asked), *met, 0)
        lost = None
        while self.term.level > level:
            lost = self.steps.pop()
        if self.term.level < level:  # A level that a leap had skipped.
            assert lost is not None
            self.steps.append(Step(level, lost.since, lost.review_at, lost.since_seq, asked[level]))

    def earned(self, until: datetime | None = None) -> int:
        """Return what the term has earned, before an instant."""
        return max(
            sum(entry.delta for entry in self._own() if until is None or entry.at < until), 0
        )

    def _own(self) -> Sequence[Entry]:
        since = self.term.since_seq
        return [
            entry
            for entry in self.entries[since:]
            if entry.counts and (entry.of is None or entry.of > since)
        ]

    def review(self, now: datetime) -> None:
        """Do every review that is due."""
        while self.term.review_at is not None and self.term.review_at <= now:
            self._review(self.term.review_at)

    def _review(self, due: datetime) -> None:
        asked, level, earned = self.asks(due), self.term.level, self.earned(due)
        late = [entry for entry in self._own() if entry.at >= due]
        seq = self.entries.index(late[0]) if late else len(self.entries)
        if earned < asked[level]:
            level -= 1
            left = max(asked[level], earned) + sum(entry.delta for entry in late)
            left = min(self.growth, max(left, 0))
            if left < self.growth:
                self.entries.append(Entry(due, left - self.growth, counts=False))
            self.growth = left
        self.floor = level
        review_at = months_expiry(due, 12) if level else None
        self.steps = [Step(level, due, review_at, seq, asked[level])]


def _reached(growth: int, asked: Thresholds) -> int:
    return max(level for level, threshold in enumerate(asked) if threshold <= growth)
