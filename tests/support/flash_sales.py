"""A flash sale's item before its gate, with dictionaries that play PostgreSQL and a still clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.flash_tickets import Ticket, claim_id_of, mac_key, read_ticket
from domain.orders import DeliveryMethod
from domain.stock_gate import Claimable
from gateways.redis.connection import RedisClient
from gateways.redis.flash_gate import FlashGate, FlashGateConfig
from services.flash_gate import (
    ClaimAnswer,
    ClaimWish,
    Given,
    Inspection,
    ItemConfig,
    ItemTruth,
    QueuedTicket,
    Refused,
    Settled,
    SettledAs,
    TicketRefusal,
)

ITEM = UUID("01999999-0000-7000-8000-000000000001")
START = datetime(2126, 11, 11, 2, 0, tzinfo=UTC)
"""Redis forgets a sale by its own clock: this one is not over for a hundred years."""
KEY = mac_key("a secret of the tests, long enough")
CONFIG = FlashGateConfig(
    ticket_keys=(KEY,), timeout_seconds=5.0, sweep_timeout_seconds=5.0, breaker_seconds=0.0
)
"""The breaker's pause is what a test of its own is about."""


def member(number: int) -> UUID:
    """Return a member's id."""
    return UUID(int=0xABC << 64 | number)


class FlashShop:
    """One item of a running sale: what PostgreSQL knows of it, and its gate."""

    def __init__(
        self,
        client: RedisClient,
        *,
        pieces: int = 3,
        buckets: int = 1,
        limit: int = 2,
        config: FlashGateConfig = CONFIG,
    ) -> None:
        self.client = client
        self.now = START + timedelta(minutes=1)
        self.item = ItemConfig(
            item_id=ITEM,
            buckets=buckets,
            starts_at=START,
            ends_at=START + timedelta(hours=1),
            is_closed=False,
            limit=limit,
            level=0,
            version=1,
        )
        self.gate = FlashGate(client, config)
        self.available = pieces
        self.quotas: dict[UUID, int] = {}
        self.rows: dict[UUID, SettledAs] = {}
        self.readings = 0

    async def publish(self) -> None:
        """Count the item from PostgreSQL."""
        assert await self.gate.rebuild(self.item, self.read)

    async def configure(self, *, is_closed: bool, ends_at: datetime | None = None) -> None:
        """Change the sale and have the gate hear of it."""
        self.item = replace(
            self.item,
            version=self.item.version + 1,
            is_closed=is_closed,
            ends_at=ends_at or self.item.ends_at,
        )
        assert await self.gate.configure(self.item)

    async def read(self, claims: Collection[UUID]) -> ItemTruth:
        self.readings += 1
        return ItemTruth(
            available=self.available,
            quotas=dict(self.quotas),
            decided=[claim for claim in claims if claim in self.rows],
        )

    def wish(self, who: int, key: str = "k", quantity: int = 1) -> ClaimWish:
        return ClaimWish(
            item_id=ITEM,
            buckets=self.item.buckets,
            member_id=member(who),
            quantity=quantity,
            key=key,
            address_id=None,
            delivery=DeliveryMethod.EXPRESS,
            store_id=None,
            client_ip="203.0.113.7",
            now=self.now,
        )

    async def claim(self, who: int, key: str = "k", quantity: int = 1) -> ClaimAnswer:
        return await self.gate.claim(self.wish(who, key, quantity))

    async def refusal(self, who: int, key: str = "k", quantity: int = 1) -> TicketRefusal:
        """Claim, and return why there is no ticket."""
        answer = await self.claim(who, key, quantity)
        assert isinstance(answer, Refused), answer
        return answer.reason

    async def given(self, who: int, key: str = "k", quantity: int = 1) -> Ticket:
        """Claim, and return the ticket."""
        answer = await self.claim(who, key, quantity)
        assert isinstance(answer, Given), answer
        ticket = read_ticket(answer.ticket, [KEY])
        assert ticket is not None
        return ticket

    async def queued(self, consumer: str = "one") -> list[QueuedTicket]:
        """Read what is in the queues now."""
        return await self.gate.read_tickets(self.gate.shards, consumer, limit=1_000, wait_seconds=0)

    def decide(self, tickets: Collection[QueuedTicket]) -> list[Settled]:
        """Write orders, as PostgreSQL would."""
        settled = []
        for each in tickets:
            ticket = each.ticket
            outcome = self.rows.get(ticket.claim_id)
            if outcome is None:
                outcome = SettledAs.GONE
                if ticket.quantity <= self.available:
                    outcome = SettledAs.SOLD
                    self.available -= ticket.quantity
                    had = self.quotas.get(ticket.member_id, 0)
                    self.quotas[ticket.member_id] = had + ticket.quantity
                self.rows[ticket.claim_id] = outcome
            settled.append(
                Settled(each.entry_id, each.shard, ticket.item_id, ticket.claim_id, outcome)
            )
        return settled

    async def work(self, consumer: str = "one") -> None:
        """Turn all queued tickets into orders."""
        while tickets := await self.queued(consumer):
            await self.gate.settle(self.decide(tickets))

    async def cancel(self, who: int, pieces: int = 1, *, tell: bool = True) -> None:
        """Cancel a member's order of so many pieces."""
        self.available += pieces
        self.quotas[member(who)] -= pieces
        if tell:
            await self.gate.give_back(Claimable(ITEM, member(who), pieces))

    async def seen(self) -> Inspection | None:
        return await self.gate.inspect(self.item.place, now=self.now)

    async def counts(self) -> tuple[int, int]:
        """Return the free and the open pieces."""
        inspection = await self.seen()
        assert inspection is not None
        return inspection.free, inspection.open

    async def mine(self, who: int) -> int:
        """Return how many pieces the gate says the member has."""
        shown = await self.gate.look([self.item.place], member(who))
        assert shown is not None
        return shown[ITEM].mine


def claim_of(who: int, key: str = "k") -> UUID:
    """Return the id of a member's claim under a key."""
    return claim_id_of(member(who), key)
