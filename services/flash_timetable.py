"""What each web process knows of the items on sale, so that a claim asks PostgreSQL for nothing.

It is read again every few seconds, and kept as long as PostgreSQL is away: the gate judges windows
and pieces, and this only says where an item's counts are and what its refusals need.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.campaigns import CampaignEnded
from domain.errors import NotFound
from domain.flash_sales import FlashSaleState
from models import database

log = structlog.get_logger(__name__)

_KNOWN_FOR = timedelta(seconds=5)
_AGAIN_AFTER = timedelta(seconds=1)
"""How often an item that isn't known has the others read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimetabledItem:
    """An item of a sale that isn't closed."""

    id: UUID
    sale_id: UUID
    buckets: int
    per_member_limit: int
    min_tier_code: str | None
    state: FlashSaleState
    starts_at: datetime
    ends_at: datetime
    needs_captcha: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, and when."""

    at: datetime
    items: dict[UUID, TimetabledItem]


_read: _Read | None = None
_reading: asyncio.Task[None] | None = None
_forgotten = 0
"""How often the cache was emptied: what was read before that is not put into it."""


def forget_cached() -> None:
    """Read afresh next time: between tests."""
    global _read, _reading, _forgotten  # noqa: PLW0603 (one small cache per process)
    _read = _reading = None
    _forgotten += 1


async def item_on_sale(item_id: UUID, *, now: datetime) -> TimetabledItem:
    """Return an item that is published and not closed yet, as it was some seconds ago.

    Raises:
        NotFound: there is no such item that anybody may see.
        CampaignEnded: its sale is closed.
    """
    if _read is None or abs(now - _read.at) >= _KNOWN_FOR:
        reading = _read_again(now)
        if _read is None:
            await asyncio.shield(reading)
    assert _read is not None, "it has been read"
    known = _read.items.get(item_id)
    if known is None and abs(now - _read.at) >= _AGAIN_AFTER:
        await asyncio.shield(_read_again(now))
        known = _read.items.get(item_id)
    return known or await _look_up(item_id)


async def look_again(item_id: UUID, *, now: datetime) -> TimetabledItem:
    """Return an item as it is now, or was a moment ago: the gate says that it has changed.

    Raises:
        NotFound, CampaignEnded
    """
    if _read is None or abs(now - _read.at) >= _AGAIN_AFTER:
        await asyncio.shield(_read_again(now))
    return await item_on_sale(item_id, now=now)


def _read_again(now: datetime) -> asyncio.Task[None]:
    """Read the items, once for all who ask meanwhile."""
    global _reading  # noqa: PLW0603
    if _reading is None or _reading.done():
        # Without the caller's context: its connection and transaction are not ours.
        _reading = asyncio.create_task(_read_all(now), context=Context())
    return _reading


async def _read_all(now: datetime) -> None:
    global _read  # noqa: PLW0603
    forgotten = _forgotten
    try:
        rows = await database.fetch(f"{_ITEMS} WHERE sale.close_due_at IS NOT NULL")
    except Exception as error:
        if _read is None:
            raise
        log.warning("flash_timetable_is_old", error=type(error).__name__)
        return
    if forgotten == _forgotten:
        _read = _Read(now, {row["id"]: _timetabled(row) for row in rows})


_ITEMS = """
SELECT item.id, item.sale_id, item.buckets, item.per_member_limit, item.min_tier_code,
       sale.state, sale.starts_at, sale.ends_at, sale.needs_captcha
FROM flash_sale AS sale JOIN flash_sale_item AS item ON item.sale_id = sale.id
"""


def _timetabled(row: Any) -> TimetabledItem:
    return TimetabledItem(**{**row, "state": FlashSaleState(row["state"])})


async def _look_up(item_id: UUID) -> TimetabledItem:
    row = await database.fetch_one(f"{_ITEMS} WHERE item.id = $1", item_id)
    if row is None or row["state"] == FlashSaleState.DRAFT:
        raise NotFound(thing="flash sale item", path=("itemId",))
    if row["state"] == FlashSaleState.CLOSED:
        raise CampaignEnded(path=("itemId",))
    return _timetabled(row)
