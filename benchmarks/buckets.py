"""A hot SKU's pieces in one row or split over several: tried on tables of their own, not shipped.

Each sale writes an order's worth of rows first, takes its pieces last and commits, as placing does.
`docs/adr/0016` says what came of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

SCHEMA = """
CREATE SCHEMA hot_stock;
CREATE TABLE hot_stock.bucket (
    sku_id uuid, number int, available bigint CHECK (available >= 0), PRIMARY KEY (sku_id, number)
) WITH (fillfactor = 50);
CREATE TABLE hot_stock.sale (
    id uuid PRIMARY KEY, sku_id uuid, pieces int, said text, placed_at timestamptz DEFAULT now()
);
"""
DROP = "DROP SCHEMA hot_stock CASCADE"

_TAKE_ONE_ROW = """
UPDATE hot_stock.bucket SET available = available - $2
WHERE sku_id = $1 AND number = 0 AND available >= $2
"""
_LOCK_ONE_ROW = "SELECT available FROM hot_stock.bucket WHERE sku_id = $1 FOR UPDATE"

_TAKE_FREE_BUCKET = """
WITH chosen AS (
    SELECT number FROM hot_stock.bucket
    WHERE sku_id = $1 AND available >= $2
    ORDER BY (number + $3::int) % $4::int LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE hot_stock.bucket AS bucket SET available = available - $2
FROM chosen WHERE bucket.sku_id = $1 AND bucket.number = chosen.number
"""
_TAKE_HOME_BUCKET = """
UPDATE hot_stock.bucket SET available = available - $2
WHERE sku_id = $1 AND number = $3::int % $4::int AND available >= $2
"""
_LOCK_ALL = """
SELECT number, available FROM hot_stock.bucket
WHERE sku_id = $1 AND available > 0 ORDER BY number FOR UPDATE
"""
_TAKE_SEVERAL = """
UPDATE hot_stock.bucket AS bucket SET available = available - part.pieces
FROM unnest($2::int[], $3::bigint[]) AS part (number, pieces)
WHERE bucket.sku_id = $1 AND bucket.number = part.number
"""
_SALE = (
    "INSERT INTO hot_stock.sale (id, sku_id, pieces, said) VALUES ($1, $2, $3, repeat('x', 800))"
)


@dataclass(frozen=True, slots=True)
class Split:
    """How a SKU's pieces lie: in so many rows.

    `statements` is 2 to lock and move one by one. A sale takes its bucket by chance and waits for
    it, or `skips` to one that nobody is at.
    """

    name: str
    buckets: int = 1
    statements: int = 1
    skips: bool = False


SPLITS = (
    Split("one row, two statements", statements=2),
    Split("one row"),
    Split("4 buckets", 4),
    Split("16 buckets", 16),
    Split("16 buckets, a free one", 16, skips=True),
)


async def fill(connection: asyncpg.Connection, split: Split, pieces: int | Sequence[int]) -> UUID:
    """Make a SKU whose pieces are dealt out evenly, or lie as told."""
    sku_id = uuid4()
    if isinstance(pieces, int):
        each, rest = divmod(pieces, split.buckets)
        pieces = [each + (number < rest) for number in range(split.buckets)]
    rows = [(sku_id, number, part) for number, part in enumerate(pieces)]
    await connection.executemany("INSERT INTO hot_stock.bucket VALUES ($1, $2, $3)", rows)
    return sku_id


async def sell(
    connection: asyncpg.Connection, split: Split, sku_id: UUID, pieces: int, start: int
) -> bool:
    """Sell so many pieces in a transaction of their own, beginning at some bucket; or say no."""
    while True:
        try:
            return await _sell(connection, split, sku_id, pieces, start)
        except asyncpg.DeadlockDetectedError:
            # Whoever waited for a bucket that then had too few has it locked all the same, and
            # goes on to lock all of them, from the first one on.
            continue


async def _sell(
    connection: asyncpg.Connection, split: Split, sku_id: UUID, pieces: int, start: int
) -> bool:
    transaction = connection.transaction()
    await transaction.start()
    sold = False
    try:
        await connection.execute(_SALE, uuid4(), sku_id, pieces)
        sold = await _take(connection, split, sku_id, pieces, start)
    finally:
        await (transaction.commit() if sold else transaction.rollback())
    return sold


async def _take(
    connection: asyncpg.Connection, split: Split, sku_id: UUID, pieces: int, start: int
) -> bool:
    if split.buckets == 1:
        if split.statements == 2:
            await connection.fetchval(_LOCK_ONE_ROW, sku_id)
        return await _moved(connection, _TAKE_ONE_ROW, sku_id, pieces)
    first = _TAKE_FREE_BUCKET if split.skips else _TAKE_HOME_BUCKET
    if await _moved(connection, first, sku_id, pieces, start, split.buckets):
        return True
    # That bucket has too few, or no free one has enough. Others may, or all together: wait for
    # them, in one order, and look at what there is.
    lying = await connection.fetch(_LOCK_ALL, sku_id)
    if sum(row["available"] for row in lying) < pieces:
        return False
    taken = {}
    for row in lying:
        taken[row["number"]] = min(row["available"], pieces)
        pieces -= taken[row["number"]]
    await connection.execute(_TAKE_SEVERAL, sku_id, list(taken), list(taken.values()))
    return True


async def _moved(connection: asyncpg.Connection, sql: str, *arguments: object) -> bool:
    status: str = await connection.execute(sql, *arguments)
    return status != "UPDATE 0"


async def rate(
    connections: Sequence[asyncpg.Connection], split: Split, sku_id: UUID, seconds: float
) -> float:
    """Return how many pieces a second these sessions sell one by one; there must be enough."""
    deadline = time.perf_counter() + seconds
    chance = random.Random(len(connections))
    sold = 0

    async def keep_selling(connection: asyncpg.Connection) -> None:
        nonlocal sold
        while time.perf_counter() < deadline:
            start = chance.randrange(split.buckets)
            assert await sell(connection, split, sku_id, 1, start), "there are enough pieces"
            sold += 1

    began = time.perf_counter()
    await asyncio.gather(*map(keep_selling, connections))
    return sold / (time.perf_counter() - began)
