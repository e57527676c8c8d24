"""Banners: what a slot shows at an instant."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Record

from domain.catalog import BannerSlot
from models import database


async def banners_of(slot: BannerSlot, *, now: datetime) -> list[Record]:
    """Return the banners whose window is open, in their order; the window's end is not in it."""
    return await database.fetch(
        """
        SELECT id, title, image_url, link FROM banner
        WHERE slot = $1 AND coalesce(starts_at <= $2, true) AND coalesce($2 < ends_at, true)
        ORDER BY position, id
        """,
        slot.value,
        now,
    )
