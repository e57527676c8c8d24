"""Members' tiers, as the gate of flash sales has to know them while sales are on.

All who are above the lowest tier, or blocked, are told when a sale draws near, and again from time
to time; in between, those whose tier has changed. What the gate hasn't heard of yet does no harm: a
blocked member's ticket is rejected, and a tier counts as it was at the claim.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from domain.rules import Rules
from models import database
from models.ids import id_made_before
from services import rules as rule_versions
from services.flash_gate import FlashGate, ItemPlace

BEFORE_START = timedelta(minutes=15)
"""How long before a sale opens to its first members the gate hears of everybody's tier."""

ANEW_EVERY = timedelta(minutes=10)
PAGE = 5_000
_OVERLAP = timedelta(seconds=30)
"""Longer than a transaction that changes tiers may be under way."""

_BLOCKED = -1


class LevelFeed:
    """What one process has told the gate so far; another process tells it anew."""

    def __init__(self, gate: FlashGate) -> None:
        self._gate = gate
        self._all_told_at: datetime | None = None
        self._fed: frozenset[int] = frozenset()

    async def feed(self, *, now: datetime) -> None:
        """Tell the gate of tiers, if a sale needs them."""
        shards = self._gate.shards_of(await _places(now))
        unfed = await self._gate.unfed(shards) if shards else frozenset()
        if not shards or unfed is None:
            return
        is_old = self._all_told_at is None or now - self._all_told_at >= ANEW_EVERY
        wanted = shards if is_old else unfed | (shards - self._fed)
        if wanted and await feed_anew(self._gate, wanted, now=now):
            self._fed |= wanted
            if is_old:
                self._all_told_at, self._fed = now, shards
        if told := shards - wanted:
            await _feed_changes(self._gate, told, now=now)


async def _places(now: datetime) -> list[ItemPlace]:
    """Return where the items are of sales that are on, or open to somebody soon."""
    rules = (await rule_versions.in_force(now=now)).rules
    earliest = timedelta(minutes=max(tier.priority_minutes for tier in rules.tiers))
    rows = await database.fetch(
        """
        SELECT item.id, item.buckets
        FROM flash_sale AS sale JOIN flash_sale_item AS item ON item.sale_id = sale.id
        WHERE sale.close_due_at IS NOT NULL AND sale.starts_at <= $1 AND sale.ends_at > $2
        """,
        now + earliest + BEFORE_START,
        now,
    )
    return [ItemPlace(row["id"], row["buckets"]) for row in rows]


async def feed_anew(gate: FlashGate, shards: Collection[int], *, now: datetime) -> bool:
    """Tell the gate of all who are above the lowest tier, or blocked; False if Redis went away."""
    rules = (await rule_versions.in_force(now=now)).rules
    return await gate.feed_anew(shards, _pages(rules))


async def _pages(rules: Rules) -> AsyncIterator[Mapping[UUID, int]]:
    last = UUID(int=0)
    while True:
        rows = await database.fetch(
            """
            SELECT id, tier_code, status FROM member
            WHERE id > $1 AND (tier_code <> $2 OR status = 'BLOCKED') ORDER BY id LIMIT $3
            """,
            last,
            rules.tiers[0].code,
            PAGE,
        )
        if not rows:
            return
        yield {row["id"]: _level(row["tier_code"], row["status"], rules) for row in rows}
        last = rows[-1]["id"]


async def _feed_changes(gate: FlashGate, shards: Collection[int], *, now: datetime) -> None:
    """Tell the gate of members whose tier has changed within the last seconds."""
    rules = (await rule_versions.in_force(now=now)).rules
    rows = await database.fetch(
        """
        SELECT member.id, member.tier_code, member.status FROM member
        WHERE member.id IN (SELECT member_id FROM tier_term WHERE id > $1)
        """,
        id_made_before(_OVERLAP),
    )
    if rows:
        levels = {row["id"]: _level(row["tier_code"], row["status"], rules) for row in rows}
        await gate.feed(shards, levels)


def _level(tier_code: str, status: str, rules: Rules) -> int:
    return _BLOCKED if status == "BLOCKED" else rules.tier(tier_code).level
