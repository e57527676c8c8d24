"""Members' tier levels in Redis, for the gates of flash sales."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, Collection, Mapping
from uuid import UUID

from domain.flash_gate import GateAway
from gateways.redis.flash_keys import Shard
from gateways.redis.flash_line import FlashLine
from gateways.redis.scripts import Script

_FEED = Script.load("flash_feed")
_FED = Script.load("flash_fed")
_IS_FED = Script.load("flash_is_fed")

_CHUNK = 1_000
_KEPT_MS = 2 * 86_400_000
"""Levels live so long after the last change: they are fed while sales are on."""
_FILLING_MS = 60_000


class FlashLevels:
    """Who has which tier, in each shard that has a sale: only those above 0 and the blocked."""

    def __init__(self, line: FlashLine) -> None:
        self._line = line

    async def feed(self, shards: Collection[int], levels: Mapping[UUID, int]) -> bool:
        """Tell of members whose level changed; False while Redis is away."""
        try:
            await self._set([Shard(number).level for number in shards], levels, _KEPT_MS)
        except GateAway:
            return False
        return True

    async def feed_anew(
        self, shards: Collection[int], pages: AsyncIterable[Mapping[UUID, int]]
    ) -> bool:
        """Replace all levels once the last page is in; False when Redis went away."""
        name = secrets.token_hex(8)
        try:
            async for page in pages:
                await self._set(
                    [Shard(number).new_level(name) for number in shards], page, _FILLING_MS
                )
            await self._line.ask(
                _FED,
                [
                    ((Shard(number).level, Shard(number).new_level(name)), (_KEPT_MS,))
                    for number in shards
                ],
            )
        except GateAway:
            return False
        return True

    async def unfed(self, shards: Collection[int]) -> frozenset[int] | None:
        """Return the shards that don't know who has which tier; None while Redis is away."""
        keys = {number: Shard(number).level for number in shards}
        try:
            known = await self._line.ask(_IS_FED, [(key, ()) for key in keys.values()])
        except GateAway:
            return None
        return frozenset(number for number, is_fed in zip(keys, known, strict=True) if not is_fed)

    async def _set(self, keys: Collection[str], levels: Mapping[UUID, int], kept_ms: int) -> None:
        members = list(levels.items())
        for start in range(0, len(members), _CHUNK):
            pairs = [
                value
                for member_id, level in members[start : start + _CHUNK]
                for value in (member_id.hex, level)
            ]
            await self._line.ask(_FEED, [(key, (kept_ms, *pairs)) for key in keys])
