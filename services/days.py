"""The work of a business day, step by step (docs/rules.md, section 0).

What falls due at 00:00 Shanghai (a review, an expiry, an order's finality) belongs to the day that
begins. A day's steps run in their order, and days in theirs: after a downtime of five days the mall
is what five single days would have made of it. Doing a day again finds nothing left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

import structlog

from domain.clock import business_day, end_of_business_day, start_of_business_day
from domain.errors import Busy
from domain.rules import Rules
from models import database
from models.ids import new_id
from services import (
    checkin_reminders,
    coupon_events,
    coupon_expiry,
    coupon_grants,
    data_export,
    finality,
    former_identities,
    invitations,
    leaving,
    locks,
    messages,
    points_book,
    points_expiry,
    tier_reviews,
    tier_rises,
)
from services import rules as rule_versions
from services.personal_data import PersonalData
from services.uploads import PictureStorage

log = structlog.get_logger(__name__)

Batch = Callable[[datetime, int], Awaitable[int]]


class Acts(Enum):
    """As of which instant a step does a day's work."""

    AT_MIDNIGHT = "the day's beginning"
    WITHIN_THE_DAY = "now; the end of a day that is over"
    NOW = "now, whatever the day: what has waited is done when it is found"


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a day's work: `batch(as_of, limit)` does about `limit` pieces and returns how many.

    It returns 0 when none is left. A batch has transactions of its own and may run twice. With an
    `hour`, which the rules tell, it is done once, from that hour on, and left out once the day is
    over.
    """

    name: str
    batch: Batch
    limit: int = 2_000
    acts: Acts = Acts.AT_MIDNIGHT
    hour: Callable[[Rules], int] | None = None

    def as_of(self, day: date, now: datetime) -> datetime:
        """Return the instant as of which the step runs for a day."""
        if self.acts is Acts.NOW:
            return now
        if self.acts is Acts.AT_MIDNIGHT:
            return start_of_business_day(day)
        return min(now, end_of_business_day(day) - timedelta(microseconds=1))

    async def is_open(self, day: date, now: datetime) -> bool:
        """Tell whether the step may do its work for a day at this instant."""
        if self.hour is None:
            return True
        rules = (await rule_versions.in_force(now=now)).rules
        opens = start_of_business_day(day) + timedelta(hours=self.hour(rules))
        return opens <= now < end_of_business_day(day)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a run of a step did."""

    step: str
    pieces: int


STEPS: tuple[Step, ...] = (
    Step("finality", lambda as_of, limit: finality.finalize_due(as_of, limit=limit), 500),
    Step(
        "invitations",
        lambda as_of, limit: invitations.reward_due(as_of, limit=limit),
        200,
        Acts.WITHIN_THE_DAY,
    ),
    Step("tier_reviews", lambda as_of, limit: tier_reviews.review_due(as_of, limit=limit)),
    Step(
        "tier_rises",
        lambda as_of, limit: tier_rises.raise_after_rules(as_of, limit=limit),
        acts=Acts.WITHIN_THE_DAY,
    ),
    Step("points_expiry", lambda as_of, limit: points_expiry.expire_due(as_of, limit=limit)),
    Step("coupon_expiry", lambda as_of, limit: coupon_expiry.expire_due(as_of, limit=limit)),
    Step("points_reminders", lambda as_of, limit: points_expiry.remind_due(as_of, limit=limit)),
    Step("coupon_reminders", lambda as_of, limit: coupon_expiry.remind_due(as_of, limit=limit)),
    Step("tier_warnings", lambda as_of, limit: tier_reviews.warn_due(as_of, limit=limit)),
    Step(
        "check_in_reminders",
        lambda as_of, limit: checkin_reminders.remind_due(as_of, limit=limit),
        20_000,  # Each batch looks through the day before from its beginning.
        Acts.WITHIN_THE_DAY,
        checkin_reminders.hour,
    ),
    Step("old_messages", lambda as_of, limit: messages.forget_old(as_of, limit=limit)),
    Step(
        "ledger_rollup",
        lambda as_of, _limit: points_book.roll_up(as_of),
        acts=Acts.WITHIN_THE_DAY,
    ),
)
"""The book's part of a day, in its order: what becomes final earns first, then tiers are judged,
then things expire, and reminders tell what is left.
"""


def all_steps(personal_data: PersonalData, pictures: PictureStorage) -> tuple[Step, ...]:
    """Return every step of a day. Accounts end last: what is theirs has come or expired by then.

    What others wait for (coupons, exports) has sweeps as well, which look every few seconds.
    """
    return (
        *STEPS,
        Step(
            "coupon_events",
            lambda as_of, limit: coupon_events.grant_due(now=as_of, limit=limit),
            100,
            Acts.NOW,
        ),
        Step(
            "coupon_grants",
            lambda as_of, limit: coupon_grants.run_due(now=as_of, limit=limit),
            1_000,
            Acts.NOW,
        ),
        Step(
            "exports",
            lambda as_of, limit: data_export.prepare_due(personal_data, now=as_of, limit=limit),
            20,
            Acts.NOW,
        ),
        Step(
            "leaving",
            lambda as_of, limit: leaving.leave_due(personal_data, pictures, now=as_of, limit=limit),
            20,
        ),
        Step(
            "former_members",
            lambda as_of, limit: former_identities.forget_former(now=as_of, limit=limit),
        ),
    )


WHOLE_DAY = "day"
"""The step under which a day is marked once it and all days before it are finished."""

_HISTORY = "history"

Progress = Callable[[str, int], None]


class DayNotBegun(ValueError):
    """A day that is still to come can't be run: what it would end is still good."""

    def __init__(self, day: date) -> None:
        super().__init__(f"{day} has not begun yet")


async def run_day(
    day: date,
    *,
    now: datetime,
    steps: Sequence[Step] | None = None,
    progress: Progress | None = None,
) -> list[StepResult]:
    """Run the steps of one day, the book's if none are named; `progress` hears of each batch.

    Raises:
        DayNotBegun: the day lies ahead of `now`.
    """
    if day > business_day(now):
        raise DayNotBegun(day)
    results = []
    for step in STEPS if steps is None else steps:
        done = 0
        while pieces := await _batch(day, step, now=now):
            done += pieces
            if progress is not None:
                progress(step.name, pieces)
        if day < business_day(now):
            await _finish(day, step.name, now=now)
        results.append(StepResult(step.name, done))
    return results


def history() -> AbstractAsyncContextManager[None]:
    """Have `catch_up` rest while the block fills in old days, with `run_day` between them.

    Run as of today, its steps would end and review what those days have just begun.

    Raises:
        LockTaken: somebody else is filling in.
    """
    return locks.held_throughout(_HISTORY)


class StepsFailed(Exception):
    """Steps that could not be done; all others were, and these are tried again later."""

    def __init__(self, failed: Sequence[tuple[date, str]]) -> None:
        super().__init__(", ".join(f"{step} of {day}" for day, step in failed))


_failed: dict[tuple[date, str], datetime] = {}
"""When steps failed in this process: nobody tries them again at once."""

_PUT_OFF = timedelta(seconds=45)


async def begin_with_today(*, now: datetime) -> None:
    """Have `catch_up` begin with today where it never finished a day, whatever old days were run.

    What was due on the days between comes with today's steps, and takes effect when it was due.
    """
    yesterday = business_day(now) - timedelta(days=1)
    has_finished = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM day_run WHERE step = $1 AND finished_at IS NOT NULL)", WHOLE_DAY
    )
    if not has_finished:
        await _finish(yesterday, WHOLE_DAY, now=now)


async def catch_up(*, now: datetime, steps: Sequence[Step] | None = None) -> int:
    """Run the next batch of the first day that isn't finished; returns its pieces, 0 at the end.

    The steps are the book's if none are named. Today is never finished: its steps are looked at
    again and again, but for those that are done once at their hour. A step that fails holds up none
    of the others; its day stays open. While old days are being filled in (`history`) it rests.

    Raises:
        StepsFailed: when all else is done.
    """
    if not await locks.is_free(_HISTORY):
        return 0
    today = business_day(now)
    day = await _first_unfinished(today)
    failed: list[tuple[date, str]] = []
    while day <= today:
        if pieces := await _continued(day, STEPS if steps is None else steps, failed, now=now):
            return pieces
        if day < today and not failed:
            await _finish(day, WHOLE_DAY, now=now)
        day += timedelta(days=1)
    if failed:
        raise StepsFailed(failed)
    return 0


async def _continued(
    day: date, steps: Sequence[Step], failed: list[tuple[date, str]], *, now: datetime
) -> int:
    """Do the next batch of a day; returns its pieces, 0 at the end. Steps that fail are noted."""
    finished = await _finished_steps(day)
    for step in steps:
        if step.name in finished:
            continue
        pieces = await _tried(day, step, now=now) if _may_try(day, step, now) else None
        if pieces:
            return pieces
        if pieces is None:
            failed.append((day, step.name))
        elif day < business_day(now) or await _was_its_hour(step, day, now):
            await _finish(day, step.name, now=now)
    return 0


async def _was_its_hour(step: Step, day: date, now: datetime) -> bool:
    return step.hour is not None and await step.is_open(day, now)


def _may_try(day: date, step: Step, now: datetime) -> bool:
    return now - _failed.get((day, step.name), datetime.min.replace(tzinfo=UTC)) > _PUT_OFF


async def _tried(day: date, step: Step, *, now: datetime) -> int | None:
    """Do one batch of a step; returns its pieces, None when it failed."""
    try:
        pieces = await _batch(day, step, now=now)
    except Busy:
        raise
    except Exception:
        log.exception("day_step_failed", day=str(day), step=step.name)
        _failed[day, step.name] = now
        return None
    _failed.pop((day, step.name), None)
    return pieces


async def _first_unfinished(today: date) -> date:
    """Return the day after the last one that is finished; without one, the first that was begun."""
    row = await database.fetch_one(
        """
        SELECT (SELECT max(day) FROM day_run WHERE step = $1 AND finished_at IS NOT NULL) AS last,
               (SELECT min(day) FROM day_run) AS first
        """,
        WHOLE_DAY,
    )
    assert row is not None
    first: date = row["first"] or today
    return first if row["last"] is None else min(row["last"] + timedelta(days=1), today)


async def _finished_steps(day: date) -> set[str]:
    rows = await database.fetch(
        "SELECT step FROM day_run WHERE day = $1 AND finished_at IS NOT NULL", day
    )
    return {row["step"] for row in rows}


async def _batch(day: date, step: Step, *, now: datetime) -> int:
    """Do one batch of a step and count it; another runner's batch comes first."""
    if not await step.is_open(day, now):
        return 0
    async with locks.held("days"):
        pieces = await step.batch(step.as_of(day, now), step.limit)
        await _note(day, step.name, pieces=pieces, finished_at=None, now=now)
        return pieces


async def _finish(day: date, step: str, *, now: datetime) -> None:
    await _note(day, step, pieces=0, finished_at=now, now=now)


async def _note(
    day: date, step: str, *, pieces: int, finished_at: datetime | None, now: datetime
) -> None:
    await database.execute(
        """
        INSERT INTO day_run (id, day, step, pieces, finished_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (day, step) DO UPDATE
        SET pieces = day_run.pieces + excluded.pieces,
            finished_at = coalesce(day_run.finished_at, excluded.finished_at),
            updated_at = excluded.updated_at
        WHERE excluded.pieces > 0 OR excluded.finished_at IS NOT NULL
        """,
        new_id(),
        day,
        step,
        pieces,
        finished_at,
        now,
    )
