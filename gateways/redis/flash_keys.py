"""Where in Redis a flash sale's item, its members and its tickets are.

An item's pieces lie in as many parts as it has buckets, each in a shard of its own; a shard is one
hash tag, so that one script reaches all that a claim needs, on a cluster too. A member has one part
of an item as their home: their quota and their keys are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID
from zlib import crc32

from domain.flash_gate import ItemPlace


@dataclass(frozen=True, slots=True)
class Shard:
    """The keys that a shard has but once, and those of members and claims."""

    number: int

    @property
    def tag(self) -> str:
        return f"{{flash:{self.number}}}"

    @property
    def tickets(self) -> str:
        return f"{self.tag}:tickets"

    @property
    def level(self) -> str:
        return f"{self.tag}:level"

    def new_level(self, name: str) -> str:
        return f"{self.tag}:level:{name}"

    def key(self, claim: str) -> str:
        return f"{self.tag}:key:{claim}"

    def member_rate(self, member: str) -> str:
        return f"{self.tag}:rate:m:{member}"

    def address_rate(self, subject: str) -> str:
        return f"{self.tag}:rate:a:{subject}"


@dataclass(frozen=True, slots=True)
class Part:
    """The keys of an item's part: a shard has at most one part of an item."""

    shard: Shard
    item: str
    quota: str
    open: str
    mine: str
    lock: str

    @classmethod
    def of(cls, item_id: UUID, shard_number: int) -> Part:
        """Return an item's part in a shard."""
        shard, item = Shard(shard_number), item_id.hex
        names = ("item", "quota", "open", "mine", "rebuild")
        return cls(shard, *(f"{shard.tag}:{name}:{item}" for name in names))

    def new_quota(self, name: str) -> str:
        return f"{self.quota}:{name}"


class Places:
    """Finds parts, given how many shards there are.

    That number may only change while no sale is published: items would lie elsewhere.
    """

    def __init__(self, shards: int) -> None:
        self.shards = range(shards)
        self.parts = lru_cache(maxsize=1_000)(self._parts)
        """Return an item's parts, the first one first; there are at most as many as shards."""

    def first(self, item_id: UUID) -> int:
        """Return the shard of an item's first part, which every item has."""
        return crc32(item_id.bytes) % len(self.shards)

    def home(self, place: ItemPlace, member_id: UUID) -> int:
        """Return which of an item's parts is the member's."""
        return crc32(member_id.bytes) % len(self.parts(place))

    def shards_of(self, places: Iterable[ItemPlace]) -> frozenset[int]:
        """Return the shards that have parts of these items."""
        return frozenset(part.shard.number for place in places for part in self.parts(place))

    def _parts(self, place: ItemPlace) -> tuple[Part, ...]:
        first, count = self.first(place.item_id), min(place.buckets, len(self.shards))
        return tuple(
            Part.of(place.item_id, (first + number) % len(self.shards)) for number in range(count)
        )
