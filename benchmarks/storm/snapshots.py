"""Looks at the books while everything moves: every 200 ms, on one snapshot of its own.

What adds up only in the end may have been wrong meanwhile: each look must find nothing broken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from models.database import dsn
from services.checks import Check
from services.verification import CHECKS

EVERY_SECONDS = 0.2
_WATCHED = (
    "stock.",
    "ledger.balances",
    "ledger.balanced",
    "points.lots",
    "points.uses",
    "points.spent",
    "purchases.",
    "coupons.orders",
    "orders.coupons",
    "orders.money",
    "flash.",
    "group.",
)
"""Rules that hold at every instant, and are cheap to look at."""

PROMISES = (
    Check(
        "storm.flash_quantity",
        "a flash sale's item never has more pieces in orders than it had",
        """
        SELECT item.id, shelf.reserved, shelf.sold, item.quantity
        FROM flash_sale_item AS item JOIN campaign_stock AS shelf ON shelf.id = item.stock_id
        WHERE shelf.reserved + shelf.sold > item.quantity
        """,
    ),
    Check(
        "storm.flash_limits",
        "nobody has more of a flash sale's item than the limit",
        """
        SELECT sales_order.member_id, item.id, sum(line.quantity - line.withdrawn_quantity)
        FROM order_line AS line
        JOIN sales_order ON sales_order.id = line.order_id
        JOIN flash_sale_item AS item ON item.stock_id = line.campaign_stock_id
        WHERE sales_order.status <> 'CANCELLED'
        GROUP BY sales_order.member_id, item.id, item.per_member_limit
        HAVING sum(line.quantity - line.withdrawn_quantity) > item.per_member_limit
        """,
    ),
    Check(
        "storm.seats",
        "a team has no more seats than its size, and as many paid ones as it says",
        """
        SELECT team.id, team.size, team.paid_seats, count(seat.id) AS seats,
               count(seat.id) FILTER (WHERE seat.status = 'PAID') AS paid
        FROM group_buy_team AS team LEFT JOIN group_buy_seat AS seat ON seat.team_id = team.id
        GROUP BY team.id
        HAVING count(seat.id) > team.size
            OR count(seat.id) FILTER (WHERE seat.status = 'PAID') <> team.paid_seats
        """,
    ),
    Check(
        "storm.money",
        "nobody's order awaits payment with a payment that succeeded",
        """
        SELECT sales_order.id FROM sales_order JOIN payment ON payment.order_id = sales_order.id
        WHERE sales_order.status = 'AWAITING_PAYMENT' AND payment.status = 'SUCCEEDED'
        """,
    ),
)
"""What the storms promise beyond `mall verify`."""


@dataclass(slots=True)
class Watch:
    """What the looks found. Times are seconds since the watch began."""

    looks: int = 0
    missed: int = 0
    """Looks that found no PostgreSQL."""
    violations: list[str] = field(default_factory=list)


def watched() -> tuple[Check, ...]:
    """Return the rules that every look tries."""
    return tuple(each for each in CHECKS if each.name.startswith(_WATCHED)) + PROMISES


async def look(connection: asyncpg.Connection, checks: Sequence[Check]) -> list[str]:
    """Return what is broken, all on one snapshot; leaves the connection as it was."""
    found = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for check in checks:
            rows = await connection.fetch(f"SELECT * FROM ({check.sql}) AS broken LIMIT 3")
            found += [f"{check.name}: {dict(row)}" for row in rows]
    return found


@asynccontextmanager
async def watching(
    database_url: Callable[[], str], checks: Sequence[Check] | None = None
) -> AsyncIterator[Watch]:
    """Look every 200 ms while the block runs, and once more at its end.

    PostgreSQL may come back somewhere else: `database_url` tells where it is now.
    """
    watch, over = Watch(), asyncio.Event()
    task = asyncio.create_task(_look_until(over, database_url, checks or watched(), watch))
    try:
        yield watch
    finally:
        over.set()
        await task


async def _look_until(
    over: asyncio.Event, database_url: Callable[[], str], checks: Sequence[Check], watch: Watch
) -> None:
    began = time.monotonic()
    connection: asyncpg.Connection | None = None
    while True:
        is_last, due = over.is_set(), time.monotonic() + EVERY_SECONDS
        at = time.monotonic() - began
        try:
            if connection is None or connection.is_closed():
                connection = await asyncpg.connect(**dsn(database_url()), timeout=5)
            watch.violations += [f"{at:.1f} s: {each}" for each in await look(connection, checks)]
            watch.looks += 1
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            watch.missed += 1
            connection = None
        if is_last:
            break
        try:
            await asyncio.wait_for(over.wait(), max(0.0, due - time.monotonic()))
        except TimeoutError:
            continue
    if connection is not None:
        await connection.close()
