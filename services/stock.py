"""Pieces of SKUs: reserved by an order, sold by its payment, given back (rules, section 6).

Everything here runs inside the caller's transaction. Locks are taken in one order everywhere:
purchase counts, then stock levels, each by SKU id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.stock_gate import Freed, StockHold
from models import database
from models.ids import new_id
from services import campaign_stock

Quantities = Mapping[UUID, int]
"""Pieces by stock id: a SKU's, or that of what a campaign has set aside."""


class StockGate(Protocol):
    """Turns away early what is sold out; PostgreSQL decides. None of its calls fails."""

    async def hold(self, hold_id: str, quantities: Quantities) -> StockHold:
        """Hold all the pieces or none, once for each hold id."""

    async def commit(self, hold: StockHold) -> None:
        """Tell the gate that PostgreSQL has committed the reservation."""

    async def release(self, hold: StockHold) -> None:
        """Give back what the hold took, since no order was made."""

    async def free(self, freed: Freed) -> None:
        """Add pieces that PostgreSQL has made available again."""

    async def recount(self, sku_ids: Collection[UUID]) -> None:
        """Have these counts read anew: PostgreSQL refused what the gate held."""


async def available_of(stock_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the available pieces of what is known by such an id: what the gate counts from."""
    rows = await database.fetch(
        """
        SELECT id, available FROM stock_level WHERE id = ANY($1)
        UNION ALL SELECT id, available FROM campaign_stock WHERE id = ANY($1)
        """,
        list(stock_ids),
    )
    return {row["id"]: row["available"] for row in rows}


async def reserve(quantities: Quantities, *, now: datetime) -> dict[UUID, int]:
    """Reserve all the pieces or none.

    Returns:
        What is left of each SKU that is short; empty when all are reserved.
    """
    rows = await database.fetch(_RESERVE, *_columns(quantities), now)
    available = {row["id"]: row["available"] for row in rows}
    short = {
        sku_id: available.get(sku_id, 0)
        for sku_id, quantity in quantities.items()
        if available.get(sku_id, 0) < quantity
    }
    left = {row["id"]: quantities[row["id"]] for row in rows if not row["is_moved"]}
    if left and not short:
        moved = await database.execute(_MOVE, *_columns(left), now)
        assert moved == len(left), "a locked level doesn't change"
    return short


async def sell_reserved(order_id: UUID, *, now: datetime) -> None:
    """Turn an order's reserved pieces into sold ones: it is paid."""
    moved = await database.execute(
        f"""
        {_LOCKED_PIECES}
        UPDATE stock_level AS stock
        SET reserved = stock.reserved - locked.pieces, sold = stock.sold + locked.pieces,
            updated_at = $2
        FROM locked WHERE stock.id = locked.id
        """,
        order_id,
        now,
    )
    if not moved:
        await campaign_stock.sell_reserved(order_id, now=now)


async def give_back_reserved(order_id: UUID, *, now: datetime) -> Freed:
    """Make a cancelled order's pieces available again and take them off the member's counts.

    Returns:
        What to tell the gate of (`free`) after the commit.
    """
    await database.execute(_UNCOUNT, order_id)
    rows = await database.fetch(
        f"""
        {_LOCKED_PIECES}
        UPDATE stock_level AS stock
        SET reserved = stock.reserved - locked.pieces, available = stock.available + locked.pieces,
            updated_at = $2
        FROM locked WHERE stock.id = locked.id
        RETURNING stock.id, locked.pieces
        """,
        order_id,
        now,
    )
    if not rows:
        return await campaign_stock.give_back_reserved(order_id, now=now)
    return Freed({row["id"]: row["pieces"] for row in rows})


async def give_back_sold(
    order_id: UUID, member_id: UUID, quantities: Quantities, *, now: datetime
) -> Freed:
    """Make sold pieces of an order available again that never left the house, by SKU.

    They are taken off the member's counts. Tell the gate of them (`free`) after the commit.
    """
    await database.execute(
        """
        WITH given AS (
            SELECT count.id, sold.pieces
            FROM unnest($2::uuid[], $3::bigint[]) AS sold (sku_id, pieces)
            JOIN purchase_count AS count
                ON count.member_id = $1 AND count.sku_id = sold.sku_id
            ORDER BY count.sku_id
            FOR UPDATE OF count
        )
        UPDATE purchase_count AS count SET pieces = greatest(count.pieces - given.pieces, 0)
        FROM given WHERE count.id = given.id
        """,
        member_id,
        *_columns(quantities),
    )
    await _lock(quantities)
    moved = await database.execute(
        """
        UPDATE stock_level AS stock
        SET sold = stock.sold - given.pieces, available = stock.available + given.pieces,
            updated_at = $4
        FROM unnest($2::uuid[], $3::bigint[]) AS given (sku_id, pieces)
        WHERE stock.id = given.sku_id AND EXISTS (
            SELECT FROM order_line
            WHERE order_id = $1 AND order_line.sku_id = given.sku_id AND campaign_stock_id IS NULL
        )
        """,
        order_id,
        *_columns(quantities),
        now,
    )
    if not moved:
        return await campaign_stock.give_back_sold(order_id, sum(quantities.values()), now=now)
    return Freed(quantities)


_RESERVE = """
WITH locked AS (
    SELECT stock.id, stock.available, wanted.pieces
    FROM unnest($1::uuid[], $2::bigint[]) AS wanted (sku_id, pieces)
    JOIN stock_level AS stock ON stock.id = wanted.sku_id
    ORDER BY stock.id
    FOR UPDATE OF stock
), judged AS (
    SELECT id, pieces,
           bool_and(available >= pieces) OVER () AND count(*) OVER () = cardinality($1) AS is_enough
    FROM locked
), moved AS (
    UPDATE stock_level AS stock
    SET available = stock.available - judged.pieces, reserved = stock.reserved + judged.pieces,
        updated_at = $3
    FROM judged
    WHERE stock.id = judged.id AND judged.is_enough AND stock.available >= judged.pieces
    RETURNING stock.id
)
SELECT locked.id, locked.available, moved.id IS NOT NULL AS is_moved
FROM locked LEFT JOIN moved ON moved.id = locked.id
"""
"""Move the pieces ($2) of the SKUs ($1), all or none; say what each had, locked in id order.

From the lock to the commit nobody else gets the SKU: that is what limits a hot one. So it is one
statement, and the last one before the commit where nothing else has to follow.

An UPDATE tries the CHECKs on rows as they were when the statement began, before it takes the newest
ones. Where pieces came back while we waited for the lock, it would refuse them: it leaves such a
row, which is locked by then, to `_MOVE`.
"""

_MOVE = """
UPDATE stock_level AS stock
SET available = available - wanted.pieces, reserved = reserved + wanted.pieces, updated_at = $3
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (sku_id, pieces)
WHERE stock.id = wanted.sku_id AND stock.available >= wanted.pieces
"""

_LOCKED_PIECES = """
WITH wanted AS (
    SELECT sku_id, sum(quantity) AS pieces FROM order_line
    WHERE order_id = $1 AND campaign_stock_id IS NULL GROUP BY sku_id
), locked AS (
    SELECT stock.id, wanted.pieces::bigint AS pieces
    FROM stock_level AS stock JOIN wanted ON wanted.sku_id = stock.id
    ORDER BY stock.id
    FOR UPDATE OF stock
)
"""
"""The pieces of an order ($1) by SKU, their levels locked in id order.

An order is either of SKUs' own pieces or, with one line, of what a campaign has set aside.
"""

_UNCOUNT = """
WITH given AS (
    SELECT count.id, line.quantity
    FROM sales_order AS o
    JOIN order_line AS line ON line.order_id = o.id
    JOIN purchase_count AS count ON count.member_id = o.member_id AND count.sku_id = line.sku_id
    WHERE o.id = $1
    ORDER BY line.sku_id
    FOR UPDATE OF count
)
UPDATE purchase_count AS count SET pieces = greatest(count.pieces - given.quantity, 0)
FROM given WHERE count.id = given.id
"""
"""Take an order's pieces off its member's counts, where the SKU is counted.

An order placed before its SKU had a limit was not counted; so the count stops at zero, and whoever
sets a limit counts anew what stands.
"""


async def _lock(quantities: Quantities) -> dict[UUID, int]:
    """Lock the levels in id order, so that no two orders wait for each other."""
    rows = await database.fetch(
        "SELECT id, available FROM stock_level WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        list(quantities),
    )
    return {row["id"]: row["available"] for row in rows}


def _columns(quantities: Quantities) -> tuple[list[UUID], list[int]]:
    return list(quantities), list(quantities.values())


async def count_purchases(
    member_id: UUID, quantities: Quantities, limits: Quantities
) -> dict[UUID, int]:
    """Count pieces of limited SKUs towards the member's limits: all of them or none.

    Returns:
        What the limit leaves of each SKU that would go beyond it; empty when all are counted.
    """
    rows = await database.fetch(
        """
        INSERT INTO purchase_count (id, member_id, sku_id, pieces)
        SELECT wanted.id, $1, wanted.sku_id, wanted.pieces
        FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS wanted (id, sku_id, pieces)
        ORDER BY wanted.sku_id
        ON CONFLICT (member_id, sku_id)
        DO UPDATE SET pieces = purchase_count.pieces + excluded.pieces
        RETURNING sku_id, pieces
        """,
        member_id,
        [new_id() for _ in limits],
        list(limits),
        [quantities[sku_id] for sku_id in limits],
    )
    # The rows stay locked, so what goes beyond a limit here is seen by nobody: the caller refuses
    # and its transaction takes the count back.
    return {
        row["sku_id"]: max(0, limits[row["sku_id"]] - row["pieces"] + quantities[row["sku_id"]])
        for row in rows
        if row["pieces"] > limits[row["sku_id"]]
    }
