"""Pieces that a SKU sets aside for a campaign: a shelf of its own (docs/rules.md, section 6).

Everything here runs inside the caller's transaction. Locks are taken in one order: quotas, then the
shelf, then the SKU's level, to which the pieces of a closed shelf come back.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.errors import InvalidInput
from domain.stock_gate import Claimable, Freed
from models import database
from models.ids import new_id


async def set_aside(sku_id: UUID, pieces: int, *, now: datetime) -> UUID:
    """Move a SKU's available pieces onto a shelf of their own; returns its stock id.

    After the commit, have the gate count the SKU anew (`recount`).

    Raises:
        InvalidInput: fewer than that are available; those in orders are spoken for.
    """
    stock_id = new_id()
    made = await database.fetch_value(
        """
        WITH moved AS (
            UPDATE stock_level
            SET available = available - $3, set_aside = set_aside + $3, updated_at = $4
            WHERE id = $2 AND available >= $3 RETURNING id
        )
        INSERT INTO campaign_stock
            (id, sku_id, set_aside, available, reserved, sold, returned, updated_at)
        SELECT $1, id, $3, $3, 0, 0, 0, $4 FROM moved
        RETURNING id
        """,
        stock_id,
        sku_id,
        pieces,
        now,
    )
    if made is None:
        raise InvalidInput(path=("quantity",), problem="Fewer pieces than that are available.")
    return stock_id


async def reserve(stock_id: UUID, pieces: int, *, now: datetime) -> int | None:
    """Reserve pieces of a shelf: all of them (then None), or none; then what is left of it."""
    while True:
        moved = await database.execute(_RESERVE, stock_id, pieces, now)
        if moved:
            return None
        left: int = await database.fetch_value(
            "SELECT available FROM campaign_stock WHERE id = $1", stock_id
        )
        if left < pieces:
            return left
        # They came back in between.


_RESERVE = """
UPDATE campaign_stock
SET available = available - $2, reserved = reserved + $2, updated_at = $3
WHERE id = $1 AND available >= $2
"""


async def sell_reserved(order_id: UUID, *, now: datetime) -> None:
    """Turn an order's reserved pieces into sold ones: it is paid."""
    await database.execute(
        """
        UPDATE campaign_stock AS shelf
        SET reserved = shelf.reserved - line.quantity, sold = shelf.sold + line.quantity,
            updated_at = $2
        FROM order_line AS line
        WHERE line.order_id = $1 AND line.campaign_stock_id = shelf.id
        """,
        order_id,
        now,
    )


async def give_back_reserved(order_id: UUID, *, now: datetime) -> Freed:
    """Put a cancelled order's pieces back, on the shelf or, once it is closed, on the SKU's."""
    return await _give_back(order_id, "reserved", None, now)


async def give_back_sold(order_id: UUID, pieces: int, *, now: datetime) -> Freed:
    """Put so many pieces of a paid order back that never left the house."""
    return await _give_back(order_id, "sold", pieces, now)


async def _give_back(order_id: UUID, column: str, pieces: int | None, now: datetime) -> Freed:
    quotas = await database.fetch(_UNCOUNT, order_id, pieces)
    row = await database.fetch_one(_GIVE_BACK.format(column=column), order_id, pieces, now)
    if row is None:
        return Freed()
    if row["is_closed"]:
        return Freed({row["sku_id"]: row["pieces"]})
    if quotas:
        return Freed(claimable=tuple(Claimable(**quota) for quota in quotas))
    return Freed({row["id"]: row["pieces"]})


_UNCOUNT = """
WITH given AS (
    SELECT quota.id, coalesce($2::int, line.quantity) AS pieces
    FROM order_line AS line
    JOIN sales_order AS o ON o.id = line.order_id
    JOIN flash_sale_item AS item ON item.stock_id = line.campaign_stock_id
    JOIN flash_quota AS quota ON quota.item_id = item.id AND quota.member_id = o.member_id
    WHERE line.order_id = $1
    FOR UPDATE OF quota
)
UPDATE flash_quota AS quota SET pieces = greatest(quota.pieces - given.pieces, 0)
FROM given WHERE quota.id = given.id
RETURNING quota.item_id, quota.member_id, given.pieces
"""
"""Take pieces of an order ($1), all if $2 is NULL, off what its member has of a flash sale."""

_GIVE_BACK = """
WITH locked AS (
    SELECT shelf.id, shelf.sku_id, shelf.closed_at IS NOT NULL AS is_closed,
           coalesce($2::int, line.quantity)::bigint AS pieces
    FROM order_line AS line JOIN campaign_stock AS shelf ON shelf.id = line.campaign_stock_id
    WHERE line.order_id = $1
    FOR UPDATE OF shelf
), moved AS (
    UPDATE campaign_stock AS shelf
    SET {column} = shelf.{column} - pieces,
        available = available + CASE WHEN is_closed THEN 0 ELSE pieces END,
        returned = returned + CASE WHEN is_closed THEN pieces ELSE 0 END,
        updated_at = $3
    FROM locked WHERE shelf.id = locked.id
), level AS (
    UPDATE stock_level AS level
    SET set_aside = set_aside - pieces, available = available + pieces, updated_at = $3
    FROM locked WHERE level.id = locked.sku_id AND is_closed
)
SELECT id, sku_id, is_closed, pieces FROM locked
"""


async def close(stock_id: UUID, *, now: datetime) -> Freed:
    """Give what is left of a shelf back to its SKU; from now on what comes back goes there, too.

    Tell the gate (`free`) after the commit. Closing it again frees nothing.
    """
    # PostgreSQL tries the CHECK on the row as it was when the statement began, before it takes the
    # newest one: what is written must add up by any version of it.
    row = await database.fetch_one(
        """
        WITH locked AS (
            SELECT id, sku_id, available FROM campaign_stock
            WHERE id = $1 AND closed_at IS NULL FOR UPDATE
        ), moved AS (
            UPDATE campaign_stock AS shelf
            SET returned = shelf.returned + shelf.available, available = 0, closed_at = $2,
                updated_at = $2
            FROM locked WHERE shelf.id = locked.id
        ), level AS (
            UPDATE stock_level AS level
            SET set_aside = level.set_aside - locked.available,
                available = level.available + locked.available, updated_at = $2
            FROM locked WHERE level.id = locked.sku_id
        )
        SELECT sku_id, available FROM locked
        """,
        stock_id,
        now,
    )
    if row is None or row["available"] == 0:
        return Freed()
    return Freed({row["sku_id"]: row["available"]})
