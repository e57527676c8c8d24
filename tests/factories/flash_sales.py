"""Tickets of flash sales as the queue hands them out, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.flash_tickets import Ticket, claim_id_of
from domain.orders import DeliveryMethod
from models import database
from services import flash_orders
from services.flash_gate import QueuedTicket
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.shop import DATA, NOW, SkuFacts

CLAIMED_MS = 1_795_320_000_123


async def a_sale_of(sku: SkuFacts, pieces: int, *, price_fen: int = 100, limit: int = 1) -> UUID:
    """Set pieces of a SKU aside for a running sale of one item; returns the item's id."""
    stock_id = await a_shelf(sku, pieces)
    return await a_flash_item(sku, stock_id=stock_id, price_fen=price_fen, per_member_limit=limit)


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
