"""The check-in: its rules, a member's calendar, and what a day gave."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MINYEAR, date
from typing import Annotated, Any

import strawberry
from asyncpg import Record

from domain.checkin import (
    MakeUpWindow,
    Reward,
    make_ups_left,
    reward_of,
    reward_of_day,
    streak_today,
)
from domain.clock import business_day
from domain.coupons import Validity, terms_of_offer
from domain.rules import CheckInRules as CheckInRulesDocument
from executor.costs import cost
from executor.fields import BatchInfo, batched, derived, item
from resolvers.common.context import Context
from resolvers.common.errors import bad_request
from resolvers.member.catalog.viewpoint import view_of
from resolvers.member.coupons.types import CouponTerms, MemberCoupon, coupons_by_ids
from services import checkin
from services.checkin import Recent

_MAX_MONTH = 31


@strawberry.type(description="What a day of the cycle gives.")
class CheckInReward:
    day: int = strawberry.field(description="The day of the cycle, from 1.")
    points: int = strawberry.field(description="Points for it.")
    coupon: CouponTerms | None = strawberry.field(description="A coupon for it, too.")

    @classmethod
    def of(cls, reward: Reward) -> CheckInReward:
        """Show a reward of the rules."""
        offer = reward.coupon
        return cls(
            day=reward.cycle_day,
            points=reward.points,
            coupon=None
            if offer is None
            else CouponTerms.of(terms_of_offer(offer), Validity(days=offer.valid_days)),
        )


@strawberry.type(description="How checking in works.")
class CheckInRules:
    cycle_days: int = strawberry.field(description="After so many days the rewards begin again.")
    day_rewards: list[CheckInReward] = strawberry.field(
        metadata=cost(items=_MAX_MONTH), description="What each day of the cycle gives."
    )
    make_up_cost_points: int | None = strawberry.field(
        description="What making up for a missed day costs."
    )
    make_up_days: int = strawberry.field(description="How many days back can be made up for.")
    make_ups_per_month: int = strawberry.field(description="At most so many a calendar month.")

    @classmethod
    def of(cls, rules: CheckInRulesDocument) -> CheckInRules:
        """Show the rules in force."""
        cycle = len(rules.day_points)
        return cls(
            cycle_days=cycle,
            day_rewards=[
                CheckInReward.of(reward_of_day(day, rules)) for day in range(1, cycle + 1)
            ],
            make_up_cost_points=rules.make_up_cost_points,
            make_up_days=rules.make_up_days,
            make_ups_per_month=rules.make_ups_per_month,
        )


@strawberry.type(description="A day that is checked in.")
class CheckInDay:
    """Its source is a row of `check_in`."""

    date: date = item("day", description="The day in Shanghai.")
    points: int = item("points", description="Points that it gave.")
    made_up: bool = item("made_up", description="Whether it was missed and made up for later.")

    @batched(description="The coupon that it gave.")
    @staticmethod
    async def coupon(days: Sequence[Any], info: BatchInfo) -> list[MemberCoupon | None]:
        return await coupons_by_ids(info.context, [day["coupon_id"] for day in days])


@dataclass(slots=True)
class Calendar:
    """A member's row with `CHECK_IN_COLUMNS`, the rules, and what was read of late."""

    member: Record
    rules: CheckInRulesDocument
    today: date
    recent: Recent | None = None

    @classmethod
    def of(cls, member: Record, context: Context) -> Calendar:
        """Return the calendar of a member by the rules in force."""
        return cls(member, view_of(context).rules.check_in, business_day(context.now))

    @property
    def streak(self) -> int:
        """Return how many days in a row are checked in up to today or yesterday."""
        return streak_today(self.member["last_check_in"], self.member["run_start"], self.today)


async def _read_recent(calendars: Sequence[Calendar], info: BatchInfo) -> None:
    for calendar in calendars:  # One, as there is one viewer.
        calendar.recent = await checkin.recent(
            calendar.member["id"], now=info.context.now, rules=calendar.rules
        )


def _checked_in_today(calendar: Calendar, _context: Context) -> bool:
    return bool(calendar.member["last_check_in"] == calendar.today)


def _streak(calendar: Calendar, _context: Context) -> int:
    return calendar.streak


def _next_reward(calendar: Calendar, _context: Context) -> CheckInReward:
    return CheckInReward.of(reward_of(calendar.streak + 1, calendar.rules))


def _make_ups_left(calendar: Calendar, _context: Context) -> int:
    assert calendar.recent is not None, "it was read for this"
    return make_ups_left(calendar.recent.used, calendar.rules)


def _make_up_dates(calendar: Calendar, context: Context) -> list[date]:
    joined_at = calendar.member["joined_at"]
    if joined_at is None or not _make_ups_left(calendar, context):
        return []
    assert calendar.recent is not None, "it was read for this"
    window = MakeUpWindow.of(calendar.today, business_day(joined_at), calendar.rules)
    return window.missed(calendar.recent.days)


@strawberry.type(description="A member's check-ins.")
class CheckInCalendar:
    """Its source is a `Calendar`."""

    checked_in_today: bool = derived(
        _checked_in_today, description="Whether today in Shanghai is checked in."
    )
    streak: int = derived(
        _streak, description="Days in a row up to today, or to yesterday while today is open."
    )
    next_reward: CheckInReward = derived(
        _next_reward, description="What the next check-in gives, made today or else tomorrow."
    )
    make_up_dates: list[date] = derived(
        _make_up_dates,
        needs=_read_recent,
        metadata=cost(items=_MAX_MONTH),
        description="Missed days that can be made up for now; none when the month's are used.",
    )
    make_ups_left: int = derived(
        _make_ups_left, needs=_read_recent, description="How many are left this month."
    )

    @strawberry.field(
        metadata=cost(items=_MAX_MONTH), description='The days checked in of a month: "2026-11".'
    )
    @staticmethod
    async def days(
        calendar: strawberry.Parent[Calendar],
        month: Annotated[str, strawberry.argument(description='"YYYY-MM", in Shanghai.')],
    ) -> list[CheckInDay]:
        first, last = _days_of(month)
        rows: list[Any] = await checkin.days_between(calendar.member["id"], first, last)
        return rows


_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


def _days_of(month: str) -> tuple[date, date]:
    """Return the first and last day of a month as clients write it."""
    found = _MONTH.fullmatch(month)
    year = int(found[1]) if found else 0
    if found is None or year < MINYEAR:
        raise bad_request('month: "YYYY-MM" is expected.', argument="month")
    first = date(year, int(found[2]), 1)
    return first, first.replace(day=monthrange(first.year, first.month)[1])
