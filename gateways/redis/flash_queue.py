"""Tickets of flash sales on their way to orders: one stream in each shard, read by a group."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import structlog

from domain.flash_gate import GateAway, QueuedTicket, Settled
from domain.flash_tickets import read_ticket
from domain.orders import DeliveryMethod
from gateways.redis.flash_keys import Part, Shard
from gateways.redis.flash_line import FlashLine
from gateways.redis.scripts import Call, Script

_LOG = structlog.get_logger(__name__)

_READ = Script.load("flash_read")
_SETTLE = Script.load("flash_settle")
_DROP = Script.load("flash_drop")

GROUP = "orders"
_CHUNK = 200
_STRAY_MS = 60_000
_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.05
_RECLAIM_SECONDS = 1.0


class FlashQueue:
    """The queues of tickets: each ticket is read until it is settled."""

    def __init__(
        self,
        line: FlashLine,
        keys: Sequence[bytes],
        *,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._keys = keys
        self._idle_ms = math.ceil(idle_seconds * 1000)
        self._clock = clock
        self._full = 0
        self._reclaimed_at = -math.inf

    async def read_tickets(
        self, shards: Collection[int], consumer: str, *, limit: int, wait_seconds: float
    ) -> list[QueuedTicket]:
        """Return up to about `limit` tickets, first those that a dead consumer has left.

        Queues are asked again and again rather than waited at: a wait would hold one connection
        for each shard of a cluster.
        """
        deadline, pause = self._clock() + wait_seconds, _FIRST_PAUSE_SECONDS
        while shards:
            try:
                tickets = await self._read(list(shards), consumer, limit)
            except GateAway:
                tickets = []
            left = deadline - self._clock()
            if tickets or left <= 0:
                return tickets
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return []

    async def settle(self, decided: Sequence[Settled]) -> None:
        """Take decided tickets off their queues; what is told twice, or lost, does no harm."""
        parts: dict[Part, list[Settled]] = defaultdict(list)
        for each in decided:
            parts[Part.of(each.item_id, each.shard)].append(each)
        calls = [
            _settling(part, tickets[start : start + _CHUNK])
            for part, tickets in parts.items()
            for start in range(0, len(tickets), _CHUNK)
        ]
        try:
            await self._line.ask(_SETTLE, calls)
        except GateAway:
            # They are read again when they have been idle, and settled then.
            _LOG.warning("flash_settle_lost", tickets=len(decided))

    async def _read(self, shards: Sequence[int], consumer: str, limit: int) -> list[QueuedTicket]:
        idle_ms = self._idle_ms if self._is_time_to_reclaim() else 0
        # As many of each queue as leave room for the others that were full the last time.
        most = math.ceil(limit / max(1, self._full))
        replies = await self._line.ask(
            _READ, [(Shard(number).tickets, (GROUP, consumer, most, idle_ms)) for number in shards]
        )
        self._full = sum(len(entries) >= most for entries in replies)
        tickets: list[QueuedTicket] = []
        unread: list[Call] = []
        for number, entries in zip(shards, replies, strict=True):
            read = {
                entry_id: self._ticket(number, entry_id, fields) for entry_id, fields in entries
            }
            tickets += [ticket for ticket in read.values() if ticket is not None]
            strange = [entry_id for entry_id, ticket in read.items() if ticket is None]
            if strange:
                unread.append((Shard(number).tickets, (GROUP, *strange)))
        if unread:
            # Signed with a key that is no longer ours: they will be found lost, with their reason.
            _LOG.error("flash_tickets_unreadable", queues=len(unread))
            await self._line.ask(_DROP, unread)
        return tickets

    def _ticket(self, shard: int, entry_id: str, told: Sequence[str]) -> QueuedTicket | None:
        fields = dict(zip(told[::2], told[1::2], strict=True))
        ticket = read_ticket(fields["t"], self._keys)
        if ticket is None:
            return None
        return QueuedTicket(
            entry_id=entry_id,
            shard=shard,
            ticket=ticket,
            address_id=_id(fields["a"]),
            delivery=DeliveryMethod(fields["d"]),
            store_id=_id(fields["s"]),
            digest=fields["x"],
        )

    def _is_time_to_reclaim(self) -> bool:
        now = self._clock()
        if now < self._reclaimed_at + _RECLAIM_SECONDS:
            return False
        self._reclaimed_at = now
        return True


def _settling(part: Part, tickets: Sequence[Settled]) -> Call:
    told = [
        value
        for each in tickets
        for value in (each.entry_id or "", each.claim_id.hex, each.outcome.value)
    ]
    return (
        (part.item, part.quota, part.open, part.shard.tickets),
        (GROUP, _STRAY_MS, *told),
    )


def _id(text: str) -> UUID | None:
    return UUID(hex=text) if text else None
