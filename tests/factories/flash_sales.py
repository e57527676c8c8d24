"""Flash sales on real gates; tickets as the queue hands them out, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.errors import DomainError
from domain.flash_sales import TicketReason, TicketStatus
from domain.flash_tickets import Ticket, claim_id_of, mac_key, write_ticket
from domain.orders import DeliveryMethod
from gateways.redis.connection import RedisClient
from gateways.redis.flash_gate import FlashGate, FlashGateConfig
from gateways.redis.gates import Gates
from gateways.redis.stock_gate import StockGate
from models import database
from models.flash_sales import FlashTicket
from services import flash_admin, flash_claims, flash_counts, flash_orders, flash_sweeps
from services.flash_admin import NewFlashSale, NewItem
from services.flash_claims import ClaimFlashSale
from services.flash_gate import QueuedTicket
from services.stock import available_of
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.shop import DATA, NOW, SkuFacts

CLAIMED_MS = 1_795_320_000_123


async def a_sale_of(sku: SkuFacts, pieces: int, *, price_fen: int = 100, limit: int = 1) -> UUID:
    """Set pieces of a SKU aside for a running sale of one item; returns the item's id."""
    stock_id = await a_shelf(sku, pieces)
    return await a_flash_item(sku, stock_id=stock_id, price_fen=price_fen, per_member_limit=limit)


async def a_sale_by_the_clock(sku: SkuFacts, pieces: int = 5, *, limit: int = 1) -> UUID:
    """Set pieces aside for a sale that runs by the real clock; returns its item's id."""
    item_id = await a_sale_of(sku, pieces, limit=limit)
    await database.execute(
        """
        UPDATE flash_sale SET starts_at = $2, ends_at = $3, close_due_at = $3
        WHERE id = (SELECT sale_id FROM flash_sale_item WHERE id = $1)
        """,
        item_id,
        datetime.now(UTC) - timedelta(hours=1),
        datetime.now(UTC) + timedelta(hours=1),
    )
    return item_id


async def a_rejected_ticket(item_id: UUID, member_id: UUID, secret: str) -> str:
    """Write a ticket that came too late, under an installation's secret; returns its id."""
    queued = a_ticket(item_id, member_id)
    await FlashTicket.create(
        id=queued.ticket.claim_id,
        item_id=item_id,
        member_id=member_id,
        quantity=1,
        claimed_at=queued.ticket.claimed_at,
        status=TicketStatus.REJECTED,
        reason=TicketReason.SOLD_OUT,
        decided_at=NOW,
    )
    return write_ticket(queued.ticket, mac_key(secret))


def a_ticket(
    item_id: UUID,
    member_id: UUID,
    *,
    key: str = "key",
    quantity: int = 1,
    claimed_ms: int = CLAIMED_MS,
    address_id: UUID | None = None,
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS,
    store_id: UUID | None = None,
) -> QueuedTicket:
    """Return a claim as the queue hands it out."""
    ticket = Ticket(claim_id_of(member_id, key), item_id, member_id, quantity, claimed_ms)
    return QueuedTicket(
        entry_id="1-0",
        shard=0,
        ticket=ticket,
        address_id=address_id,
        delivery=delivery,
        store_id=store_id,
        digest="0123456789abcdef",
    )


async def decided(queued: Iterable[QueuedTicket], *, now: datetime = NOW) -> list[str]:
    """Decide tickets; returns what becomes of their pieces, in the order of the tickets."""
    wanted = list(queued)
    settled = await flash_orders.decide(wanted, DATA, now=now)
    outcomes = {each.claim_id: each.outcome.value for each in settled}
    return [outcomes.get(each.ticket.claim_id, "LEFT OUT") for each in wanted]


async def ticket_of(queued: QueuedTicket) -> tuple[str, str | None] | None:
    """Return a ticket's row: where it stands, and why."""
    row = await database.fetch_one(
        "SELECT status, reason FROM flash_ticket WHERE id = $1", queued.ticket.claim_id
    )
    return tuple(row) if row else None


async def order_of(queued: QueuedTicket) -> dict[str, Any] | None:
    """Return a ticket's order with its one line."""
    row = await database.fetch_one(
        """
        SELECT o.*, line.sku_id, line.quantity, line.product_name, line.sku_name, line.units,
               line.discounts AS line_discounts, line.campaign_stock_id,
               (SELECT array_agg(kind) FROM order_event WHERE order_id = o.id) AS events
        FROM sales_order AS o JOIN order_line AS line ON line.order_id = o.id WHERE o.id = $1
        """,
        queued.ticket.claim_id,
    )
    return dict(row) if row else None


async def quota_of(item_id: UUID, member_id: UUID) -> int:
    """Return how many pieces of an item a member has."""
    pieces: int | None = await database.fetch_value(
        "SELECT pieces FROM flash_quota WHERE item_id = $1 AND member_id = $2", item_id, member_id
    )
    return pieces or 0


START = datetime(2126, 11, 11, 2, 0, tzinfo=UTC)
"""When sales of tests begin: Redis forgets a sale by its own clock, and this isn't over yet."""

RUNNING = START + timedelta(minutes=1)
KEY = mac_key("a secret of the tests, long enough")


class FlashMall:
    """The services of flash sales on real gates: operators, members, the consumer, the sweeps."""

    def __init__(self, redis: RedisClient, *, shards: int = 4) -> None:
        config = FlashGateConfig(
            ticket_keys=(KEY,),
            shards=shards,
            timeout_seconds=5.0,
            sweep_timeout_seconds=5.0,
            breaker_seconds=0.0,
            idle_seconds=0.001,
            dry_seconds=0.0,
        )
        self.flash = FlashGate(redis, config)
        self.stock = StockGate(redis, available_of)
        self.gates = Gates(self.stock, self.flash)

    async def publish(self, *items: NewItem, **facts: Any) -> list[UUID]:
        """Draft and publish a sale of one hour; returns its items' ids, in their order."""
        sale_id = await self.draft(*items, **facts)
        await flash_admin.publish(sale_id, self.gates, self.flash, now=START - timedelta(days=1))
        return await items_of(sale_id)

    async def draft(self, *items: NewItem, **facts: Any) -> UUID:
        """Draft a sale of one hour; returns its id."""
        new = NewFlashSale(
            **{
                "name": "整点秒杀",
                "name_en": "On the hour",
                "starts_at": START,
                "ends_at": START + timedelta(hours=1),
                "items": items,
                **facts,
            }
        )
        return await flash_admin.draft(new, now=START - timedelta(days=2))

    async def claim(
        self,
        member_id: UUID,
        item_id: UUID,
        *,
        key: str = "key",
        now: datetime = RUNNING,
        **more: Any,
    ) -> str:
        """Claim pieces of an item; returns the ticket's id, or the code of the refusal."""
        facts: dict[str, Any] = {"quantity": 1, "client_ip": "203.0.113.7", **more}
        captcha = facts.pop("captcha", None)
        command = ClaimFlashSale(member_id=member_id, item_id=item_id, idempotency_key=key, **facts)
        try:
            return await flash_claims.claim(command, self.flash, captcha, now=now)
        except DomainError as refused:
            return refused.code.value

    async def ticket(
        self, ticket_id: str, member_id: UUID, *, now: datetime = RUNNING
    ) -> tuple[str, str | None] | None:
        """Return how a ticket stands for its member: its status, and the code of its problem."""
        row = await flash_claims.ticket(ticket_id, member_id, self.flash, now=now)
        if row is None:
            return None
        problem = row.problem(limit=1, product="茶壶")
        return row.status.value, problem.code.value if problem else None

    async def queued(self) -> list[QueuedTicket]:
        """Return what waits in the queues, as a consumer reads it."""
        return await self.flash.read_tickets(
            self.flash.shards, "consumer", limit=1_000, wait_seconds=0
        )

    async def consume(self, *, now: datetime = RUNNING) -> int:
        """Decide all that waits; returns how many tickets that were."""
        queued = await self.queued()
        settled = await flash_orders.decide(queued, DATA, now=now)
        await self.flash.settle(settled)
        return len(queued)

    async def counts(self, item_id: UUID, *, now: datetime = RUNNING) -> tuple[int, int] | None:
        """Return what the gate has of an item: pieces free, and pieces of open tickets."""
        item = await flash_counts.of_item(item_id, now=now)
        assert item is not None
        seen = await self.flash.inspect(item.config.place, now=now)
        return (seen.free, seen.open) if seen else None

    async def reconcile(self, *, now: datetime = RUNNING) -> int:
        """Compare the gate with PostgreSQL, as the sweep does."""
        return await flash_sweeps.reconcile(self.flash, now=now)

    async def close_due(self, *, now: datetime) -> int:
        """Close what is over, as the sweep does."""
        return await flash_sweeps.close_due(self.gates, self.flash, now=now)


async def items_of(sale_id: UUID) -> list[UUID]:
    """Return the ids of a sale's items, in their order."""
    rows = await database.fetch(
        "SELECT id FROM flash_sale_item WHERE sale_id = $1 ORDER BY position", sale_id
    )
    return [row["id"] for row in rows]


async def sale_of(item_id: UUID) -> UUID:
    """Return the sale of an item."""
    sale_id: UUID = await database.fetch_value(
        "SELECT sale_id FROM flash_sale_item WHERE id = $1", item_id
    )
    return sale_id


async def shelf_of_item(item_id: UUID) -> dict[str, int]:
    """Return the pieces of an item's shelf, by where they are."""
    row = await database.fetch_one(
        """
        SELECT shelf.available, shelf.reserved, shelf.sold, shelf.returned
        FROM campaign_stock AS shelf JOIN flash_sale_item AS item ON item.stock_id = shelf.id
        WHERE item.id = $1
        """,
        item_id,
    )
    assert row is not None
    return dict(row)
