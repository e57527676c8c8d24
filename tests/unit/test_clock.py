"""The business day is Shanghai's; instants are UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import (
    business_day,
    end_of_business_day,
    months_expiry,
    same_day_months_later,
    start_of_business_day,
)

INSTANTS = st.integers(0, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, 999_999, UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_a_day_begins_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    assert business_day(instant) == day


@given(INSTANTS)
def test_every_instant_lies_in_its_day(instant: datetime) -> None:
    day = business_day(instant)
    assert start_of_business_day(day) <= instant < end_of_business_day(day)
    assert end_of_business_day(day) - start_of_business_day(day) == timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 11, 22), 12, date(2027, 11, 22)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
    ],
)
def test_the_same_day_months_later(day: date, months: int, later: date) -> None:
    assert same_day_months_later(day, months) == later


def test_points_end_after_the_same_day_a_year_later() -> None:
    """Rules, section 1: 00:00 Shanghai of the day after; 29 February counts as the 28th."""
    earned = datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert months_expiry(earned, 12) == datetime(2027, 11, 22, 16, tzinfo=UTC)
    leap = datetime(2024, 2, 28, 20, tzinfo=UTC)  # The 29th in Shanghai.
    assert months_expiry(leap, 12) == datetime(2025, 2, 28, 16, tzinfo=UTC)
