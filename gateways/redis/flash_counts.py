"""Items of flash sales in Redis: counted from PostgreSQL, compared with it, configured."""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from domain.flash_gate import (
    GateAway,
    Inspection,
    ItemConfig,
    ItemPlace,
    ItemTruth,
    LostClaim,
    TruthOf,
)
from domain.flash_tickets import Ticket
from gateways.redis.flash_keys import Part, Places
from gateways.redis.flash_line import FlashLine
from gateways.redis.scripts import Script

_STAMP = Script.load("flash_stamp")
_BEGIN = Script.load("flash_rebuild_begin")
_END = Script.load("flash_rebuild_end")
_FEED = Script.load("flash_feed")
_CONFIGURE = Script.load("flash_configure")
_INSPECT = Script.load("flash_inspect")
_DELETE_IF_EQUAL = Script.load("delete_if_equal")

_ATTEMPTS = 5
"""How often PostgreSQL is read again when tickets are decided meanwhile."""
_REBUILD_MS = 10_000
"""How long a rebuild may take before another process begins anew."""
_KEPT = timedelta(days=1)
"""How long an item's counts outlive its sale."""
_CHUNK = 1_000
_LOOKED_AFTER = timedelta(seconds=60)
_MOST_LOOKED_AFTER = 200


class FlashCounts:
    """The counts of items. They can be lost at any time: PostgreSQL has what they come from."""

    def __init__(self, line: FlashLine, places: Places) -> None:
        self._line = line
        self._places = places

    async def configure(self, item: ItemConfig) -> bool:
        """Judge claims by a newer configuration; False where the item is unknown or Redis away."""
        arguments = _configuration(item)
        try:
            replies = await self._line.ask(
                _CONFIGURE, [(_owned(part), arguments) for part in self._places.parts(item.place)]
            )
        except GateAway:
            return False
        return all(replies)

    async def rebuild(
        self, item: ItemConfig, truth_of: TruthOf, *, only_missing: bool = False
    ) -> bool:
        """Count an item from PostgreSQL, less what open tickets hold.

        Each part's claims stop while it is done, for some milliseconds. Whatever may have been
        missed between the reading and the end is noticed by the stamps, and all begins anew.
        """
        parts, name = self._places.parts(item.place), secrets.token_hex(8)
        try:
            if not await self._lock(parts[0], name):
                return False
            try:
                for _ in range(_ATTEMPTS):
                    stamps = await self._stamps(parts)
                    if only_missing and _is_whole(stamps):
                        return True
                    truth = await truth_of([claim for stamp in stamps for claim in stamp.claims])
                    if await self._count(item, stamps, truth):
                        return True
            finally:
                await self._line.ask(_DELETE_IF_EQUAL, [(parts[0].lock, (name,))])
        except GateAway:
            pass
        return False

    async def inspect(self, item: ItemPlace, *, now: datetime) -> Inspection | None:
        """Return an item's counts, None where a part is unknown: it must be rebuilt.

        Raises:
            GateAway: Redis cannot say.
        """
        parts = self._places.parts(item)
        before = milliseconds(now - _LOOKED_AFTER)
        calls = [
            ((part.item, part.open, part.shard.tickets), (before, _MOST_LOOKED_AFTER))
            for part in parts
        ]
        replies = await self._line.ask(_INSPECT, calls)
        # A rebuild that was broken off, or a node that came back with old data.
        if not all(replies) or len({reply[2] for reply in replies}) > 1:
            return None
        return Inspection(
            free=sum(reply[0] for reply in replies),
            open=sum(reply[1] for reply in replies),
            moves=tuple(f"{reply[2]}:{reply[3]}" for reply in replies),
            version=min(reply[4] for reply in replies),
            stale=tuple(
                LostClaim(_open_ticket(item.item_id, claim, record), part.shard.number)
                for part, reply in zip(parts, replies, strict=True)
                for claim, record in zip(reply[5::2], reply[6::2], strict=True)
            ),
        )

    async def _lock(self, part: Part, name: str) -> bool:
        lock = partial(self._line.client.set, part.lock, name, px=_REBUILD_MS, nx=True)
        return bool(await self._line.within(lock))

    async def _stamps(self, parts: Sequence[Part]) -> list[_Stamp]:
        replies = await self._line.ask(_STAMP, [((part.item, part.open), ()) for part in parts])
        return [_Stamp(part, reply) for part, reply in zip(parts, replies, strict=True)]

    async def _count(self, item: ItemConfig, stamps: Sequence[_Stamp], truth: ItemTruth) -> bool:
        """Set all parts by what PostgreSQL said; False when something moved meanwhile."""
        name, decided = secrets.token_hex(8), frozenset(truth.decided)
        begun = await self._line.ask(
            _BEGIN,
            [
                (
                    (stamp.part.item, stamp.part.open),
                    (stamp.text, name, _REBUILD_MS, *stamp.decided(decided)),
                )
                for stamp in stamps
            ],
        )
        if not all(begun):
            return False
        await self._set_quotas(item.place, name, truth.quotas)
        free = _dealt(truth.available - sum(pieces for _, pieces in begun), len(stamps))
        configuration = _configuration(item)
        ended = await self._line.ask(
            _END,
            [
                (
                    (*_owned(stamp.part), stamp.part.new_quota(name)),
                    (text, pieces, item.buckets, *configuration),
                )
                for stamp, (text, _), pieces in zip(stamps, begun, free, strict=True)
            ],
        )
        return all(ended)

    async def _set_quotas(self, place: ItemPlace, name: str, quotas: Mapping[UUID, int]) -> None:
        """Write PostgreSQL's quotas beside the old ones, each into its member's part."""
        parts = self._places.parts(place)
        homes: dict[Part, list[str | int]] = {part: [] for part in parts}
        for member_id, pieces in quotas.items():
            homes[parts[self._places.home(place, member_id)]] += (member_id.hex, pieces)
        for part, pairs in homes.items():
            for chunk in _chunks(pairs, 2 * _CHUNK):
                await self._line.ask(_FEED, [(part.new_quota(name), (_REBUILD_MS, *chunk))])


class _Stamp:
    """What a part of an item was like before PostgreSQL was read."""

    def __init__(self, part: Part, reply: Sequence[Any]) -> None:
        self.part = part
        self.text: str = reply[0]
        self.is_known = reply[1] == 1
        self.generation: str = reply[2]
        self.claims = [UUID(hex=claim) for claim in reply[3:]]

    def decided(self, claims: Collection[UUID]) -> list[str]:
        """Return those of these claims that are open here."""
        return [claim.hex for claim in self.claims if claim in claims]


def milliseconds(moment: datetime) -> int:
    """Return UNIX time in milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _is_whole(stamps: Sequence[_Stamp]) -> bool:
    """Tell whether all parts are known, from one and the same rebuild."""
    return (
        all(stamp.is_known for stamp in stamps) and len({stamp.generation for stamp in stamps}) == 1
    )


def _dealt(pieces: int, parts: int) -> list[int]:
    """Deal pieces out evenly, the remainder to the first parts; a shortage is the first part's."""
    if pieces < 0:
        return [pieces] + [0] * (parts - 1)
    each, rest = divmod(pieces, parts)
    return [each + (number < rest) for number in range(parts)]


def _owned(part: Part) -> tuple[str, ...]:
    """Return the keys that live as long as the item."""
    return (part.item, part.quota, part.open, part.mine)


def _configuration(item: ItemConfig) -> tuple[str | int, ...]:
    """Return an item's configuration as flash_configure.lua and flash_rebuild_end.lua take it."""
    early = "".join(
        f",{level}:{minutes * 60_000}" for level, minutes in item.early_minutes.items() if minutes
    )
    return (
        item.version,
        milliseconds(item.starts_at),
        milliseconds(item.ends_at),
        int(item.is_closed),
        item.limit,
        item.level,
        early + ",",
        milliseconds(item.ends_at + _KEPT),
    )


def _open_ticket(item_id: UUID, claim: str, record: str) -> Ticket:
    pieces, member, claimed_ms, _entry = record.split(":")
    return Ticket(UUID(hex=claim), item_id, UUID(hex=member), int(pieces), int(claimed_ms))


def _chunks(pairs: Sequence[str | int], size: int) -> Iterable[Sequence[str | int]]:
    for number in range(math.ceil(len(pairs) / size)):
        yield pairs[number * size : (number + 1) * size]
