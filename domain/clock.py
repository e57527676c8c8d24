"""The business day. Instants are UTC everywhere; a day is a calendar day in Asia/Shanghai.

`now` is always given by the caller: nothing here reads a clock.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def business_day(instant: datetime) -> date:
    """Return the day in Shanghai that the instant falls in."""
    return instant.astimezone(SHANGHAI).date()


def start_of_business_day(day: date) -> datetime:
    """Return the instant, in UTC, at which the day begins in Shanghai."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def end_of_business_day(day: date) -> datetime:
    """Return the first instant after the day, in UTC."""
    return start_of_business_day(day + timedelta(days=1))


def same_day_months_later(day: date, months: int) -> date:
    """Return the same day of the month later on; the month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_expiry(instant: datetime, months: int) -> datetime:
    """Return when something of that instant ends: 00:00 after the same day `months` later.

    29 February ends with 28 February in a common year (rules, section 1).
    """
    return end_of_business_day(same_day_months_later(business_day(instant), months))
