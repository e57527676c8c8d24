"""Which benefits are due when: birthdays, months, member days."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.benefits import Benefit, due
from domain.clock import start_of_business_day
from domain.rules import BenefitCouponRules, CouponOffer, MemberRules, Rules

MONTHLY = BenefitCouponRules("MONTHLY_COUPON", CouponOffer("月券", "Monthly", amount_off_fen=500))
SHIPPED = Rules()
SUNDAY = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def given_on(
    now: datetime, rules: Rules = SHIPPED, *, tier: str = "GOLD", birthday: date | None = None
) -> list[tuple[str, str, datetime | None]]:
    found = due(rules, tier_code=tier, birthday=birthday, now=now)
    return [(each.benefit.value, each.period, each.valid_until) for each in found]


def test_an_ordinary_day_gives_nothing() -> None:
    assert given_on(SUNDAY) == []


@pytest.mark.parametrize(("tier", "off_fen"), [("REGULAR", 600), ("SILVER", 800), ("GOLD", 1_000)])
def test_wednesday_is_member_day_with_a_coupon_for_each_tier(tier: str, off_fen: int) -> None:
    [coupon] = due(Rules(), tier_code=tier, birthday=None, now=WEDNESDAY)
    assert (coupon.benefit, coupon.period) == (Benefit.MEMBER_DAY_COUPON, "2026-11-25")
    assert coupon.offer is not None
    assert (coupon.offer.amount_off_fen, coupon.offer.min_spend_fen) == (off_fen, 6_800)
    assert coupon.valid_until == start_of_business_day(date(2026, 11, 26))


def test_the_day_is_shanghais() -> None:
    assert given_on(datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)) == []
    assert len(given_on(datetime(2026, 11, 24, 16, 0, tzinfo=UTC))) == 1
    assert given_on(datetime(2026, 11, 25, 16, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("day", "period"),
    [
        (date(2026, 11, 21), None),
        (date(2026, 11, 22), "2026"),
        (date(2026, 12, 21), "2026"),
        (date(2026, 12, 22), None),
    ],
)
def test_a_birthday_coupon_is_given_for_thirty_days(day: date, period: str | None) -> None:
    shown = given_on(start_of_business_day(day), birthday=date(2000, 11, 22))
    until = start_of_business_day(date(2026, 12, 22))
    assert shown == ([("BIRTHDAY_COUPON", period, until)] if period else [])


def test_a_birthday_of_december_ends_in_january() -> None:
    shown = given_on(datetime(2027, 1, 12, 4, tzinfo=UTC), birthday=date(2000, 12, 20))
    until = start_of_business_day(date(2027, 1, 19))
    assert shown == [("BIRTHDAY_COUPON", "2026", until)]


def test_a_leap_days_birthday_is_kept_on_the_28th() -> None:
    [(_, period, until)] = given_on(
        start_of_business_day(date(2027, 2, 28)), birthday=date(2004, 2, 29)
    )
    assert (period, until) == ("2027", start_of_business_day(date(2027, 3, 30)))


def test_a_months_coupon_is_valid_for_its_days_from_when_it_is_given() -> None:
    rules = Rules(benefit_coupons=(MONTHLY,))
    until = start_of_business_day(date(2026, 12, 22))
    assert given_on(SUNDAY, rules) == [("MONTHLY_COUPON", "2026-11", until)]


def test_several_coupons_of_one_benefit_are_periods_of_their_own() -> None:
    rules = Rules(benefit_coupons=(MONTHLY, MONTHLY))
    assert [period for _, period, _ in given_on(SUNDAY, rules)] == ["2026-11", "2026-11:2"]


def test_birthday_points_come_beside_the_coupon() -> None:
    rules = Rules(members=MemberRules(birthday_points=50), benefit_coupons=())
    [points] = due(rules, tier_code="REGULAR", birthday=date(2000, 11, 22), now=SUNDAY)
    assert (points.benefit, points.points, points.offer) == (Benefit.BIRTHDAY_POINTS, 50, None)


@given(
    birthday=st.dates(date(1930, 1, 1), date(2012, 1, 1)),
    today=st.dates(date(2026, 1, 1), date(2032, 1, 1)),
)
def test_a_birthday_is_one_period_of_30_days(birthday: date, today: date) -> None:
    shown = given_on(start_of_business_day(today), birthday=birthday)
    own = [each for each in shown if each[0] == "BIRTHDAY_COUPON"]
    for _, period, until in own:
        assert until is not None
        end = until.astimezone(UTC)
        assert 0 < (end - start_of_business_day(today)).days <= 30
        assert int(period) in (today.year, today.year - 1)
