"""Claiming a flash sale's item, and following the ticket (rules, section 7).

A claim is one call of the gate in Redis; PostgreSQL is asked only where Redis has lost its counts.
A ticket's row decides what became of it. One that has neither a row nor a place in the queue is
lost, and says so for good: its row comes first, so that a queue that comes back can't order it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.campaigns import (
    CampaignCancelled,
    CampaignEnded,
    CampaignLimitReached,
    CampaignNotStarted,
    CampaignSoldOut,
    TierTooLow,
)
from domain.carts import check_quantity
from domain.errors import (
    AccountBlocked,
    Busy,
    DomainError,
    IdempotencyKeyReused,
    NotFound,
    RateLimited,
)
from domain.flash_sales import (
    FlashSaleState,
    StoreRequired,
    TicketReason,
    TicketStatus,
    rejection,
)
from domain.flash_tickets import Ticket
from domain.news import NewsKind
from domain.orders import DeliveryMethod
from models import database
from services import flash_batches, flash_counts, flash_levels, flash_timetable, idempotency
from services import rules as rule_versions
from services.captcha import Captcha, require_person
from services.flash_batches import Standing, standings
from services.flash_gate import (
    ClaimAnswer,
    ClaimWish,
    FlashGate,
    GateAway,
    ItemPlace,
    Missing,
    Refused,
    TicketRefusal,
)
from services.flash_timetable import TimetabledItem
from services.news import Topic

LOST_AFTER = timedelta(seconds=60)
"""How long a ticket is believed to be queued while Redis can't be asked."""

_AWAY_SECONDS = 2
_PAUSED_SECONDS = 10
_PATIENCE_SECONDS = 2.0
"""How long a claim waits for Redis to be told again what it has lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFlashSale:
    """A member's claim of pieces of an item; no address is the default one."""

    member_id: UUID
    item_id: UUID
    quantity: int
    address_id: UUID | None = None
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS
    store_id: UUID | None = None
    captcha_token: str | None = None
    idempotency_key: str
    client_ip: str


async def claim(
    command: ClaimFlashSale, gate: FlashGate, captcha: Captcha | None, *, now: datetime
) -> str:
    """Take a place in the queue; returns the ticket's id, the same one for the same key.

    Raises:
        NotFound, CampaignNotStarted, CampaignEnded, CampaignSoldOut, CampaignLimitReached,
        TierTooLow, RateLimited, AccountBlocked, IdempotencyKeyReused, InvalidInput,
        StoreRequired, CaptchaRequired
        Busy: Redis is away, or counts anew. Whether the claim arrived is unknown: the same key
            finds out.
    """
    idempotency.check_key(command.idempotency_key)
    check_quantity(command.quantity, ("quantity",))
    if command.delivery is DeliveryMethod.PICKUP and command.store_id is None:
        raise StoreRequired(path=("storeId",))
    item = await flash_timetable.item_on_sale(command.item_id, now=now)
    if item.needs_captcha:
        await require_person(captcha, command.captcha_token, client_ip=command.client_ip)
    answer = await _ask(_wish(command, item, now), gate)
    if isinstance(answer, Refused):
        raise await _refusal(answer, item, now)
    if isinstance(answer, Missing):
        raise Busy(retry_after_seconds=1)
    return answer.ticket


def _wish(command: ClaimFlashSale, item: TimetabledItem, now: datetime) -> ClaimWish:
    return ClaimWish(
        item_id=item.id,
        buckets=item.buckets,
        member_id=command.member_id,
        quantity=command.quantity,
        key=command.idempotency_key,
        address_id=command.address_id,
        delivery=command.delivery,
        store_id=command.store_id,
        client_ip=command.client_ip,
        now=now,
    )


async def _ask(wish: ClaimWish, gate: FlashGate) -> ClaimAnswer:
    """Ask the gate; where it has forgotten, have it count and ask once more."""
    try:
        answer = await gate.claim(wish)
        for _ in range(2):  # The counts and the levels may both be gone.
            if not isinstance(answer, Missing):
                break
            await _mend(answer, wish, gate)
            answer = await gate.claim(wish)
    except GateAway as away:
        raise Busy(retry_after_seconds=_AWAY_SECONDS) from away
    return answer


_mending: dict[object, asyncio.Task[bool]] = {}


async def _mend(missing: Missing, wish: ClaimWish, gate: FlashGate) -> None:
    """Have the gate know an item, or the levels, again: once for all who ask meanwhile."""
    shards = gate.shards_of([ItemPlace(wish.item_id, wish.buckets)])
    what = (id(gate), shards if missing.levels else wish.item_id)
    task = _mending.get(what)
    if task is None or task.done():
        work: Callable[[], Awaitable[bool]]
        if missing.levels:

            async def work() -> bool:
                return await flash_levels.feed_anew(gate, shards, now=wish.now)
        else:

            async def work() -> bool:
                item = await flash_counts.of_item(wish.item_id, now=wish.now)
                return item is not None and await flash_counts.rebuild(
                    item, gate, only_missing=True
                )

        task = asyncio.create_task(_forgotten(what, work), context=Context())
        _mending[what] = task
    with suppress(TimeoutError):  # It goes on, for those who ask then.
        await asyncio.wait_for(asyncio.shield(task), _PATIENCE_SECONDS)


async def _forgotten(what: object, work: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await work()
    finally:
        _mending.pop(what, None)


async def _refusal(refused: Refused, item: TimetabledItem, now: datetime) -> DomainError:
    """Say what the gate's refusal means to a member."""
    match refused.reason:
        case TicketRefusal.KEY_REUSED:
            return IdempotencyKeyReused()
        case TicketRefusal.TOO_OFTEN:
            return RateLimited(retry_after_seconds=refused.wait_seconds)
        case TicketRefusal.BLOCKED:
            return AccountBlocked()
        case TicketRefusal.OVER:
            return await _over(item, now)
        case TicketRefusal.TIER:
            least = (await rule_versions.in_force(now=now)).rules.tier(item.min_tier_code or "")
            return TierTooLow(path=("itemId",), tier=least.name, tier_en=least.name_en)
        case TicketRefusal.EARLY:
            assert refused.at is not None, "the gate says from when on"
            wait_seconds = max(1, math.ceil((refused.at - now).total_seconds()))
            return CampaignNotStarted(path=("itemId",), retry_after_seconds=wait_seconds)
        case TicketRefusal.LIMIT:
            return CampaignLimitReached(path=("quantity",), limit=item.per_member_limit)
        case TicketRefusal.SOLD_OUT:
            return CampaignSoldOut(path=("itemId",))


async def _over(item: TimetabledItem, now: datetime) -> DomainError:
    """Tell a sale that is over from one that is paused, which may go on in a moment."""
    try:
        item = await flash_timetable.look_again(item.id, now=now)
    except CampaignEnded as ended:
        return ended
    if item.state is FlashSaleState.CANCELLED:
        return CampaignCancelled(path=("itemId",))
    if now < item.ends_at:
        return Busy(path=("itemId",), retry_after_seconds=_PAUSED_SECONDS)
    return CampaignEnded(path=("itemId",))


def topic_of(claim_id: UUID) -> Topic:
    """Return what whoever follows a ticket listens to."""
    return Topic(NewsKind.TICKET, str(claim_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A ticket as it stands. `order_id` once it is ORDERED.

    `is_key_reused`: its key was used before, for another request, which Redis had forgotten.
    """

    id: str
    claim_id: UUID
    item_id: UUID
    member_id: UUID
    quantity: int
    claimed_at: datetime
    status: TicketStatus
    reason: TicketReason | None = None
    is_key_reused: bool = False

    @property
    def order_id(self) -> UUID | None:
        """Return the order that it became."""
        return self.claim_id if self.status is TicketStatus.ORDERED else None

    def problem(self, *, limit: int, product: str) -> DomainError | None:
        """Return why it was rejected; `limit` is the item's for each member."""
        if self.is_key_reused:
            return IdempotencyKeyReused()
        return rejection(self.reason, limit=limit, product=product) if self.reason else None


async def ticket(
    ticket_id: str, member_id: UUID, gate: FlashGate, *, now: datetime
) -> TicketRow | None:
    """Return a member's ticket; None where it isn't one, or isn't theirs.

    A ticket that nobody can find any more is REJECTED from now on.
    """
    told = gate.ticket_of(ticket_id)
    if told is None:
        return None
    known = (await standings([told.claim_id])).get(told.claim_id)
    owner = known.member_id if known else told.member_id
    if owner != member_id and not await _has_become(owner, member_id):
        return None
    if known is None and not await _is_queued(told, gate, now):
        known = await _lose(told, now)
        if known is None:
            return None  # It is of an item that PostgreSQL doesn't know.
    return row_of(ticket_id, told, known)


def row_of(ticket_id: str, told: Ticket, standing: Standing | None) -> TicketRow:
    """Return a ticket as what stands of its claim says, QUEUED where nothing does."""
    row = TicketRow(
        id=ticket_id,
        claim_id=told.claim_id,
        item_id=told.item_id,
        member_id=standing.member_id if standing else told.member_id,
        quantity=told.quantity,
        claimed_at=told.claimed_at,
        status=standing.status if standing else TicketStatus.QUEUED,
        reason=standing.reason if standing else None,
    )
    if standing and (standing.item_id, standing.quantity) != (told.item_id, told.quantity):
        return replace(row, status=TicketStatus.REJECTED, reason=None, is_key_reused=True)
    return row


async def _is_queued(told: Ticket, gate: FlashGate, now: datetime) -> bool:
    try:
        item = await flash_timetable.item_on_sale(told.item_id, now=now)
        return await gate.is_open(told, item.buckets)
    except GateAway:
        return now - told.claimed_at < LOST_AFTER
    except (NotFound, CampaignEnded):
        return False  # What waited when its sale was closed has been decided, or is lost.


async def _lose(told: Ticket, now: datetime) -> Standing | None:
    """Reject a ticket that is in no queue, unless it has been decided meanwhile."""
    await flash_batches.lose([told], now=now)
    return (await standings([told.claim_id])).get(told.claim_id)


async def _has_become(former_id: UUID, member_id: UUID) -> bool:
    """Tell whether a member has been merged into another."""
    merged: bool = await database.fetch_value(
        """
        WITH RECURSIVE line AS (
            SELECT id, merged_into_id FROM member WHERE id = $1
            UNION SELECT member.id, member.merged_into_id
            FROM member JOIN line ON member.id = line.merged_into_id
        )
        SELECT EXISTS (SELECT FROM line WHERE id = $2)
        """,
        former_id,
        member_id,
    )
    return merged
