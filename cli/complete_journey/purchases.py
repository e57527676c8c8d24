"""The year's baskets as purchases at a counter, in time order, with each day's jobs between them.

A run that broke off is run again: purchases are known by their number, days by what was finished
of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from cli.complete_journey import campaigns
from cli.complete_journey.coupon_reader import Promotions
from cli.complete_journey.loading import SOURCE, Advance, in_batches
from cli.complete_journey.reader import CompleteJourney
from cli.complete_journey.records import Basket, Redemption
from domain.clock import business_day, same_day_months_later, start_of_business_day
from models import database
from services import days, importing, shop_purchases
from services import rules as rule_versions
from services.shop_purchases import ShopPurchase

BATCH = 1_000
"""Purchases of one transaction, at most; a day has some four hundred."""
LANES = 2
"""While PostgreSQL is at work for one, Python is for the other: both of two cores are busy."""

MONTHS_AFTER = 13
"""For so long the days run on after the last basket: all points expire, each tier is reviewed."""


@dataclass(slots=True)
class Outcome:
    """What a run recorded, and how long it took for that and for the days' jobs."""

    baskets: int = 0
    purchases: int = 0
    coupons_used: int = 0
    days: int = 0
    pieces: dict[str, int] = field(default_factory=dict)
    recording_seconds: float = 0.0
    days_seconds: float = 0.0

    @property
    def baskets_a_second(self) -> float:
        """Return the rate at which baskets were recorded, the days' jobs left out."""
        return self.baskets / self.recording_seconds if self.recording_seconds else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Hear of campaigns, baskets and days that are done."""

    campaigns: Advance
    baskets: Advance
    days: Advance


def span_of(journey: CompleteJourney) -> tuple[date, date]:
    """Return the day of the first basket and the last day that is run."""
    first, last = journey.span()
    return business_day(first), same_day_months_later(business_day(last), MONTHS_AFTER)


async def run(
    journey: CompleteJourney, promotions: Promotions, progress: Progress, *, now: datetime
) -> Outcome:
    """Record all baskets and redemptions, and run all days until 13 months after the last."""
    await join_members(journey, now=now)
    members = await members_of()
    shelf = await campaigns.put_up(promotions, members, progress.campaigns, now=now)
    redemptions = promotions.redemptions_by_day()
    stores = await _stores()
    finished = await _finished_days()
    outcome = Outcome()
    baskets = _by_day(journey)
    first, last = span_of(journey)
    waiting = next(baskets, None)
    day = first
    async with days.history():
        while day <= last:
            if day not in finished:
                await _run_day(day, outcome, now=now)
            if waiting is not None and waiting[0] == day:
                await _record(waiting[1], members, stores, outcome, progress)
                waiting = next(baskets, None)
            await _redeem(redemptions.get(day, []), shelf, members, outcome, day=day)
            progress.days(1)
            day += timedelta(days=1)
        # A worker would else run every day from the first basket's on, most of them for nobody.
        await days.begin_with_today(now=now)
    return outcome


async def join_members(journey: CompleteJourney, *, now: datetime) -> int:
    """Make the households members as of their first visit; returns how many joined now."""
    first_visits = [(str(each.id), each.first_basket_at) for each in journey.households()]
    return await importing.join_members(SOURCE, first_visits, now=now)


async def members_of() -> dict[int, UUID]:
    """Return who holds each household's account now, those with an active one."""
    rows = await database.fetch(
        """
        WITH RECURSIVE chain AS (
            SELECT source_id, id, status, merged_into_id FROM member WHERE source = $1
            UNION ALL
            SELECT chain.source_id, member.id, member.status, member.merged_into_id
            FROM chain JOIN member ON member.id = chain.merged_into_id
        )
        SELECT source_id, id FROM chain WHERE status = 'ACTIVE'
        """,
        SOURCE,
    )
    return {int(row["source_id"]): row["id"] for row in rows}


async def _stores() -> dict[int, UUID]:
    rows = await database.fetch("SELECT source_id, id FROM store WHERE source = $1", SOURCE)
    return {int(row["source_id"]): row["id"] for row in rows}


async def _finished_days() -> set[date]:
    """Return the days of which every step has been finished."""
    rows = await database.fetch(
        """
        SELECT day FROM day_run WHERE finished_at IS NOT NULL AND step = ANY($1)
        GROUP BY day HAVING count(*) = cardinality($1)
        """,
        [step.name for step in days.STEPS],
    )
    return {row["day"] for row in rows}


def _by_day(journey: CompleteJourney) -> Iterator[tuple[date, list[Basket]]]:
    """Yield each day's baskets."""
    everything = (basket for batch in journey.baskets(batch=BATCH) for basket in batch)
    for day, baskets in groupby(everything, key=lambda basket: business_day(basket.at)):
        yield day, list(baskets)


async def _run_day(day: date, outcome: Outcome, *, now: datetime) -> None:
    began = time.perf_counter()
    for result in await days.run_day(day, now=now):
        outcome.pieces[result.step] = outcome.pieces.get(result.step, 0) + result.pieces
    outcome.days += 1
    outcome.days_seconds += time.perf_counter() - began


async def _record(
    baskets: list[Basket],
    members: Mapping[int, UUID],
    stores: Mapping[int, UUID],
    outcome: Outcome,
    progress: Progress,
) -> None:
    """Record a day's baskets. Households don't touch each other: they are recorded side by side."""
    began = time.perf_counter()
    rules = await rule_versions.in_force(now=start_of_business_day(business_day(baskets[0].at)))

    async def record(lane: list[Basket]) -> None:
        for batch in in_batches(lane, BATCH):
            purchases = [
                _purchase(basket, members, stores)
                for basket in batch
                if basket.household_id in members
            ]
            recorded = await shop_purchases.record_many(purchases, rules=rules)
            outcome.purchases += recorded.purchases
            done = sum(basket.part == 1 for basket in batch)
            outcome.baskets += done if recorded.purchases else 0
            progress.baskets(done)

    lanes: list[list[Basket]] = [[] for _ in range(LANES)]
    for basket in baskets:
        lanes[basket.household_id % LANES].append(basket)
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(record(lane))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    outcome.recording_seconds += time.perf_counter() - began


def _purchase(
    basket: Basket, members: Mapping[int, UUID], stores: Mapping[int, UUID]
) -> ShopPurchase:
    return ShopPurchase(
        source=SOURCE,
        source_id=number_of(basket),
        member_id=members[basket.household_id],
        store_id=stores.get(basket.store_id),
        amount_fen=basket.amount_fen,
        at=basket.at,
    )


def number_of(basket: Basket) -> str:
    """Return the number under which a basket, or a part of one, is recorded."""
    return f"{basket.id}-{basket.part}"


async def _redeem(
    redemptions: list[Redemption],
    shelf: campaigns.Shelf,
    members: Mapping[int, UUID],
    outcome: Outcome,
    *,
    day: date,
) -> None:
    if redemptions:
        began = time.perf_counter()
        outcome.coupons_used += await campaigns.redeem(redemptions, shelf, members, day=day)
        outcome.recording_seconds += time.perf_counter() - began
