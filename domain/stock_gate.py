"""What the stock gate answers. Redis may refuse early; PostgreSQL decides (rules, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID


class GateAnswer(StrEnum):
    """HELD: go on. REFUSED: sold out, stop here. UNAVAILABLE: go on, PostgreSQL alone decides."""

    HELD = "HELD"
    REFUSED = "REFUSED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class StockHold:
    """One operation's hold on the gate's counts.

    Give it back to the gate's `commit` once PostgreSQL has committed the reservation, or to
    `release` when it did not. `taken` are the SKUs that this very call took: a retry of the same
    operation shares the first one's hold and leaves its release to the first.
    """

    id: str
    answer: GateAnswer
    quantities: Mapping[UUID, int]
    taken: frozenset[UUID] = frozenset()
    left: Mapping[UUID, int] = field(default_factory=dict)
    """Pieces left of each SKU that refused."""


@dataclass(frozen=True, slots=True)
class Claimable:
    """Pieces of a flash sale's item that a member had, and may claim again."""

    item_id: UUID
    member_id: UUID
    pieces: int


@dataclass(frozen=True, slots=True)
class Freed:
    """What a transaction made available again: the gate hears of it after the commit.

    `pieces` by stock id: a SKU's, or that of what a campaign has set aside. Of flash sales' items
    the gate has `claimable` instead.
    """

    pieces: Mapping[UUID, int] = field(default_factory=dict)
    claimable: tuple[Claimable, ...] = ()


@dataclass(frozen=True, slots=True)
class StockDrift:
    """A count that disagreed with PostgreSQL and was dropped, to be read anew.

    `pieces` is what the gate had too many (above 0) or too few (below 0).
    """

    sku_id: UUID
    pieces: int


def hold_id(member_id: UUID, operation: str, key: str) -> str:
    """Name the hold of one operation, so that its retry finds the same one."""
    name = f"{member_id}\n{operation}\n{key}".encode()
    return blake2b(name, digest_size=16).hexdigest()
