"""Checking in on real PostgreSQL: once a day, the streak's reward, and gaps made up for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.checkin import MakeUpLimitReached, MakeUpNotAllowed
from domain.clock import business_day
from domain.errors import (
    AccountBlocked,
    ConsentRequired,
    DomainError,
    ErrorCode,
    IdempotencyKeyReused,
)
from domain.ledger import AccountKind, EntryReason, SourceKind
from domain.rules import (
    CheckInRules,
    CouponOffer,
    DailyCapRules,
    DayCouponRules,
    PointsRules,
    Rules,
)
from models import database as db
from models.ids import new_id
from services import checkin, consents, coupons, growth, ledger, points
from services import rules as rule_versions
from services.checkin import CheckedIn, MakeUpCheckIn
from services.ledger import InsufficientBalance
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)


async def joined(*, days_ago: int = 60, points: int = 0) -> UUID:
    await agreements()
    member_id = await a_member(points=points)
    async with db.in_transaction():
        await consents.record(member_id, JOINING, now=NOW)
    await db.execute(
        "UPDATE member SET joined_at = $2 WHERE id = $1", member_id, NOW - days_ago * DAY
    )
    return member_id


async def check_in_days_ago(member_id: UUID, *days: int) -> None:
    for ago in days:
        await checkin.check_in(member_id, now=NOW - ago * DAY)


async def make_up(
    member_id: UUID, day: date, *, key: str | None = None, now: datetime = NOW
) -> CheckedIn:
    command = MakeUpCheckIn(member_id=member_id, day=day, idempotency_key=key or day.isoformat())
    return await checkin.make_up(command, now=now)


async def test_the_cycle_rises_and_begins_again_after_its_seventh_day() -> None:
    member_id = await joined()
    done = [await checkin.check_in(member_id, now=NOW + n * DAY) for n in range(9)]
    assert [each.points for each in done] == [5, 5, 10, 10, 15, 15, 30, 5, 5]
    assert [each.streak for each in done] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert all(each.is_new for each in done)
    balances = (await ledger.balances([member_id]))[member_id]
    assert (balances[AccountKind.SPENDABLE], balances[AccountKind.GROWTH]) == (100, 45)
    assert await db.fetch_value("SELECT lifetime_growth FROM member WHERE id = $1", member_id) == 45
    await assert_books_agree()


async def test_a_repetition_answers_with_what_stands() -> None:
    member_id = await joined()
    first = await checkin.check_in(member_id, now=NOW)
    again = await checkin.check_in(member_id, now=NOW + timedelta(hours=3))
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.id, again.points, again.streak) == (first.id, 5, 1)
    assert await points.spendable(member_id, now=NOW) == 5


async def test_a_missed_day_starts_the_cycle_again() -> None:
    member_id = await joined()
    await check_in_days_ago(member_id, 4, 3, 2)
    done = await checkin.check_in(member_id, now=NOW)
    assert (done.streak, done.points) == (1, 5)


async def test_the_last_instant_of_a_day_and_the_first_of_the_next_are_two_days() -> None:
    member_id = await joined()
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    last = await checkin.check_in(member_id, now=midnight - timedelta(milliseconds=1))
    first = await checkin.check_in(member_id, now=midnight)
    assert (last.day, first.day) == (date(2026, 11, 30), date(2026, 12, 1))
    assert (last.streak, first.streak) == (1, 2)
    assert (last.is_new, first.is_new) == (True, True)


@pytest.mark.parametrize(
    "end", [date(2027, 1, 31), date(2027, 2, 28), date(2028, 2, 29), date(2026, 12, 31)]
)
async def test_a_streak_goes_on_over_the_end_of_a_month(end: date) -> None:
    member_id = await joined()
    noon = datetime(end.year, end.month, end.day, 4, tzinfo=UTC)
    done = [await checkin.check_in(member_id, now=noon + n * DAY) for n in (-1, 0, 1)]
    assert [each.streak for each in done] == [1, 2, 3]


async def test_visitors_and_closed_accounts_are_refused() -> None:
    await agreements()
    visitor = await a_member(joined=False)
    with pytest.raises(ConsentRequired):
        await checkin.check_in(visitor, now=NOW)
    member_id = await joined()
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member_id)
    with pytest.raises(AccountBlocked):
        await checkin.check_in(member_id, now=NOW)
    with pytest.raises(AccountBlocked):
        await make_up(member_id, TODAY - DAY)
    assert await db.fetch_value("SELECT count(*) FROM check_in") == 0


async def test_over_the_day_s_cap_it_succeeds_with_fewer_points() -> None:
    member_id = await joined()
    rules = Rules(points=PointsRules(daily_caps=(DailyCapRules("CHECK_IN", 3),)))
    await rule_versions.publish(rules, effective_at=NOW - 9 * DAY, now=NOW - 9 * DAY)
    done = await checkin.check_in(member_id, now=NOW)
    assert (done.points, done.streak) == (3, 1)
    assert (await checkin.check_in(member_id, now=NOW)).points == 3


async def test_growth_that_reaches_a_tier_raises_at_once_with_its_gift() -> None:
    member_id = await joined()
    await growth.credit(
        member_id,
        2_993,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        at=NOW - DAY,
    )
    tier = "SELECT tier_code FROM member WHERE id = $1"
    await checkin.check_in(member_id, now=NOW)
    assert await db.fetch_value(tier, member_id) == "REGULAR"
    done = await checkin.check_in(member_id, now=NOW + DAY)
    assert done.points == 5
    assert await db.fetch_value(tier, member_id) == "SILVER"
    assert await points.spendable(member_id, now=NOW + DAY) == 5 + 5 + 100
    lifetime = "SELECT lifetime_growth FROM member WHERE id = $1"
    assert await db.fetch_value(lifetime, member_id) == 3_003
    await assert_books_agree()


async def test_who_owes_points_repays_with_what_the_day_gives() -> None:
    member_id = await joined()
    await points.take_back(
        member_id,
        7,
        earned_by=(SourceKind.ORDER, new_id()),
        source=(SourceKind.REFUND, new_id()),
        reason=EntryReason.ORDER_RETURNED,
        now=NOW - DAY,
    )
    given = [(await checkin.check_in(member_id, now=NOW + n * DAY)).points for n in range(2)]
    assert given == [5, 5]
    balances = (await ledger.balances([member_id]))[member_id]
    assert (balances[AccountKind.SPENDABLE], balances[AccountKind.DEBT]) == (3, 0)
    await assert_books_agree()


async def test_a_review_that_is_due_comes_before_the_day_s_growth() -> None:
    member_id = await joined()
    await growth.credit(
        member_id,
        3_000,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        at=NOW,
    )
    await checkin.check_in(member_id, now=NOW + 370 * DAY)
    row = await db.fetch_one(
        "SELECT tier_code, tier_review_at FROM member WHERE id = $1", member_id
    )
    assert row is not None
    assert tuple(row) == ("REGULAR", None)
    await assert_books_agree()


async def test_the_cycle_s_last_day_brings_the_configured_coupon_once() -> None:
    member_id = await joined()
    offer = CouponOffer("满30减3", "¥3 off ¥30", amount_off_fen=300, min_spend_fen=3_000)
    rules = Rules(check_in=CheckInRules(coupons=(DayCouponRules(7, offer),)))
    await rule_versions.publish(rules, effective_at=NOW - 9 * DAY, now=NOW - 9 * DAY)
    done = [await checkin.check_in(member_id, now=NOW + n * DAY) for n in range(7)]
    again = await checkin.check_in(member_id, now=NOW + 6 * DAY)
    [coupon] = await coupons.live(member_id, now=NOW + 6 * DAY)
    assert [each.coupon_id for each in done] == [None] * 6 + [coupon.id]
    assert (again.coupon_id, again.is_new) == (coupon.id, False)
    assert (coupon.amount_off_fen, coupon.min_spend_fen) == (300, 3_000)
    assert coupon.valid_until == datetime(2026, 12, 27, 16, tzinfo=UTC)  # 30 days, that one too.


async def test_making_up_joins_the_runs_on_both_sides_and_costs_points() -> None:
    member_id = await joined(points=100)
    await check_in_days_ago(member_id, 6, 5, 4, 2, 1)
    before = await points.spendable(member_id, now=NOW)
    made = await make_up(member_id, TODAY - 3 * DAY)
    assert (made.day, made.streak, made.points, made.made_up) == (TODAY - 3 * DAY, 6, 0, True)
    assert await points.spendable(member_id, now=NOW) == before - 20
    # Rewards of days already checked in don't change, only the next one's.
    rows = await checkin.days_between(member_id, TODAY - 9 * DAY, TODAY)
    assert [row["points"] for row in rows] == [5, 5, 10, 0, 5, 5]
    today = await checkin.check_in(member_id, now=NOW)
    assert (today.streak, today.points) == (7, 30)
    await assert_books_agree()


async def test_making_up_gives_neither_points_nor_growth() -> None:
    member_id = await joined(points=20)
    made = await make_up(member_id, TODAY - DAY)
    assert (made.streak, made.points, made.coupon_id) == (1, 0, None)
    balances = (await ledger.balances([member_id]))[member_id]
    assert (balances[AccountKind.SPENDABLE], balances[AccountKind.GROWTH]) == (0, 0)


async def test_a_day_is_made_up_for_once_and_only_in_its_window() -> None:
    member_id = await joined(days_ago=5, points=100)
    await check_in_days_ago(member_id, 1)
    for ago in (-1, 0, 1, 6, 8):
        with pytest.raises(MakeUpNotAllowed) as refusal:
            await make_up(member_id, TODAY - ago * DAY)
        assert refusal.value.path == ("date",)
    made = await make_up(member_id, TODAY - 5 * DAY)
    assert made.streak == 1  # Yesterday's run; the made-up day stands apart from it.
    with pytest.raises(MakeUpNotAllowed):
        await make_up(member_id, TODAY - 5 * DAY, key="another")


async def test_three_a_month_and_the_month_is_that_of_the_act() -> None:
    member_id = await joined(points=200)
    first_of_december = datetime(2026, 12, 1, 4, tzinfo=UTC)
    for ago in (2, 3, 4):
        await make_up(member_id, TODAY - ago * DAY)
    with pytest.raises(MakeUpLimitReached) as refusal:
        await make_up(member_id, TODAY - 5 * DAY)
    assert refusal.value.facts == {"limit": 3}
    # In December a day of November takes one of December's seats.
    await make_up(member_id, date(2026, 11, 30), now=first_of_december)
    rules = Rules().check_in
    november = await checkin.recent(member_id, now=NOW, rules=rules)
    december = await checkin.recent(member_id, now=first_of_december, rules=rules)
    assert (november.used, december.used) == (3, 1)


async def test_without_enough_points_nothing_is_made_up() -> None:
    member_id = await joined(points=19)
    with pytest.raises(InsufficientBalance):
        await make_up(member_id, TODAY - DAY)
    assert await db.fetch_value("SELECT count(*) FROM check_in") == 0
    assert await points.spendable(member_id, now=NOW) == 19


async def test_the_same_key_makes_up_once_and_answers_with_the_present_state() -> None:
    member_id = await joined(points=100)
    made = await make_up(member_id, TODAY - DAY, key="k")
    await checkin.check_in(member_id, now=NOW)
    again = await make_up(member_id, TODAY - DAY, key="k")
    assert (again.id, again.is_new, again.streak) == (made.id, False, 2)
    assert await points.spendable(member_id, now=NOW) == 85
    with pytest.raises(IdempotencyKeyReused):
        await make_up(member_id, TODAY - 2 * DAY, key="k")


async def test_a_refused_key_may_be_tried_again() -> None:
    member_id = await joined()
    with pytest.raises(InsufficientBalance):
        await make_up(member_id, TODAY - 3 * DAY, key="k")
    for n in range(4):
        await checkin.check_in(member_id, now=NOW + n * DAY)
    made = await make_up(member_id, TODAY - 3 * DAY, key="k", now=NOW + 3 * DAY)
    assert made.is_new
    assert await points.spendable(member_id, now=NOW + 3 * DAY) == 10


@dataclass
class Oracle:
    """What should stand, kept as a set of days and plain numbers."""

    days: set[date] = field(default_factory=set)
    made_up: Counter[str] = field(default_factory=Counter)
    points: int = 0

    def run(self, day: date) -> int:
        """Return how many days in a row there are up to this one."""
        length = 0
        while day in self.days:
            length, day = length + 1, day - DAY
        return length

    def check_in(self, today: date) -> tuple[int, int]:
        """Return the streak and the points; again on the same day, nothing more."""
        if today in self.days:
            return self.run(today), 0
        self.days.add(today)
        streak = self.run(today)
        given = (5, 5, 10, 10, 15, 15, 30)[(streak - 1) % 7]
        self.points += given
        return streak, given

    def make_up(self, day: date, today: date, joined: date) -> ErrorCode | None:
        """Return why it is refused, None when it worked."""
        month = f"{today:%Y-%m}"
        if day in self.days or not max(joined, today - 7 * DAY) <= day < today:
            return ErrorCode.MAKE_UP_NOT_ALLOWED
        if self.made_up[month] == 3:
            return ErrorCode.MAKE_UP_LIMIT_REACHED
        if self.points < 20:
            return ErrorCode.INSUFFICIENT_POINTS
        self.days.add(day)
        self.made_up[month] += 1
        self.points -= 20
        return None


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_is_what_a_set_of_days_says(seed: int) -> None:
    dice = random.Random(seed)
    member_id = await joined(days_ago=3)
    joined_on = business_day(NOW - 3 * DAY)
    oracle = Oracle()
    for n in range(45):
        now = NOW + n * DAY
        today = business_day(now)
        for _ in range(dice.randrange(3)):
            if dice.random() < 0.7:
                done = await checkin.check_in(member_id, now=now)
                streak, given = oracle.check_in(today)
                assert (done.streak, done.points if done.is_new else 0) == (streak, given)
            else:
                day = today - dice.randrange(-1, 10) * DAY
                expected = oracle.make_up(day, today, joined_on)
                key = f"{n} {day} {dice.random()}"
                assert await _refusal(make_up(member_id, day, key=key, now=now)) == expected
    rows = await checkin.days_between(member_id, date(2026, 1, 1), date(2027, 12, 31))
    assert {row["day"] for row in rows} == oracle.days
    for row in rows:
        assert (row["day"] - row["run_start"]).days + 1 == oracle.run(row["day"])
    assert await points.spendable(member_id, now=NOW + 44 * DAY) == oracle.points
    await assert_books_agree()


async def _refusal(work: Awaitable[object]) -> ErrorCode | None:
    try:
        await work
    except DomainError as refused:
        return refused.code
    return None
