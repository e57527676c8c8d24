"""Flash sales, their items, and what a member has of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from loaders.catalog import by_id
from models import database
from models.flash_sale_rows import ITEM_COLUMNS, ITEM_SOURCE, SALE_COLUMNS, TICKET_COLUMNS


async def sale_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return sales by id, on or over; no drafts."""
    rows = await database.fetch(
        f"SELECT {SALE_COLUMNS} FROM flash_sale WHERE id = ANY($1) AND state <> 'DRAFT'", ids
    )
    return by_id(ids, rows)


async def item_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return items by id, of sales that are on or over."""
    rows = await database.fetch(
        f"""
        SELECT {ITEM_COLUMNS} FROM {ITEM_SOURCE}
        WHERE item.id = ANY($1) AND sale.state <> 'DRAFT'
        """,
        ids,
    )
    return by_id(ids, rows)


async def item_by_sku_id(ids: Sequence[UUID], *, now: datetime) -> list[Record | None]:
    """Return the item that each SKU is in of the sale that is on, or else of the next one."""
    rows = await database.fetch(
        f"""
        SELECT DISTINCT ON (item.sku_id) {ITEM_COLUMNS} FROM {ITEM_SOURCE}
        WHERE item.sku_id = ANY($1) AND sale.state IN ('PUBLISHED', 'PAUSED') AND sale.ends_at > $2
        ORDER BY item.sku_id, sale.starts_at, item.id
        """,
        ids,
        now,
    )
    found = {row["sku_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def pieces_by_item_id(ids: Sequence[UUID], *, viewer_id: UUID) -> list[int]:
    """Return how many pieces of each item a member has in orders; what came back doesn't count."""
    rows = await database.fetch(
        "SELECT item_id, pieces FROM flash_quota WHERE item_id = ANY($1) AND member_id = $2",
        ids,
        viewer_id,
    )
    found = {row["item_id"]: row["pieces"] for row in rows}
    return [found.get(id_, 0) for id_ in ids]


async def reminder_by_item_id(ids: Sequence[UUID], *, viewer_id: UUID) -> list[bool]:
    """Tell which items a member will be reminded of, or was."""
    rows = await database.fetch(
        "SELECT item_id FROM flash_reminder WHERE item_id = ANY($1) AND member_id = $2",
        ids,
        viewer_id,
    )
    found = {row["item_id"] for row in rows}
    return [id_ in found for id_ in ids]


async def last_ticket_by_item_id(ids: Sequence[UUID], *, viewer_id: UUID) -> list[Record | None]:
    """Return a member's latest ticket of each item, of those that have been decided."""
    rows = await database.fetch(
        f"""
        SELECT DISTINCT ON (item_id) {TICKET_COLUMNS} FROM flash_ticket
        WHERE item_id = ANY($1) AND member_id = $2 ORDER BY item_id, claimed_at DESC, id DESC
        """,
        ids,
        viewer_id,
    )
    found = {row["item_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]
