"""The promotions that operators look after."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Record

from models import database


async def not_over(*, now: datetime) -> list[Record]:
    """Return the promotions that run or are to come, by their start."""
    return await database.fetch(
        """
        SELECT id, kind, title, starts_at, ends_at, tier_codes, priority FROM promotion
        WHERE ended_at IS NULL AND ends_at > $1 ORDER BY starts_at, id
        """,
        now,
    )
