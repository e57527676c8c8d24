"""The flash gate beside PostgreSQL, looked at and not changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services import flash_counts
from services.flash_counts import CountedItem
from services.flash_gate import FlashGate


@dataclass(frozen=True, slots=True)
class FlashDrift:
    """An item that can be claimed too often (`pieces` above 0) or too seldom (below 0)."""

    item_id: UUID
    pieces: int


async def flash_drifts(gate: FlashGate, *, now: datetime) -> list[FlashDrift]:
    """Return the items of open sales whose counts are certainly wrong.

    An item that is being claimed while we look, or that the gate doesn't know yet, is left out.

    Raises:
        GateAway: Redis cannot say.
    """
    drifts = []
    for item in await flash_counts.of_open_sales(now=now):
        pieces = await _drift_of(item, gate, now)
        if pieces:
            drifts.append(FlashDrift(item.config.item_id, pieces))
    return drifts


async def _drift_of(item: CountedItem, gate: FlashGate, now: datetime) -> int:
    place = item.config.place
    seen = await gate.inspect(place, now=now)
    if seen is None:
        return 0
    available = (await flash_counts.truth_of(item, ())).available
    if await gate.inspect(place, now=now) != seen:
        return 0
    # PostgreSQL may have taken off the pieces of an open ticket already.
    lowest, highest = available - seen.open, available
    return max(0, seen.free - highest) + min(0, seen.free - lowest)
