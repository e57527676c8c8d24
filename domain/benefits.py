"""What tiers give without being asked: once in each window, when a member is first seen in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.clock import business_day, end_of_business_day
from domain.coupons import valid_days_end
from domain.members import birthday_in
from domain.rules import BenefitCouponRules, CouponOffer, MemberRules, Rules


class Benefit(StrEnum):
    """A benefit that is granted, with a record."""

    UPGRADE_GIFT = "UPGRADE_GIFT"
    BIRTHDAY_POINTS = "BIRTHDAY_POINTS"
    BIRTHDAY_COUPON = "BIRTHDAY_COUPON"
    MONTHLY_COUPON = "MONTHLY_COUPON"
    MEMBER_DAY_COUPON = "MEMBER_DAY_COUPON"


@dataclass(frozen=True, slots=True)
class DueBenefit:
    """A benefit whose window is open: points, or a coupon and until when it can be used.

    `period` names the window: of one benefit a member gets one in each.
    """

    benefit: Benefit
    period: str
    points: int = 0
    offer: CouponOffer | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Window:
    """A time in which a benefit is given, and when what is given now ends."""

    period: str
    valid_until: datetime


def due(rules: Rules, *, tier_code: str, birthday: date | None, now: datetime) -> list[DueBenefit]:
    """Return what a member of a tier may be given now.

    Where the rules give several coupons of one benefit to a tier, each is a period of its own.
    """
    found = list(_birthday_points(rules.members, birthday, now))
    numbers: Counter[str] = Counter()
    for given in rules.benefit_coupons:
        if given.tier_codes and tier_code not in given.tier_codes:
            continue
        window = _window(given, rules.members, birthday, now)
        if window is None:
            continue
        numbers[given.benefit] += 1
        number = numbers[given.benefit]
        period = window.period if number == 1 else f"{window.period}:{number}"
        found.append(
            DueBenefit(
                Benefit(given.benefit), period, offer=given.offer, valid_until=window.valid_until
            )
        )
    return found


def _birthday_points(
    rules: MemberRules, birthday: date | None, now: datetime
) -> Iterator[DueBenefit]:
    window = _birthday_window(rules, birthday, now)
    if rules.birthday_points and window is not None:
        yield DueBenefit(Benefit.BIRTHDAY_POINTS, window.period, points=rules.birthday_points)


def _window(
    given: BenefitCouponRules, rules: MemberRules, birthday: date | None, now: datetime
) -> _Window | None:
    today = business_day(now)
    match Benefit(given.benefit):
        case Benefit.BIRTHDAY_COUPON:
            return _birthday_window(rules, birthday, now)
        case Benefit.MONTHLY_COUPON:
            return _Window(f"{today:%Y-%m}", valid_days_end(now, given.offer.valid_days))
        case Benefit.MEMBER_DAY_COUPON if today.isoweekday() == given.weekday:
            return _Window(today.isoformat(), end_of_business_day(today))
    return None


def _birthday_window(rules: MemberRules, birthday: date | None, now: datetime) -> _Window | None:
    """Return the days from a birthday on, named by its year; one of December ends in January.

    The birthday is the first of them, as with all coupons that are valid for so many days.
    """
    if birthday is None:
        return None
    today = business_day(now)
    last = max(
        day
        for year in (today.year, today.year - 1)
        if (day := birthday_in(year, birthday)) <= today
    )
    end = last + timedelta(days=rules.birthday_coupon_days - 1)
    return _Window(str(last.year), end_of_business_day(end)) if today <= end else None
