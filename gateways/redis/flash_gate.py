"""The flash gate: claims of flash sales, decided in Redis by one script each.

With its parts (`flash_counts`, `flash_levels`, `flash_queue`) it owns the keys `{flash:<shard>}:…`,
described in `lua/flash_claim.lua`. All of them may be lost or old: PostgreSQL decides every order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from domain.flash_gate import (
    ClaimAnswer,
    ClaimWish,
    GateAway,
    Given,
    ItemPlace,
    Missing,
    Refused,
    Shown,
    TicketRefusal,
)
from domain.flash_tickets import Ticket, claim_id_of, read_ticket, write_ticket
from domain.stock_gate import Claimable
from gateways.redis.claims_client import ClaimsClient, claims_client
from gateways.redis.connection import RedisClient
from gateways.redis.flash_counts import FlashCounts, milliseconds
from gateways.redis.flash_keys import Part, Places
from gateways.redis.flash_levels import FlashLevels
from gateways.redis.flash_line import FlashLine
from gateways.redis.flash_queue import FlashQueue
from gateways.redis.limits import Limit
from gateways.redis.scripts import Call, Script
from gateways.redis.subjects import Network, Subjects

_CLAIM = Script.load("flash_claim")
_BUCKETS = Script.load("flash_buckets")
_GIVE_BACK = Script.load("flash_give_back")
_LOOK = Script.load("flash_look")
_IS_OPEN = Script.load("flash_is_open")
_DRAW = Script.load("flash_draw")
_FILL = Script.load("flash_fill")

_TOURS = 3
"""How often pieces are fetched from other parts, while others take them away again."""
_STRAY_MS = 60_000
_MOST_DRY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashGateConfig:
    """How the gate works; `ticket_keys` sign tickets, the first one new ones.

    The limits stop programs: they count in each shard, and an address of `exempt` networks is not
    counted. `key_seconds` is how long a repetition finds its ticket in Redis, `idle_seconds` how
    long a consumer may work on a ticket before another one takes over, and `dry_seconds` how long
    a loser's process doesn't look for single pieces that have come back to other parts.
    """

    ticket_keys: Sequence[bytes] = field(repr=False)
    shards: int = 16
    member_limit: Limit | None = None
    address_limit: Limit | None = None
    exempt: Sequence[Network] = ()
    hash_key: str = field(default="", repr=False)
    timeout_seconds: float = 0.25
    sweep_timeout_seconds: float = 2.0
    breaker_seconds: float = 1.0
    key_seconds: int = 26 * 3_600
    idle_seconds: float = 15.0
    dry_seconds: float = 1.0


class FlashGate(FlashCounts, FlashLevels, FlashQueue):
    """Claims, and what the jobs do about them; `services/flash_gate.py` says what is promised."""

    def __init__(
        self, client: RedisClient, config: FlashGateConfig, claims: ClaimsClient | None = None
    ) -> None:
        # Sweeps have a line of their own: what is too slow for them must not turn members away.
        sweeps = FlashLine(
            client,
            timeout_seconds=config.sweep_timeout_seconds,
            breaker_seconds=config.breaker_seconds,
        )
        places = Places(config.shards)
        FlashCounts.__init__(self, sweeps, places)
        FlashLevels.__init__(self, sweeps)
        FlashQueue.__init__(self, sweeps, config.ticket_keys, idle_seconds=config.idle_seconds)
        self._hot = FlashLine(
            client,
            timeout_seconds=config.timeout_seconds,
            breaker_seconds=config.breaker_seconds,
        )
        self._claims = claims or claims_client(client)
        self._config = config
        self._subjects = Subjects(config.exempt, config.hash_key)
        self._member_limit = _limit(config.member_limit)
        self._address_limit = _limit(config.address_limit)
        self._dry: dict[UUID, tuple[float, int]] = {}

    @property
    def shards(self) -> range:
        """Return the numbers of all shards: each has a queue."""
        return self._places.shards

    def shards_of(self, items: Iterable[ItemPlace]) -> frozenset[int]:
        """Return the shards that these items lie in."""
        return self._places.shards_of(items)

    def ticket_of(self, text: str) -> Ticket | None:
        """Return what a ticket's id stands for; None unless it is one of ours."""
        return read_ticket(text, self._config.ticket_keys)

    def text_of(self, ticket: Ticket) -> str:
        """Return the id of a ticket, as members get it."""
        return write_ticket(ticket, self._config.ticket_keys[0])

    async def claim(self, wish: ClaimWish) -> ClaimAnswer:
        """Take pieces and queue a ticket, once for each key; one round trip as a rule.

        Where the member's part is short, what other parts have is moved there first: one piece
        left in one part sells.

        Raises:
            GateAway: it is unknown whether the claim arrived.
        """
        place = ItemPlace(wish.item_id, wish.buckets)
        parts, home = self._places.parts(place), self._places.home(place, wish.member_id)
        keys, arguments = self._call(wish, parts[home])
        for tour in range(_TOURS + 1):
            call = partial(self._claims.evalsha, _CLAIM, keys, arguments)
            reply = await self._hot.within(call)
            if reply[0] != "SOLD" or len(parts) == 1 or tour == _TOURS:
                break
            if not await self._fetch(place.item_id, parts, home, wish.quantity, reply):
                break
            # The knock has been counted.
            arguments = _unlimited(arguments)
        return _answer(reply)

    async def give_back(self, claimable: Claimable) -> None:
        """Make pieces claimable again, and take them off the member's; never fails."""
        item_id, member_id = claimable.item_id, claimable.member_id
        first = Part.of(item_id, self._places.first(item_id))
        try:
            (buckets,) = await self._line.ask(_BUCKETS, [(first.item, ())])
            # Of an unknown item it is enough that a rebuild under way notices.
            place = ItemPlace(item_id, buckets or 1)
            part = self._places.parts(place)[self._places.home(place, member_id)]
            told = (member_id.hex, claimable.pieces, _STRAY_MS)
            await self._line.ask(_GIVE_BACK, [((part.item, part.quota), told)])
        except GateAway:
            pass  # The comparison with PostgreSQL finds them.

    async def look(
        self, items: Sequence[ItemPlace], member_id: UUID | None
    ) -> dict[UUID, Shown] | None:
        """Return what pages show of the items that are known; None while Redis is away."""
        calls: list[Call] = []
        for place in items:
            home = self._places.home(place, member_id) if member_id else -1
            for number, part in enumerate(self._places.parts(place)):
                viewer = member_id.hex if member_id and number == home else ""
                calls.append(((part.item, part.quota, part.mine), (viewer,)))
        try:
            replies = iter(await self._hot.ask(_LOOK, calls))
        except GateAway:
            return None
        seen = {place: [next(replies) for _ in self._places.parts(place)] for place in items}
        return {place.item_id: _shown(parts) for place, parts in seen.items() if all(parts)}

    async def is_open(self, ticket: Ticket, buckets: int) -> bool:
        """Tell whether the ticket still waits to be decided.

        Raises:
            GateAway: Redis cannot say.
        """
        place = ItemPlace(ticket.item_id, buckets)
        part = self._places.parts(place)[self._places.home(place, ticket.member_id)]
        (is_open,) = await self._hot.ask(_IS_OPEN, [(part.open, (ticket.claim_id.hex,))])
        return bool(is_open)

    def _call(self, wish: ClaimWish, part: Part) -> tuple[list[str], list[str | int]]:
        """Return the keys and the arguments of flash_claim.lua."""
        config, shard = self._config, part.shard
        now, member = milliseconds(wish.now), wish.member_id.hex
        claim_id = claim_id_of(wish.member_id, wish.key)
        ticket = Ticket(claim_id, wish.item_id, wish.member_id, wish.quantity, now)
        subject = self._subjects.of(wish.client_ip)
        keys = [
            part.item,
            part.quota,
            part.open,
            shard.key(claim_id.hex),
            part.mine,
            shard.tickets,
            shard.level,
            shard.member_rate(member),
            shard.address_rate(subject or ""),
        ]
        return keys, [
            now,
            member,
            wish.quantity,
            claim_id.hex,
            wish.digest,
            self.text_of(ticket),
            config.key_seconds * 1000,
            *self._member_limit,
            *(self._address_limit if subject else _UNLIMITED),
            wish.address_id.hex if wish.address_id else "",
            wish.delivery.value,
            wish.store_id.hex if wish.store_id else "",
        ]

    async def _fetch(
        self, item_id: UUID, parts: Sequence[Part], home: int, wanted: int, reply: Sequence[Any]
    ) -> bool:
        """Move what is missing from other parts to the member's; False when there is too little."""
        _, left, generation = reply
        if self._is_dry(item_id, wanted):
            return False
        others = [*parts[home + 1 :], *parts[:home]]
        seen = await self._hot.ask(
            _LOOK, [((part.item, part.quota, part.mine), ("",)) for part in others]
        )
        draws: list[Call] = []
        missing = wanted - left
        for part, counts in zip(others, seen, strict=True):
            pieces = min(missing, counts[0]) if counts else 0
            if pieces > 0:
                draws.append((part.item, (pieces, generation)))
                missing -= pieces
        if missing > 0:
            self._remember_dry(item_id, wanted)
            return False
        drawn = sum(await self._hot.ask(_DRAW, draws))
        if drawn:
            await self._hot.ask(_FILL, [(parts[home].item, (drawn, generation))])
        return True

    def _is_dry(self, item_id: UUID, wanted: int) -> bool:
        """Tell whether no part had so many a moment ago."""
        until, pieces = self._dry.get(item_id, (-math.inf, 0))
        return wanted >= pieces and time.monotonic() < until

    def _remember_dry(self, item_id: UUID, wanted: int) -> None:
        if len(self._dry) >= _MOST_DRY:
            self._dry.clear()
        self._dry[item_id] = (time.monotonic() + self._config.dry_seconds, wanted)


_UNLIMITED = (0, 0)


def _limit(limit: Limit | None) -> tuple[int, int]:
    return (limit.amount, limit.seconds * 1000) if limit else _UNLIMITED


def _unlimited(arguments: Sequence[str | int]) -> list[str | int]:
    """Return a claim's arguments for its next try, which is not counted once more."""
    return [*arguments[:7], *_UNLIMITED, *_UNLIMITED, *arguments[11:]]


_PLAIN_REFUSALS = {
    "REUSED": Refused(TicketRefusal.KEY_REUSED),
    "BLOCKED": Refused(TicketRefusal.BLOCKED),
    "OVER": Refused(TicketRefusal.OVER),
    "TIER": Refused(TicketRefusal.TIER),
}


def _answer(reply: Sequence[Any]) -> ClaimAnswer:
    """Say what a reply of flash_claim.lua means."""
    match reply:
        case ["TICKET", str(ticket)]:
            return Given(ticket)
        case ["SOLD", int(left), _]:
            return Refused(TicketRefusal.SOLD_OUT, left=left)
        case ["LIMIT", int(left)]:
            return Refused(TicketRefusal.LIMIT, left=left)
        case ["EARLY", int(own_start)]:
            at = datetime.fromtimestamp(own_start / 1000, UTC)
            return Refused(TicketRefusal.EARLY, at=at)
        case ["SLOW", int(rest)]:
            wait_seconds = max(1, math.ceil(rest / 1000))
            return Refused(TicketRefusal.TOO_OFTEN, wait_seconds=wait_seconds)
        case ["MISSING"]:
            return Missing()
        case ["UNFED"]:
            return Missing(levels=True)
    return _PLAIN_REFUSALS[reply[0]]


def _shown(parts: Sequence[Sequence[Any]]) -> Shown:
    """Add an item's parts up; the member's own is told by one of them."""
    tickets = [part[2] for part in parts if len(part) > 2]
    return Shown(
        remaining=max(0, sum(part[0] for part in parts)),
        mine=sum(part[1] for part in parts),
        ticket=tickets[0] if tickets else None,
    )
