"""The check-in: streaks, the cycle's rewards, and making up for a missed day (rules, section 3).

Days are days in Shanghai. A run is an unbroken row of days, made-up ones among them; the streak of
a day is its place in its run.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from domain.errors import DomainError, ErrorCode
from domain.rules import CheckInRules, CouponOffer

ONE_DAY = timedelta(days=1)


class MakeUpNotAllowed(DomainError):
    """The day is too long ago, not over yet, before the member joined, or checked in already."""

    code = ErrorCode.MAKE_UP_NOT_ALLOWED
    message = "This day can't be made up for."

    def __init__(self) -> None:
        super().__init__(path=("date",))


class MakeUpLimitReached(DomainError):
    """All of the month's make-ups are used."""

    code = ErrorCode.MAKE_UP_LIMIT_REACHED
    message = "{limit} days a month can be made up for."

    def __init__(self, limit: int) -> None:
        super().__init__(path=("date",), limit=limit)


@dataclass(frozen=True, slots=True)
class Reward:
    """What a day of the cycle gives."""

    cycle_day: int
    points: int
    coupon: CouponOffer | None


def streak_of(day: date, run_start: date) -> int:
    """Return how many days in a row the run has on that day."""
    return (day - run_start).days + 1


def streak_today(last_day: date | None, run_start: date | None, today: date) -> int:
    """Return the streak as it stands: unbroken up to today or yesterday, else 0."""
    if last_day is None or run_start is None or last_day < today - ONE_DAY:
        return 0
    return streak_of(last_day, run_start)


def reward_of(streak: int, rules: CheckInRules) -> Reward:
    """Return what the day of that streak gives: the cycle begins again after its last day."""
    cycle_day = (streak - 1) % len(rules.day_points) + 1
    return reward_of_day(cycle_day, rules)


def reward_of_day(cycle_day: int, rules: CheckInRules) -> Reward:
    """Return what a day of the cycle gives."""
    coupons = {each.cycle_day: each.offer for each in rules.coupons}
    return Reward(cycle_day, rules.day_points[cycle_day - 1], coupons.get(cycle_day))


def run_start_of(day: date, run_start_before: date | None) -> date:
    """Return where the run of a new day begins, given that of the day before, if it has one."""
    return run_start_before or day


@dataclass(frozen=True, slots=True)
class MakeUpWindow:
    """Which days may be made up for today: from `first` to yesterday."""

    first: date
    today: date

    @classmethod
    def of(cls, today: date, joined: date, rules: CheckInRules) -> MakeUpWindow:
        """Return the window of a member who joined on that day."""
        return cls(max(today - rules.make_up_days * ONE_DAY, joined), today)

    def holds(self, day: date) -> bool:
        """Tell whether the day lies in it."""
        return self.first <= day < self.today

    def missed(self, checked: Collection[date]) -> list[date]:
        """Return the days in it without a check-in, the first one first."""
        days = (self.today - self.first).days
        every = (self.first + n * ONE_DAY for n in range(days))
        return [day for day in every if day not in checked]


def check_make_up(
    day: date, window: MakeUpWindow, *, is_checked: bool, used: int, rules: CheckInRules
) -> None:
    """Refuse to make up for a day that may not be; `used` counts this month's make-ups.

    Raises:
        MakeUpNotAllowed: the day itself is at fault.
        MakeUpLimitReached: the month's are used.
    """
    if is_checked or not window.holds(day):
        raise MakeUpNotAllowed
    if used >= rules.make_ups_per_month:
        raise MakeUpLimitReached(rules.make_ups_per_month)


def make_ups_left(used: int, rules: CheckInRules) -> int:
    """Return how many days may still be made up for in the month; a merge may have used more."""
    return max(0, rules.make_ups_per_month - used)


def month_of(day: date) -> str:
    """Return the month of a day as it is written: "2026-11"."""
    return f"{day:%Y-%m}"
