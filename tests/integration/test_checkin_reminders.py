"""Reminders of check-ins: in the evening, once, to those whose streak ends with the day."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.rules import MessageRules
from models import database as db
from services import checkin, checkin_reminders, consents, days
from services import rules as rule_versions
from services.days import Acts, Step
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)
EVENING = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""20:00 in Shanghai."""


async def with_a_streak(*days_ago: int) -> UUID:
    """Make a member who checked in so many days ago, the earliest first."""
    await agreements()
    member_id = await a_member()
    async with db.in_transaction():
        await consents.record(member_id, JOINING, now=NOW - 30 * DAY)
    await db.execute("UPDATE member SET joined_at = $2 WHERE id = $1", member_id, NOW - 30 * DAY)
    for ago in days_ago:
        await checkin.check_in(member_id, now=NOW - ago * DAY)
    return member_id


async def reminded(now: datetime = EVENING) -> list[UUID]:
    """Return who was told of their check-in on the day of `now`."""
    rows = await db.fetch(
        "SELECT member_id FROM message WHERE event = 'CHECK_IN_REMINDER' AND created_at = $1"
        " ORDER BY member_id",
        now,
    )
    return [row["member_id"] for row in rows]


async def test_who_would_lose_a_streak_of_three_is_told_once() -> None:
    three, four = await with_a_streak(3, 2, 1), await with_a_streak(4, 3, 2, 1)
    await with_a_streak(2, 1)
    await with_a_streak(4, 3, 2)
    await with_a_streak(3, 2, 1, 0)
    done = [await checkin_reminders.remind_due(EVENING, limit=1) for _ in range(3)]
    assert done == [1, 1, 0]
    assert await reminded() == sorted([three, four])
    row = await db.fetch_one("SELECT facts, link FROM message LIMIT 1")
    assert row is not None
    assert tuple(row) == ({}, "pages/check-in/index")
    await checkin.check_in(three, now=EVENING)
    tomorrow = EVENING + DAY
    while await checkin_reminders.remind_due(tomorrow):
        pass
    assert three in await reminded(tomorrow)
    assert four not in await reminded(tomorrow)


async def test_visitors_and_those_who_leave_are_left_alone() -> None:
    changes = ("status = 'BLOCKED'", "joined_at = NULL", "leaves_at = now()")
    for change in changes:
        member_id = await with_a_streak(3, 2, 1)
        await db.execute(f"UPDATE member SET {change} WHERE id = $1", member_id)
    assert await checkin_reminders.remind_due(EVENING) == 0


async def test_runners_at_once_tell_once() -> None:
    member_id = await with_a_streak(3, 2, 1)
    told = await asyncio.gather(*(checkin_reminders.remind_due(EVENING) for _ in range(8)))
    assert sum(told) == 1
    assert await reminded() == [member_id]


async def test_the_rules_say_from_which_streak_on() -> None:
    member_id = await with_a_streak(1)
    shipped = (await rule_versions.in_force(now=NOW)).rules
    await rule_versions.publish(
        replace(shipped, messages=MessageRules(check_in_reminder_streak=1)),
        effective_at=NOW,
        now=NOW,
    )
    assert await checkin_reminders.remind_due(EVENING) == 1
    assert await reminded() == [member_id]


async def caught_up(now: datetime) -> None:
    while await days.catch_up(now=now):
        pass


async def test_a_day_reminds_from_eight_in_the_evening_on_and_only_then() -> None:
    member_id = await with_a_streak(3, 2, 1)
    await caught_up(EVENING - timedelta(microseconds=1))
    assert await reminded() == []
    await caught_up(EVENING)
    assert await reminded() == [member_id]


async def test_a_day_that_is_over_reminds_nobody() -> None:
    await with_a_streak(3, 2, 1)
    await caught_up(NOW)
    await caught_up(EVENING + DAY)
    await days.run_day(TODAY, now=EVENING + DAY)
    assert await db.fetch_value("SELECT count(*) FROM message") == 0


async def test_what_has_its_hour_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[datetime] = []

    async def batch(as_of: datetime, _limit: int) -> int:
        ran.append(as_of)
        return 0

    step = Step("evening", batch, acts=Acts.WITHIN_THE_DAY, hour=lambda _rules: 20)
    monkeypatch.setattr(days, "STEPS", (step,))
    evenings = [EVENING - DAY / 24, EVENING, EVENING + DAY / 24, EVENING + DAY]
    for now in evenings:
        await caught_up(now)
    assert ran == [evenings[1], evenings[3]]
