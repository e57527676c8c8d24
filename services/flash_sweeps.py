"""What the worker does for flash sales: comparing Redis with PostgreSQL, and closing sales."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.flash_sales import FlashSaleState
from models import database
from services import campaign_stock, flash_batches, flash_counts
from services.due_work import each, lease
from services.flash_admin import StockGate
from services.flash_counts import CountedItem
from services.flash_gate import FlashGate, GateAway, Inspection, Settled, SettledAs

log = structlog.get_logger(__name__)

CLOSES_ANYHOW_AFTER = timedelta(minutes=5)
"""How long after its end a sale waits for tickets that nobody decides."""

LOOKS_AGAIN_AFTER = timedelta(seconds=5)


async def reconcile(gate: FlashGate, *, now: datetime) -> int:
    """Compare each open sale's items with PostgreSQL and mend what is certainly wrong.

    Items that Redis doesn't know are counted, old configurations replaced, and claims that hold
    pieces without being in a queue rejected. An item that is being claimed while we look is left
    for the next time.

    Returns:
        The pieces by which the gate was wrong; 0 while Redis is away.
    """
    drift = 0
    for item in await flash_counts.of_open_sales(now=now):
        try:
            drift += await _compare(item, gate, now)
        except GateAway:
            break
    return drift


async def _compare(item: CountedItem, gate: FlashGate, now: datetime) -> int:
    seen = await gate.inspect(item.config.place, now=now)
    if seen is None:
        await flash_counts.rebuild(item, gate, only_missing=True)
        return 0
    if seen.version < item.config.version:
        await gate.configure(item.config)
    if seen.stale:
        await _give_up_lost(seen, gate, now)
        return 0
    available = await database.fetch_value(
        "SELECT available FROM campaign_stock WHERE id = $1", item.stock_id
    )
    drift = drift_of(seen, available)
    if not drift or await gate.inspect(item.config.place, now=now) != seen:
        return 0
    log.warning("flash_gate_drifted", item_id=str(item.config.item_id), pieces=drift)
    await flash_counts.rebuild(item, gate)
    return abs(drift)


def drift_of(seen: Inspection, available: int) -> int:
    """Return how far the count is outside what tickets under way can explain.

    Pieces of a ticket may or may not have been reserved in PostgreSQL already.
    """
    lowest, highest = available - seen.open, available
    return seen.free - highest if seen.free > highest else min(0, seen.free - lowest)


async def _give_up_lost(seen: Inspection, gate: FlashGate, now: datetime) -> None:
    """Reject claims that are in no queue, first in PostgreSQL, and give their pieces back.

    One that has been ordered meanwhile keeps its row and is told as sold.
    """
    tickets = [lost.ticket for lost in seen.stale]
    await flash_batches.lose(tickets, now=now)
    ordered = await _ordered([ticket.claim_id for ticket in tickets])
    await gate.settle(
        [
            Settled(
                entry_id=None,
                shard=lost.shard,
                item_id=lost.ticket.item_id,
                claim_id=lost.ticket.claim_id,
                outcome=SettledAs.SOLD
                if (lost.ticket.claim_id, lost.ticket.claimed_at) in ordered
                else SettledAs.BACK,
            )
            for lost in seen.stale
        ]
    )


async def _ordered(claim_ids: list[UUID]) -> set[tuple[UUID, datetime]]:
    rows = await database.fetch(
        "SELECT id, claimed_at FROM flash_ticket WHERE id = ANY($1) AND status = 'ORDERED'",
        claim_ids,
    )
    return {(row["id"], row["claimed_at"]) for row in rows}


async def close_due(
    stock_gate: StockGate, gate: FlashGate, *, now: datetime, limit: int = 20
) -> int:
    """Close sales that are over: what is left goes back to the SKUs; returns how many it took on.

    A sale waits until its last tickets are decided, though not for ever.
    """
    # Looked first: a statement that updates sales has every page of them made anew.
    if not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM flash_sale WHERE close_due_at <= $1)", now
    ):
        return 0
    rows = await lease("flash_sale", "close_due_at", "row.ends_at", now=now, limit=limit)

    async def close(row: Any) -> None:
        items = await flash_counts.of_sale(row["id"], now=now)
        is_late = now >= row["ends_at"] + CLOSES_ANYHOW_AFTER
        if is_late or await _is_quiet(items, gate, now):
            freed = await database.retrying(lambda: _close(row["id"], now))
            await stock_gate.recount(freed)
        else:
            await database.execute(
                "UPDATE flash_sale SET close_due_at = $2 WHERE id = $1 AND state <> 'CLOSED'",
                row["id"],
                now + LOOKS_AGAIN_AFTER,
            )

    return await each("flash_sales", rows, close)


async def _is_quiet(items: list[CountedItem], gate: FlashGate, now: datetime) -> bool:
    """Tell whether no ticket waits; what Redis has forgotten has none."""
    try:
        for item in items:
            seen = await gate.inspect(item.config.place, now=now)
            if seen is not None and seen.open:
                return False
    except GateAway:
        return False
    return True


async def _close(sale_id: UUID, now: datetime) -> list[UUID]:
    """Close a sale and its shelves; returns the SKUs that pieces went back to."""
    async with database.in_transaction():
        sale = await database.fetch_one(
            "SELECT state, ends_at FROM flash_sale WHERE id = $1 FOR UPDATE", sale_id
        )
        assert sale is not None, "it fell due, and sales are never deleted"
        is_over = sale["state"] == FlashSaleState.CANCELLED or sale["ends_at"] <= now
        if sale["state"] == FlashSaleState.CLOSED or not is_over:
            return []  # Another worker has closed it, or it was extended a moment ago.
        rows = await database.fetch(
            """
            SELECT stock_id FROM flash_sale_item
            WHERE sale_id = $1 AND stock_id IS NOT NULL ORDER BY stock_id
            """,
            sale_id,
        )
        freed = [await campaign_stock.close(row["stock_id"], now=now) for row in rows]
        await database.execute(
            """
            UPDATE flash_sale
            SET state = 'CLOSED', close_due_at = NULL, config_version = config_version + 1
            WHERE id = $1
            """,
            sale_id,
        )
        return [sku_id for each_ in freed for sku_id in each_.pieces]
