"""Due work: rows with a due time are leased in batches, and each is done by itself.

A lease moves the due times of a batch ahead in one statement with SKIP LOCKED, so that many workers
share the work and a worker that dies loses nothing. A piece that is done clears its due time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from domain.errors import Busy, WechatUnavailable
from domain.payments import OrderAlreadyPaid
from models import database

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=1)
"""How long a worker has for a batch before another may take it up again."""

AT_ONCE = 8
"""Pieces of a batch under way at a time.

A batch must end within its lease even when each call to WeChat takes as long as it may (7 s, two
for a piece), and leave connections to the other sweeps.
"""


async def lease(table: str, due: str, columns: str, *, now: datetime, limit: int) -> list[Any]:
    """Take a batch of due rows by moving their due time ahead; the names are ours, never input."""
    return await database.fetch(
        f"""
        WITH batch AS (
            SELECT id FROM {table} WHERE {due} <= $1 ORDER BY {due} LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE {table} AS row SET {due} = $1 + $3 FROM batch WHERE row.id = batch.id
        RETURNING row.id, {columns}
        """,
        now,
        limit,
        LEASE,
    )


async def each(
    name: str, rows: list[Any], work: Callable[[Any], Awaitable[None]], *, at_once: int = AT_ONCE
) -> int:
    """Do every piece; one that fails is logged and comes again when its lease is over."""
    places = asyncio.Semaphore(at_once)

    async def one(row: Any) -> None:
        async with places:
            try:
                await work(row)
            except WechatUnavailable:
                log.warning("sweep_waits_for_wechat", sweep=name, id=str(row["id"]))
            except Busy as busy:
                cause = type(busy.__cause__).__name__
                log.warning("sweep_waits_for_postgresql", sweep=name, cause=cause)
            except OrderAlreadyPaid:
                log.info("sweep_met_a_paid_order", sweep=name, id=str(row["id"]))
            except Exception:
                log.exception("sweep_piece_failed", sweep=name, id=str(row["id"]))

    await asyncio.gather(*(one(row) for row in rows))
    return len(rows)
