"""The flash gate as the services see it: claims of flash sales, decided in Redis.

PostgreSQL decides every order (`flash_orders`), so the gate may forget: a count that is too high
only gets a ticket rejected with its reason, one that is too low sells nothing until it is compared.
A claim is asked in this order: called before under its key, too often, blocked, over, tier, own
start, limit, pieces.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol
from uuid import UUID

from domain.flash_tickets import Ticket
from domain.orders import DeliveryMethod
from domain.stock_gate import Claimable


class GateAway(Exception):
    """Redis did not answer in time, or is left alone for a moment: ask the member to come back.

    A claim may have arrived all the same; the same idempotency key then finds its ticket.
    """


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where an item's counts are: spread over `buckets` parts."""

    item_id: UUID
    buckets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemConfig:
    """What the gate judges claims of an item by.

    `limit` is pieces for each member, `level` the least tier level (0 for everybody), and
    `early_minutes` says by tier level how long before `starts_at` its members may claim. `version`
    grows with each change. Paused and cancelled sales are closed.
    """

    item_id: UUID
    buckets: int
    starts_at: datetime
    ends_at: datetime
    is_closed: bool
    limit: int
    level: int
    early_minutes: Mapping[int, int] = field(default_factory=dict)
    version: int

    @property
    def place(self) -> ItemPlace:
        """Return where its counts are."""
        return ItemPlace(self.item_id, self.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWish:
    """A member's claim under an idempotency key; no address is the default one."""

    item_id: UUID
    buckets: int
    member_id: UUID
    quantity: int
    key: str
    address_id: UUID | None
    delivery: DeliveryMethod
    store_id: UUID | None
    client_ip: str
    now: datetime

    @property
    def digest(self) -> str:
        """Return 16 characters that are the same for the same request only."""
        parts = (self.item_id, self.quantity, self.address_id, self.delivery, self.store_id)
        return blake2b("\n".join(map(str, parts)).encode(), digest_size=8).hexdigest()


class TicketRefusal(StrEnum):
    """Why a claim got no ticket."""

    KEY_REUSED = "KEY_REUSED"
    """The key was used for another request."""
    TOO_OFTEN = "TOO_OFTEN"
    BLOCKED = "BLOCKED"
    OVER = "OVER"
    """The window has closed, or the sale is paused or cancelled."""
    TIER = "TIER"
    EARLY = "EARLY"
    """This member's own start has not come."""
    LIMIT = "LIMIT"
    SOLD_OUT = "SOLD_OUT"


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket, as members get it; the same one for each repetition under the key."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No ticket, and nothing taken.

    `at` is the member's own start (EARLY); `left` how many more the member may have (LIMIT) or
    pieces there are (SOLD_OUT); `wait_seconds` when to come back (TOO_OFTEN).
    """

    reason: TicketRefusal
    at: datetime | None = None
    left: int | None = None
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Redis does not know the item (`rebuild` it), or not who has which tier (`feed_anew`)."""

    levels: bool = False


ClaimAnswer = Given | Refused | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruth:
    """What one snapshot of PostgreSQL says of an item.

    `available` on its shelf, pieces by member (`flash_quota`), and which of the claims asked for
    have their row.
    """

    available: int
    quotas: Mapping[UUID, int]
    decided: Collection[UUID]


TruthOf = Callable[[Collection[UUID]], Awaitable[ItemTruth]]
"""Reads an item's truth; it is given the claims that the gate holds open."""


@dataclass(frozen=True, slots=True)
class LostClaim:
    """A claim that holds pieces although its ticket is in no queue."""

    ticket: Ticket
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """An item's counts, all parts together.

    `free` can be claimed, `open` pieces have tickets that nobody has decided. Two equal looks mean
    that nothing moved in between. `version` is that of the configuration the gate has.
    """

    free: int
    open: int
    moves: tuple[str, ...]
    version: int
    stale: tuple[LostClaim, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: pieces that can be claimed, the viewer's own, and their last ticket."""

    remaining: int
    mine: int = 0
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedTicket:
    """A ticket on its way to an order, with what the member wished for."""

    entry_id: str
    shard: int
    ticket: Ticket
    address_id: UUID | None
    delivery: DeliveryMethod
    store_id: UUID | None
    digest: str


class SettledAs(StrEnum):
    """What became of a ticket's pieces."""

    SOLD = "SOLD"
    """They are in an order."""
    BACK = "BACK"
    """The ticket was rejected: they can be claimed again."""
    GONE = "GONE"
    """It was rejected because PostgreSQL had no such pieces: the gate had counted too many."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A ticket that PostgreSQL has decided; `entry_id` is None where no queue had it."""

    entry_id: str | None
    shard: int
    item_id: UUID
    claim_id: UUID
    outcome: SettledAs


class FlashGate(Protocol):
    """Claims in Redis. What says so raises `GateAway`; the rest never fails."""

    @property
    def shards(self) -> range:
        """Return the numbers of all shards: each has a queue."""

    def shards_of(self, items: Iterable[ItemPlace]) -> frozenset[int]:
        """Return the shards that these items lie in."""

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
