"""Tickets into orders, hundreds at a time: at least once, with its effect exactly once.

The price is fixed at the claim; address, shipping and tier are those of now (rules, section 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from domain.errors import Busy
from domain.flash_sales import TicketReason, TicketStatus
from services import flash_batches
from services import rules as rule_versions
from services.flash_batches import Standing, Terms
from services.flash_facts import prepare
from services.flash_gate import QueuedTicket, Settled, SettledAs
from services.personal_data import PersonalData

T = TypeVar("T")

log = structlog.get_logger(__name__)

BATCH = 250
"""Tickets of one transaction: more make those that wait for the same shelf wait longer."""

GIVES_UP_AFTER = timedelta(minutes=5)
"""How long a ticket is tried that fails for a reason of ours, each time that it comes again."""


async def decide(
    queued: Sequence[QueuedTicket], data: PersonalData, *, now: datetime
) -> list[Settled]:
    """Turn tickets into orders or reject them; returns what to tell the gate of (`settle`).

    A ticket that can't be decided is left out: it is logged, and comes again for some minutes.

    Raises:
        Busy: PostgreSQL is away; all of them come again.
    """
    settled: list[Settled] = []
    for batch in _batches(queued):
        try:
            settled += await _decide(batch, data, now)
        except Busy:
            raise
        except Exception:
            log.exception("flash_batch_failed", tickets=len(batch))
            settled += await _one_by_one(batch, data, now)
    return settled


def _batches(queued: Iterable[QueuedTicket]) -> Iterator[list[QueuedTicket]]:
    """Part tickets so that no batch has two of a member."""
    for tickets in _apart(queued, lambda each: each.ticket.member_id):
        for start in range(0, len(tickets), BATCH):
            yield tickets[start : start + BATCH]


def _apart(things: Iterable[T], whose: Callable[[T], UUID]) -> list[list[T]]:
    """Part things so that no part has two of anybody's, who come in their order."""
    parts: list[list[T]] = []
    seen: dict[UUID, int] = {}
    for each in things:
        place = seen[whose(each)] = seen.get(whose(each), -1) + 1
        if place == len(parts):
            parts.append([])
        parts[place].append(each)
    return parts


async def _decide(
    batch: Sequence[QueuedTicket], data: PersonalData, now: datetime
) -> list[Settled]:
    in_force = await rule_versions.in_force(now=now)
    minutes = in_force.rules.orders.campaign_pay_within_minutes
    terms = Terms(in_force.version_id, now, now + timedelta(minutes=minutes))
    prepared = await prepare(batch, data, now=now)
    standings: dict[UUID, Standing] = {}
    known = (each for each in prepared if each is not None)
    # Two members may have become one since they claimed.
    for part in _apart(known, lambda each: each.member_id):
        standings |= await flash_batches.write(part, terms)
    return [settled(each, standings.get(each.ticket.claim_id)) for each in batch]


def settled(queued: QueuedTicket, standing: Standing | None) -> Settled:
    """Return what became of a queued ticket's pieces; nothing stands of one that is of nothing.

    The row may be another ticket's: its key was used again after Redis had forgotten it. Then what
    this one took goes back.
    """
    ticket, outcome = queued.ticket, SettledAs.BACK
    if standing is not None and standing.claimed_at == ticket.claimed_at:
        if standing.status is TicketStatus.ORDERED:
            outcome = SettledAs.SOLD
        elif standing.reason is TicketReason.SOLD_OUT:
            outcome = SettledAs.GONE
    return Settled(queued.entry_id, queued.shard, ticket.item_id, ticket.claim_id, outcome)


async def _one_by_one(
    batch: Sequence[QueuedTicket], data: PersonalData, now: datetime
) -> list[Settled]:
    """Decide each by itself, so that one that can't be decided holds up no other."""
    done: list[Settled] = []
    for each in batch:
        try:
            done += await _decide([each], data, now)
        except Busy:
            raise
        except Exception:
            log.exception("flash_ticket_failed", claim_id=str(each.ticket.claim_id))
            if now - each.ticket.claimed_at >= GIVES_UP_AFTER:
                done.append(await _give_up(each, now))
    return done


async def _give_up(queued: QueuedTicket, now: datetime) -> Settled:
    """Reject a ticket that no order can be made of: its member waits for an answer."""
    await flash_batches.lose([queued.ticket], now=now)
    standings = await flash_batches.standings([queued.ticket.claim_id])
    return settled(queued, standings.get(queued.ticket.claim_id))
