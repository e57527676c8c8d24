"""The check-in's rules against an oracle that knows nothing but a set of days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.checkin import (
    ONE_DAY,
    MakeUpLimitReached,
    MakeUpNotAllowed,
    MakeUpWindow,
    check_make_up,
    make_ups_left,
    month_of,
    reward_of,
    reward_of_day,
    run_start_of,
    streak_of,
    streak_today,
)
from domain.rules import CheckInRules, CouponOffer, DayCouponRules

RULES = CheckInRules()
TODAY = date(2026, 11, 22)


def run_of(days: set[date], day: date) -> int:
    """Count back from a day while there is no gap."""
    length = 0
    while day in days:
        length, day = length + 1, day - ONE_DAY
    return length


@given(st.sets(st.integers(0, 40), min_size=1), st.dates(date(2023, 12, 20), date(2028, 3, 1)))
def test_streaks_written_day_by_day_are_runs_without_a_gap(offsets: set[int], first: date) -> None:
    days = {first + n * ONE_DAY for n in offsets}
    starts: dict[date, date] = {}
    for day in sorted(days):
        starts[day] = run_start_of(day, starts.get(day - ONE_DAY))
        assert streak_of(day, starts[day]) == run_of(days, day)
    today = max(days) + timedelta(days=len(offsets) % 3)
    assert streak_today(max(days), starts[max(days)], today) == (
        run_of(days, today) or run_of(days, today - ONE_DAY)
    )


def test_a_streak_that_ended_before_yesterday_is_none() -> None:
    assert streak_today(None, None, TODAY) == 0
    assert streak_today(TODAY - 2 * ONE_DAY, TODAY - 9 * ONE_DAY, TODAY) == 0
    assert streak_today(TODAY - ONE_DAY, TODAY - 9 * ONE_DAY, TODAY) == 9
    assert streak_today(TODAY, TODAY - 9 * ONE_DAY, TODAY) == 10


@pytest.mark.parametrize(
    ("streak", "cycle_day", "points"),
    [(1, 1, 5), (2, 2, 5), (3, 3, 10), (6, 6, 15), (7, 7, 30), (8, 1, 5), (14, 7, 30), (15, 1, 5)],
)
def test_the_cycle(streak: int, cycle_day: int, points: int) -> None:
    reward = reward_of(streak, RULES)
    assert (reward.cycle_day, reward.points, reward.coupon) == (cycle_day, points, None)


def test_a_day_of_the_cycle_may_bring_a_coupon() -> None:
    offer = CouponOffer("满30减3", "¥3 off ¥30", amount_off_fen=300, min_spend_fen=3_000)
    rules = CheckInRules(coupons=(DayCouponRules(7, offer),))
    assert reward_of(14, rules).coupon is offer
    assert reward_of_day(6, rules).coupon is None


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (date(2026, 11, 30), date(2026, 12, 1)),
        (date(2028, 2, 29), date(2028, 3, 1)),
        (date(2027, 2, 28), date(2027, 3, 1)),
        (date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_a_run_goes_on_over_the_end_of_a_month(last: date, first: date) -> None:
    start = run_start_of(first, last - 5 * ONE_DAY)
    assert streak_of(first, start) == 7


def test_the_window_is_the_seven_days_before_today() -> None:
    window = MakeUpWindow.of(TODAY, date(2026, 1, 1), RULES)
    assert [window.holds(TODAY - n * ONE_DAY) for n in (-1, 0, 1, 7, 8)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    checked = {TODAY - 2 * ONE_DAY, TODAY - 7 * ONE_DAY, TODAY}
    assert window.missed(checked) == [TODAY - n * ONE_DAY for n in (6, 5, 4, 3, 1)]


def test_the_window_begins_with_the_day_of_joining() -> None:
    window = MakeUpWindow.of(TODAY, TODAY - 2 * ONE_DAY, RULES)
    assert window.missed(()) == [TODAY - 2 * ONE_DAY, TODAY - ONE_DAY]
    assert MakeUpWindow.of(TODAY, TODAY, RULES).missed(()) == []


def test_the_first_reason_against_making_up_is_told() -> None:
    window = MakeUpWindow.of(TODAY, date(2026, 1, 1), RULES)
    yesterday = TODAY - ONE_DAY
    check_make_up(yesterday, window, is_checked=False, used=2, rules=RULES)
    with pytest.raises(MakeUpLimitReached) as limit:
        check_make_up(yesterday, window, is_checked=False, used=3, rules=RULES)
    assert (limit.value.facts, limit.value.path) == ({"limit": 3}, ("date",))
    for day, is_checked in ((yesterday, True), (TODAY, False), (TODAY - 8 * ONE_DAY, False)):
        with pytest.raises(MakeUpNotAllowed):
            check_make_up(day, window, is_checked=is_checked, used=3, rules=RULES)


def test_what_is_left_of_a_month() -> None:
    assert [make_ups_left(used, RULES) for used in (0, 2, 3, 5)] == [3, 1, 0, 0]
    assert month_of(date(2026, 3, 1)) == "2026-03"
