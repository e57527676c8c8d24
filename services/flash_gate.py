"""The flash gate as the services see it; `domain/flash_gate.py` has the words."""

from __future__ import annotations

from collections.abc import AsyncIterable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.flash_gate import (
    ClaimAnswer,
    ClaimWish,
    GateAway,
    Given,
    Inspection,
    ItemConfig,
    ItemPlace,
    ItemTruth,
    LostClaim,
    Missing,
    QueuedTicket,
    Refused,
    Settled,
    SettledAs,
    Shown,
    TicketRefusal,
    TruthOf,
)
from domain.flash_tickets import Ticket
from domain.stock_gate import Claimable

__all__ = [
    "ClaimAnswer",
    "ClaimWish",
    "FlashGate",
    "GateAway",
    "Given",
    "Inspection",
    "ItemConfig",
    "ItemPlace",
    "ItemTruth",
    "LostClaim",
    "Missing",
    "QueuedTicket",
    "Refused",
    "Settled",
    "SettledAs",
    "Shown",
    "TicketRefusal",
    "TruthOf",
]


class FlashGate(Protocol):
    """Claims in Redis. What says so raises `GateAway`; the rest never fails."""

    @property
    def shards(self) -> range:
        """Return the numbers of all shards: each has a queue."""

    def shards_of(self, items: Iterable[ItemPlace]) -> frozenset[int]:
        """Return the shards that these items lie in."""

    def ticket_of(self, text: str) -> Ticket | None:
        """Return what a ticket's id stands for; None unless it is one of ours."""

    def text_of(self, ticket: Ticket) -> str:
        """Return the id of a ticket, as members get it."""

    async def claim(self, wish: ClaimWish) -> ClaimAnswer:
        """Take pieces and queue a ticket, once for each key.

        Raises:
            GateAway: it is unknown whether the claim arrived.
        """

    async def give_back(self, claimable: Claimable) -> None:
        """Make pieces claimable again, and take them off the member's."""

    async def look(
        self, items: Sequence[ItemPlace], member_id: UUID | None
    ) -> dict[UUID, Shown] | None:
        """Return what pages show of the items that are known; None while Redis is away."""

    async def is_open(self, ticket: Ticket, buckets: int) -> bool:
        """Tell whether the ticket still waits to be decided.

        Raises:
            GateAway: Redis cannot say.
        """

    async def configure(self, item: ItemConfig) -> bool:
        """Judge claims by a newer configuration; False where the item is unknown or Redis away."""

    async def rebuild(
        self, item: ItemConfig, truth_of: TruthOf, *, only_missing: bool = False
    ) -> bool:
        """Count an item from PostgreSQL, less what open tickets hold.

        Of many who ask at once, in any process, one does it. `only_missing` leaves alone what is
        known whole.

        Returns:
            Whether the item can be claimed now; False: another is at it, PostgreSQL kept changing
            meanwhile, or Redis is away.
        """

    async def inspect(self, item: ItemPlace, *, now: datetime) -> Inspection | None:
        """Return an item's counts, None where a part is unknown: it must be rebuilt.

        Raises:
            GateAway: Redis cannot say.
        """

    async def feed(self, shards: Collection[int], levels: Mapping[UUID, int]) -> bool:
        """Tell of members whose tier level changed; -1 is a blocked member, 0 the lowest tier."""

    async def feed_anew(
        self, shards: Collection[int], pages: AsyncIterable[Mapping[UUID, int]]
    ) -> bool:
        """Replace all levels: the pages are every member above level 0 or blocked."""

    async def unfed(self, shards: Collection[int]) -> frozenset[int] | None:
        """Return the shards that don't know who has which tier; None while Redis is away."""

    async def read_tickets(
        self, shards: Collection[int], consumer: str, *, limit: int, wait_seconds: float
    ) -> list[QueuedTicket]:
        """Return up to about `limit` tickets, first those that a dead consumer has left.

        Each goes to one consumer, and to another unless it is settled within some seconds. Waits
        for the first one; an empty list means none came, or Redis is away.
        """

    async def settle(self, decided: Sequence[Settled]) -> None:
        """Take decided tickets off their queues; what is told twice, or lost, does no harm."""
