"""Many taps at once: a day is checked in once, and a month's last make-up is had once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.checkin import MakeUpLimitReached, MakeUpNotAllowed
from domain.clock import business_day
from models import database as db
from services import checkin, consents, points
from services.checkin import MakeUpCheckIn
from services.ledger import InsufficientBalance
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
TODAY = business_day(NOW)


async def joined(*, points: int = 0) -> UUID:
    await agreements()
    member_id = await a_member(points=points)
    await consents.record(member_id, JOINING, now=NOW)
    await db.execute("UPDATE member SET joined_at = $2 WHERE id = $1", member_id, NOW - 60 * DAY)
    return member_id


def make_up(member_id: UUID, days_ago: int, key: str) -> MakeUpCheckIn:
    return MakeUpCheckIn(member_id=member_id, day=TODAY - days_ago * DAY, idempotency_key=key)


async def runs_hold(member_id: UUID) -> None:
    """Make sure that every row's run is the unbroken row of days up to it."""
    rows = await db.fetch(
        "SELECT day, run_start FROM check_in WHERE member_id = $1 AND NOT merged", member_id
    )
    days = {row["day"] for row in rows}
    for row in rows:
        start = row["day"]
        while start - DAY in days:
            start -= DAY
        assert row["run_start"] == start


async def test_thirty_taps_at_once_check_in_once() -> None:
    member_id = await joined()
    done = await asyncio.gather(*(checkin.check_in(member_id, now=NOW) for _ in range(30)))
    assert sum(each.is_new for each in done) == 1
    assert {(each.id, each.points, each.streak) for each in done} == {(done[0].id, 5, 1)}
    assert await points.spendable(member_id, now=NOW) == 5
    await assert_books_agree()


async def test_taps_on_both_sides_of_midnight_are_two_days_of_one_run() -> None:
    member_id = await joined()
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    before = midnight - timedelta(milliseconds=1)
    done = await asyncio.gather(
        *(checkin.check_in(member_id, now=now) for _ in range(10) for now in (midnight, before))
    )
    assert sum(each.is_new for each in done) == 2
    await runs_hold(member_id)
    assert (await checkin.check_in(member_id, now=midnight + DAY)).streak == 3
    await assert_books_agree()


async def test_the_later_tap_may_be_written_first() -> None:
    member_id = await joined()
    assert (await checkin.check_in(member_id, now=NOW)).streak == 1
    assert (await checkin.check_in(member_id, now=NOW - DAY)).streak == 1
    await runs_hold(member_id)
    assert (await checkin.check_in(member_id, now=NOW)).streak == 2


async def test_a_tap_and_a_make_up_at_once_make_one_run() -> None:
    member_id = await joined(points=100)
    await checkin.check_in(member_id, now=NOW - 2 * DAY)
    done = await asyncio.gather(
        *(checkin.check_in(member_id, now=NOW) for _ in range(5)),
        *(checkin.make_up(make_up(member_id, 1, "same"), now=NOW) for _ in range(5)),
    )
    assert sum(each.is_new for each in done) == 2
    await runs_hold(member_id)
    tomorrow = await checkin.check_in(member_id, now=NOW + DAY)
    assert (tomorrow.streak, tomorrow.points) == (4, 10)
    await assert_books_agree()


async def test_rivals_for_the_last_make_up_of_a_month_get_one() -> None:
    member_id = await joined(points=200)
    for days_ago in (1, 2):
        await checkin.make_up(make_up(member_id, days_ago, f"{days_ago}"), now=NOW)
    done = await asyncio.gather(
        *(
            checkin.make_up(make_up(member_id, days_ago, f"{days_ago} {n}"), now=NOW)
            for days_ago in (3, 4, 5)
            for n in range(3)
        ),
        return_exceptions=True,
    )
    refused = [each for each in done if isinstance(each, BaseException)]
    assert len(refused) == 8
    assert {type(each) for each in refused} <= {MakeUpLimitReached, MakeUpNotAllowed}
    assert await points.spendable(member_id, now=NOW) == 200 - 3 * 20
    await assert_books_agree()


async def test_points_for_one_make_up_pay_for_one() -> None:
    member_id = await joined(points=30)
    done = await asyncio.gather(
        *(checkin.make_up(make_up(member_id, n, f"{n}"), now=NOW) for n in (1, 2, 3, 4)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, InsufficientBalance) for each in done) == 3
    assert await points.spendable(member_id, now=NOW) == 10
    assert await db.fetch_value("SELECT count(*) FROM check_in") == 1
    await assert_books_agree()
