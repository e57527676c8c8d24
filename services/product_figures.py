"""Figures of products and SKUs that lists read: kept up by sweeps, never inside an order.

`refresh` looks at the SKUs and stock levels changed since its mark and writes the products whose
figures differ; `refresh_daily_lows` folds newly paid lines into the lowest price of their day.
Both are idempotent and can run at any time. A mark stays behind the clock by `SETTLING`: a
transaction that began before the sweep may commit after it, with an earlier `updated_at`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.catalog import LOWEST_PAID_DAYS
from domain.clock import business_day, start_of_business_day
from domain.orders import OrderKind
from models import database
from models.ids import new_id

SETTLING = timedelta(minutes=2)
"""Twice the longest that a transaction may stand open (idle_in_transaction_session_timeout)."""
PAID_WINDOW = timedelta(minutes=10)
"""How much time of payments one transaction of the daily lows folds in."""
_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_FIGURES = "product_figures"
_DAILY_LOWS = "sku_daily_lows"

_CHANGED = """
    SELECT sku.product_id FROM sku WHERE sku.updated_at >= $1
    UNION
    SELECT sku.product_id FROM stock_level JOIN sku ON sku.id = stock_level.id
    WHERE stock_level.updated_at >= $1
"""
_GIVEN = "SELECT unnest($1::uuid[])"

# The price range is that of the SKUs on sale, of all of them when none is.
_WRITE = """
    WITH figures AS (
        SELECT sku.product_id AS id,
               coalesce(sum(stock.sold), 0)::bigint AS sold,
               coalesce(min(sku.price_fen) FILTER (WHERE sku.status = 'ON_SALE'),
                        min(sku.price_fen)) AS min_price_fen,
               coalesce(max(sku.price_fen) FILTER (WHERE sku.status = 'ON_SALE'),
                        max(sku.price_fen)) AS max_price_fen,
               coalesce(bool_or(sku.status = 'ON_SALE' AND stock.available > 0), false) AS in_stock
        FROM sku LEFT JOIN stock_level AS stock ON stock.id = sku.id
        WHERE sku.product_id IN ({products})
        GROUP BY sku.product_id
    ), due AS (
        SELECT figures.*
        FROM figures JOIN product ON product.id = figures.id
        WHERE (product.sold, product.min_price_fen, product.max_price_fen, product.in_stock)
              IS DISTINCT FROM
              (figures.sold, figures.min_price_fen, figures.max_price_fen, figures.in_stock)
        ORDER BY product.id
        LIMIT $2
        FOR UPDATE OF product {waiting}
    )
    UPDATE product
    SET sold = due.sold, min_price_fen = due.min_price_fen, max_price_fen = due.max_price_fen,
        in_stock = due.in_stock
    FROM due WHERE product.id = due.id
"""


async def refresh(now: datetime, limit: int) -> int:
    """Write the figures of products that changed, at most `limit` of them; returns how many.

    Fewer than `limit` means that everything older than `SETTLING` is done. A product that somebody
    has locked is left for the next time. Another sweep at work means there is nothing to do here.
    """
    async with database.in_transaction():
        mark = await _take_mark(_FIGURES)
        if mark is None:
            return 0
        written = await database.execute(
            _WRITE.format(products=_CHANGED, waiting="SKIP LOCKED"), mark, limit
        )
        if written < limit:
            await _move_mark(_FIGURES, now - SETTLING)
        return written


async def refresh_products(product_ids: Collection[UUID]) -> int:
    """Write the figures of these products now, in the caller's transaction; returns how many.

    For changes of prices and SKUs, which are seen at once; waits for locks.
    """
    return await database.execute(
        _WRITE.format(products=_GIVEN, waiting=""), list(product_ids), len(product_ids)
    )


async def rebuild(*, batch: int = 2_000) -> int:
    """Compare the figures of every product and write those that differ; returns how many.

    In batches by id, a transaction each; what is already right is not written.
    """
    written, after = 0, UUID(int=0)
    while True:
        rows = await database.fetch(
            "SELECT id FROM product WHERE id > $1 ORDER BY id LIMIT $2", after, batch
        )
        if not rows:
            return written
        written += await refresh_products([row["id"] for row in rows])
        after = rows[-1]["id"]


async def refresh_daily_lows(now: datetime) -> int:
    """Fold the lines of orders paid since the mark into the lowest price of their day.

    The price of a piece is what its line cost after every discount, before points, a fraction of a
    fen left out. Gifts and redemptions are no purchases. Works through `PAID_WINDOW` after window;
    returns how many daily lows were written. The first time on a day it goes through the week anew:
    a payment that WeChat told us of late keeps the time at which it was made.
    """
    written = 0
    since: datetime | None = None
    while True:
        async with database.in_transaction():
            mark = await _take_mark(_DAILY_LOWS)
            if mark is None:
                return written
            since = await _first_paid_since(since or _start_of_lows(mark, now))
            until = now if since is None else min(since + PAID_WINDOW, now)
            if since is not None:
                written += await _fold_lows(since, until)
            if until == now:
                await _move_mark(_DAILY_LOWS, now - SETTLING)
                return written
        since = until


def _start_of_lows(mark: datetime, now: datetime) -> datetime:
    if business_day(mark) == business_day(now - SETTLING):
        return mark
    return start_of_business_day(business_day(now) - timedelta(days=LOWEST_PAID_DAYS))


async def _first_paid_since(instant: datetime) -> datetime | None:
    found: datetime | None = await database.fetch_value(
        "SELECT paid_at FROM sales_order WHERE paid_at >= $1 ORDER BY paid_at LIMIT 1", instant
    )
    return found


async def _fold_lows(since: datetime, until: datetime) -> int:
    rows = await database.fetch(
        """
        SELECT line.sku_id, paid.day, min(price.fen) AS price_fen
        FROM sales_order AS placed
        JOIN order_line AS line ON line.order_id = placed.id
        CROSS JOIN LATERAL (
            SELECT (placed.paid_at AT TIME ZONE 'Asia/Shanghai')::date AS day
        ) AS paid
        CROSS JOIN LATERAL (
            SELECT (line.unit_price_fen * line.quantity - line.discount_total_fen)
                   / line.quantity AS fen
        ) AS price
        LEFT JOIN sku_daily_low AS low ON low.sku_id = line.sku_id AND low.day = paid.day
        WHERE placed.paid_at >= $1 AND placed.paid_at <= $2 AND placed.kind <> $3
          AND line.sku_id IS NOT NULL AND price.fen > 0
          AND (low.price_fen IS NULL OR price.fen < low.price_fen)
        GROUP BY line.sku_id, paid.day
        ORDER BY line.sku_id, paid.day
        """,
        since,
        until,
        OrderKind.REDEMPTION.value,
    )
    if not rows:
        return 0
    return await database.execute(
        """
        INSERT INTO sku_daily_low (id, sku_id, day, price_fen)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[])
        ON CONFLICT (sku_id, day) DO UPDATE SET price_fen = excluded.price_fen
        WHERE excluded.price_fen < sku_daily_low.price_fen
        """,
        [new_id() for _ in rows],
        *_columns(rows, "sku_id", "day", "price_fen"),
    )


def _columns(rows: Collection[Any], *names: str) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]


async def _take_mark(name: str) -> datetime | None:
    """Lock a sweep's mark; None while another sweep holds it."""
    # ON CONFLICT alone would wait for a rival that has moved the mark and not yet committed.
    await database.execute(
        """
        INSERT INTO sweep_mark (id, name, reached_at)
        SELECT $1, $2::varchar, $3::timestamptz
        WHERE NOT EXISTS (SELECT FROM sweep_mark WHERE name = $2)
        ON CONFLICT (name) DO NOTHING
        """,
        new_id(),
        name,
        _EPOCH,
    )
    reached: datetime | None = await database.fetch_value(
        "SELECT reached_at FROM sweep_mark WHERE name = $1 FOR UPDATE SKIP LOCKED", name
    )
    return reached


async def _move_mark(name: str, reached_at: datetime) -> None:
    """Move a mark on; never back, whatever the clock says."""
    await database.execute(
        "UPDATE sweep_mark SET reached_at = greatest(reached_at, $2) WHERE name = $1",
        name,
        reached_at,
    )
