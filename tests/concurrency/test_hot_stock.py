"""The experiment of a hot SKU's stock split over several rows: no fragment stays unsold."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from benchmarks import buckets
from benchmarks.buckets import Split
from models.database import dsn

FOUR, SIXTEEN = Split("4 buckets", 4), Split("16 buckets", 16)
FREE = Split("16 buckets, a free one", 16, skips=True)
SESSIONS = 16


@pytest.fixture
async def sessions(database: str) -> AsyncIterator[list[asyncpg.Connection]]:
    """Sessions of the test's database, and the experiment's tables in it."""
    opened = [await asyncpg.connect(**dsn(database)) for _ in range(SESSIONS)]
    await opened[0].execute(buckets.SCHEMA)
    yield opened
    await opened[0].execute(buckets.DROP)
    for session in opened:
        await session.close()


async def left(session: asyncpg.Connection, sku_id: UUID) -> int:
    found: int = await session.fetchval(
        "SELECT sum(available)::int FROM hot_stock.bucket WHERE sku_id = $1", sku_id
    )
    return found


async def rivals(sessions: list[asyncpg.Connection], split: Split, sku_id: UUID) -> int:
    """Have fifty want one piece each, at once; returns how many got one."""
    wanted = iter(range(50))
    got = 0

    async def ask(session: asyncpg.Connection) -> None:
        nonlocal got
        for number in wanted:
            if await buckets.sell(session, split, sku_id, 1, number):
                got += 1

    await asyncio.gather(*map(ask, sessions))
    return got


@pytest.mark.parametrize("split", [SIXTEEN, FREE], ids=lambda split: split.name)
@pytest.mark.parametrize("last", [0, 7, 15])
async def test_the_last_piece_in_whatever_bucket_sells_once(
    sessions: list[asyncpg.Connection], last: int, split: Split
) -> None:
    sku_id = await buckets.fill(sessions[0], split, [int(n == last) for n in range(16)])
    assert await rivals(sessions, split, sku_id) == 1
    assert await left(sessions[0], sku_id) == 0


async def test_as_many_sell_as_there_are_however_they_lie(
    sessions: list[asyncpg.Connection],
) -> None:
    for split, lying in ((FOUR, [0, 20, 1, 2]), (FREE, [23, *[0] * 15]), (SIXTEEN, 23)):
        sku_id = await buckets.fill(sessions[0], split, lying)
        assert await rivals(sessions, split, sku_id) == 23
        assert await left(sessions[0], sku_id) == 0


async def test_pieces_of_one_sale_come_from_several_buckets(
    sessions: list[asyncpg.Connection],
) -> None:
    sku_id = await buckets.fill(sessions[0], FOUR, [1, 0, 1, 1])
    assert not await buckets.sell(sessions[0], FOUR, sku_id, 4, 0)
    assert await buckets.sell(sessions[0], FOUR, sku_id, 2, 3)
    assert await left(sessions[0], sku_id) == 1


async def test_sales_of_all_sizes_never_oversell(sessions: list[asyncpg.Connection]) -> None:
    """Some take a bucket while others wait for all of them."""
    sku_id = await buckets.fill(sessions[0], FOUR, 60)
    sold = 0

    async def keep_buying(session: asyncpg.Connection, seed: int) -> None:
        nonlocal sold
        chance = random.Random(seed)
        for _ in range(10):
            pieces = chance.choice([1, 2, 7])
            if await buckets.sell(session, FOUR, sku_id, pieces, chance.randrange(4)):
                sold += pieces

    async with asyncio.timeout(60):
        await asyncio.gather(*(keep_buying(each, seed) for seed, each in enumerate(sessions)))
    while await buckets.sell(sessions[0], FOUR, sku_id, 1, 0):
        sold += 1
    assert sold == 60
