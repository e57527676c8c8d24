"""What is measured, on which sides, and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OURS = "ours"
CACHED = "ours, cached"
"""With whole public answers kept in memory; `ours` keeps none, or it would measure nothing else."""
BY_LEVEL = "ours, by level"
"""Without looking ahead: each field that fetches is one call for its level."""
PLAIN = "plain Strawberry"
BY_HAND = "by hand"

SERVERS = {
    OURS: "web",
    CACHED: "cached",
    BY_LEVEL: "by-level",
    PLAIN: "plain",
    BY_HAND: "by-hand",
}
"""What each side's server is called among the machine's processes."""


@dataclass(frozen=True, slots=True)
class Case:
    """An operation to measure. `targets` are the least ratios to the hand-written side's rate."""

    name: str
    sides: tuple[str, ...] = (OURS, BY_HAND)
    targets: Mapping[str, float] = field(default_factory=dict)


_READ = (OURS, BY_HAND, PLAIN)

READS = (
    Case(
        "home",
        (OURS, BY_HAND, BY_LEVEL, CACHED, PLAIN),
        {OURS: 0.90, BY_LEVEL: 0.65, CACHED: 5.0},
    ),
    Case("home of a member", (OURS, BY_HAND, BY_LEVEL, PLAIN), {OURS: 0.90, BY_LEVEL: 0.65}),
    Case("dashboard", _READ, {OURS: 0.85}),
    Case("page", _READ, {OURS: 0.85}),
    Case("orders", _READ, {OURS: 0.85}),
    Case("list", _READ),
    Case("quote", _READ),
)
WRITES = (Case("sign-in"), Case("place+pay"))
CHECKOUT = Case("checkout", (OURS,))
"""An order from cart to paid: the target is orders a second, the worker's part in it included."""

CHECKOUTS_A_SECOND = 126
BESIDE = (*READS, *WRITES)
ALL = {case.name: case for case in (*BESIDE, CHECKOUT)}
