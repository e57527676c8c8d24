"""What must be true of a storm, whatever broke: the history against what the database says.

Each rule returns a line for every violation; nothing is raised, so that all of them are seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.storm.history import Attempt, Entry, History, Outcome

WRONG_CODES = frozenset({"INTERNAL", "TIMEOUT"})
"""Told to a client, these are a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an attempt left: for whom, of what, and how many pieces; cancelled ones too."""

    member: str
    what: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there was of something, and where its pieces are now."""

    stock: int
    available: int
    taken: int
    """Reserved by orders, or sold."""
    limit: int | None = None
    """How many pieces of it a member may have."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database, and Redis, say once the storm is over.

    `made` are the effects by what the member was told (`ref`); `held` how many pieces of each
    thing each member has now; `counted` what Redis counts of each thing, where it counts.
    """

    made: Mapping[str, Effect]
    held: Mapping[tuple[str, str], int]
    shelves: Mapping[str, Shelf]
    counted: Mapping[str, int] = field(default_factory=dict)


Rule = Callable[[History, str, Facts], Iterator[str]]


def check(history: History, operation: str, facts: Facts) -> list[str]:
    """Return every violation by an operation's attempts and what they left."""
    return [told for rule in RULES for told in rule(history, operation, facts)]


def every_attempt_is_definite(history: History, operation: str, _facts: Facts) -> Iterator[str]:
    """Who repeats an unknown request under its key learns what became of it."""
    for attempt, entries in _of(history, operation):
        if entries[-1].answer.outcome is Outcome.UNKNOWN:
            yield f"{_name(attempt)} never became definite: {entries[-1].answer.code}"


def answers_agree(history: History, operation: str, _facts: Facts) -> Iterator[str]:
    """One key has one effect, whoever is told of it how often."""
    for attempt, entries in _of(history, operation):
        refs = {each.answer.ref for each in entries if each.answer.outcome is Outcome.OK}
        refused = any(each.answer.outcome is Outcome.REFUSED for each in entries)
        if len(refs) > 1 or (refs and refused):
            yield f"{_name(attempt)} was told of {sorted(refs)}, refused: {refused}"


def attempts_share_nothing(history: History, operation: str, _facts: Facts) -> Iterator[str]:
    """Two keys never lead to the same."""
    owners: dict[str, set[Attempt]] = defaultdict(set)
    for attempt, entries in _of(history, operation):
        for entry in entries:
            if entry.answer.outcome is Outcome.OK:
                owners[entry.answer.ref].add(attempt)
    for ref, attempts in owners.items():
        if len(attempts) > 1:
            yield f"{ref} answers {sorted(map(_name, attempts))}"


def acknowledged_is_there(history: History, operation: str, facts: Facts) -> Iterator[str]:
    """What a member was told of is in the database: theirs, of what they wanted."""
    for attempt, entries in _of(history, operation):
        for entry in entries[-1:]:
            if entry.answer.outcome is not Outcome.OK:
                continue
            wanted = Effect(attempt.member, entry.what, entry.pieces)
            found = facts.made.get(entry.answer.ref)
            if found != wanted:
                yield f"{_name(attempt)} was told of {entry.answer.ref}: {wanted}, is {found}"


def nothing_else_was_made(history: History, operation: str, facts: Facts) -> Iterator[str]:
    """What was refused left nothing."""
    for ref in facts.made.keys() - history.refs(operation).keys():
        yield f"{ref} was made ({facts.made[ref]}), and nobody was told of it"


def no_server_failed(history: History, operation: str, _facts: Facts) -> Iterator[str]:
    """A server that lives answers, and never with a failure of its own."""
    told = Counter(
        entry.answer.code
        for _, entries in _of(history, operation)
        for entry in entries
        if entry.answer.code in WRONG_CODES or entry.answer.code.startswith("HTTP_5")
    )
    for code, times in told.items():
        yield f"{operation} was answered {code} {times} times"


def nothing_is_oversold(_history: History, _operation: str, facts: Facts) -> Iterator[str]:
    """Pieces are on the shelf or taken, each once, and are as many as there were."""
    for what, shelf in facts.shelves.items():
        held = sum(pieces for (_, thing), pieces in facts.held.items() if thing == what)
        if shelf.available + shelf.taken != shelf.stock or shelf.available < 0:
            yield f"{what}: {shelf} doesn't add up"
        if held != shelf.taken:
            yield f"{what}: members have {held} pieces, the shelf says {shelf.taken}"


def limits_hold(_history: History, _operation: str, facts: Facts) -> Iterator[str]:
    """Nobody has more than the limit."""
    for (member, what), pieces in facts.held.items():
        limit = facts.shelves[what].limit
        if limit is not None and pieces > limit:
            yield f"{member} has {pieces} pieces of {what}, the limit is {limit}"


def nothing_is_undersold(history: History, operation: str, facts: Facts) -> Iterator[str]:
    """What is left was refused to nobody by the last wave, whose keys begin with "last"."""
    for attempt, entries in _of(history, operation):
        last = entries[-1]
        left = facts.shelves[last.what].available if last.what in facts.shelves else 0
        if attempt.key.startswith("last") and _was_sold_out(last) and left >= last.pieces:
            yield f"{_name(attempt)} was told {last.answer.code}, and {left} pieces are left"


def redis_counts_the_same(_history: History, _operation: str, facts: Facts) -> Iterator[str]:
    """The gate is right once things are quiet."""
    for what, counted in facts.counted.items():
        if counted != facts.shelves[what].available:
            yield f"{what}: Redis counts {counted}, {facts.shelves[what].available} are left"


RULES: tuple[Rule, ...] = (
    every_attempt_is_definite,
    answers_agree,
    attempts_share_nothing,
    acknowledged_is_there,
    nothing_else_was_made,
    no_server_failed,
    nothing_is_oversold,
    limits_hold,
    nothing_is_undersold,
    redis_counts_the_same,
)


def _was_sold_out(entry: Entry) -> bool:
    return entry.answer.code in {"OUT_OF_STOCK", "CAMPAIGN_SOLD_OUT", "TEAM_FULL"}


def _of(history: History, operation: str) -> Iterator[tuple[Attempt, list[Entry]]]:
    for attempt, entries in history.attempts().items():
        if attempt.operation == operation:
            yield attempt, entries


def _name(attempt: Attempt) -> str:
    return f"{attempt.operation}({attempt.key!r}) of {attempt.member}"
