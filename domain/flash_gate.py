"""What claims of flash sales ask of the gate in Redis, and what it answers (rules, section 7).

PostgreSQL decides every order (`flash_orders`), so the gate may forget: a count that is too high
only gets a ticket rejected with its reason, one that is too low sells nothing until it is compared.
A claim is asked in this order: called before under its key, too often, blocked, over, tier, own
start, limit, pieces.
"""

from __future__ import annotations

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Mapping,
)
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

from domain.flash_tickets import Ticket
from domain.orders import DeliveryMethod


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
