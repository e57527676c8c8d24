"""Claims collected into one PostgreSQL statement, each answered after its commit.

What the flash gate is measured against: nothing but PostgreSQL, durable before the answer. The
collector takes what has come in, sends it as one statement, and collects again while that runs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import database
from models.ids import new_id

MOST = 500

_STATEMENT = """
WITH wish AS (
    SELECT id, member_id, pieces, claimed_at, quota_id,
           sum(pieces) OVER (ORDER BY place) AS so_far
    FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::uuid[])
        WITH ORDINALITY AS w (id, member_id, pieces, claimed_at, quota_id, place)
), shelf AS (
    SELECT stock.id, stock.available
    FROM campaign_stock AS stock JOIN flash_sale_item AS item ON item.stock_id = stock.id
    WHERE item.id = $1 FOR UPDATE OF stock
), given AS (
    INSERT INTO flash_ticket
        (id, item_id, member_id, quantity, claimed_at, status, decided_at)
    SELECT wish.id, $1, wish.member_id, wish.pieces, wish.claimed_at, 'ORDERED', wish.claimed_at
    FROM wish, shelf WHERE wish.so_far <= shelf.available
    ON CONFLICT (id) DO NOTHING
    RETURNING id, member_id, quantity
), counted AS (
    INSERT INTO flash_quota AS quota (id, item_id, member_id, pieces)
    SELECT min(wish.quota_id::text)::uuid, $1, given.member_id, sum(given.quantity)
    FROM given JOIN wish ON wish.id = given.id
    GROUP BY given.member_id ORDER BY given.member_id
    ON CONFLICT (item_id, member_id) DO UPDATE SET pieces = quota.pieces + excluded.pieces
), taken AS (
    UPDATE campaign_stock AS stock
    SET available = stock.available - sums.pieces, reserved = stock.reserved + sums.pieces
    FROM (SELECT coalesce(sum(quantity), 0) AS pieces FROM given) AS sums, shelf
    WHERE stock.id = shelf.id
)
SELECT id FROM given
"""
"""The rows are those that the mall writes; a member's limit is left out, which only helps it."""


@dataclass(slots=True)
class _Wish:
    id: UUID
    member_id: UUID
    pieces: int
    claimed_at: datetime
    answer: asyncio.Future[bool]


class Collector:
    """Gathers claims of one item for at least so many seconds, at most `MOST` at a time."""

    def __init__(self, item_id: UUID, *, window_seconds: float) -> None:
        self._item_id = item_id
        self._window_seconds = window_seconds
        self._waiting: list[_Wish] = []
        self._came = asyncio.Event()

    async def claim(
        self, claim_id: UUID, member_id: UUID, pieces: int, claimed_at: datetime
    ) -> bool:
        """Return whether the claim got its pieces, once that is on the disk."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wish(claim_id, member_id, pieces, claimed_at, answer))
        self._came.set()
        return await answer

    async def run(self) -> None:
        """Write what has come, again and again."""
        while True:
            await self._came.wait()
            await asyncio.sleep(self._window_seconds)
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if not self._waiting:
                self._came.clear()
            try:
                given = await self._write(batch)
            except Exception as error:  # noqa: BLE001 (whoever waits is told, and the next go on)
                for wish in batch:
                    wish.answer.set_exception(error)
                continue
            for wish in batch:
                wish.answer.set_result(wish.id in given)

    async def _write(self, batch: list[_Wish]) -> set[UUID]:
        rows = await database.fetch(
            _STATEMENT,
            self._item_id,
            [wish.id for wish in batch],
            [wish.member_id for wish in batch],
            [wish.pieces for wish in batch],
            [wish.claimed_at for wish in batch],
            [new_id() for _ in batch],
        )
        return {row["id"] for row in rows}
