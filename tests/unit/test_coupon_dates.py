"""When coupons can be used, what they show, and how codes are read: pure rules of section 4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns import CampaignStatus, campaign_status
from domain.clock import SHANGHAI, business_day, start_of_business_day
from domain.coupon_texts import validity_text
from domain.coupons import (
    MOVES,
    ReturnRule,
    Terms,
    Validity,
    normalise_code,
    returns,
    shown_status,
    terms_of_offer,
    terms_problems,
    valid_days_end,
    validity_problems,
)
from domain.pricing import CouponKind, CouponStatus
from domain.rules import DEFAULT_BENEFIT_COUPONS, CouponOffer

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
instants = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds))


@given(instants, st.integers(1, 400))
def test_a_day_is_the_one_it_was_given_on(given_at: datetime, days: int) -> None:
    end = valid_days_end(given_at, days)
    assert end == start_of_business_day(business_day(given_at) + timedelta(days=days))
    assert given_at < end <= given_at + timedelta(days=days)
    assert Validity(days=days).window(given_at) == (given_at, end)


def test_a_coupon_for_one_day_ends_at_midnight_in_shanghai() -> None:
    last = datetime(2026, 11, 22, 23, 59, 59, 999_999, SHANGHAI)
    assert valid_days_end(last, 1) == last + MOMENT
    assert valid_days_end(last + MOMENT, 1) == last + MOMENT + timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (NOON - MOMENT, CouponStatus.NOT_YET_VALID),
        (NOON, CouponStatus.USABLE),
        (NOON + timedelta(days=1) - MOMENT, CouponStatus.USABLE),
        (NOON + timedelta(days=1), CouponStatus.EXPIRED),
    ],
)
def test_the_clock_says_where_a_coupon_stands(now: datetime, status: CouponStatus) -> None:
    end = NOON + timedelta(days=1)
    assert shown_status(CouponStatus.USABLE, NOON, end, now) is status
    for stored in set(CouponStatus) - {CouponStatus.USABLE}:
        assert shown_status(stored, NOON, end, now) is stored


def test_what_has_ended_or_was_taken_back_goes_nowhere() -> None:
    assert {status for status, after in MOVES.items() if not after} == {
        CouponStatus.EXPIRED,
        CouponStatus.REVOKED,
    }
    assert CouponStatus.NOT_YET_VALID not in MOVES


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (ReturnRule.WHOLE_BEFORE_SHIPMENT, True, False),
        (ReturnRule.WHOLE, True, True),
        (ReturnRule.NEVER, False, False),
    ],
)
def test_the_return_rules(rule: ReturnRule, before: bool, after: bool) -> None:
    assert returns(rule, before_shipment=True) is before
    assert returns(rule, before_shipment=False) is after


def test_a_campaigns_status_by_its_window() -> None:
    end = NOON + timedelta(days=1)
    found = [campaign_status(NOON, end, now) for now in (NOON - MOMENT, NOON, end - MOMENT, end)]
    assert found == [
        CampaignStatus.UPCOMING,
        CampaignStatus.RUNNING,
        CampaignStatus.RUNNING,
        CampaignStatus.ENDED,
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "ABCD2345",
        "abcd-2345",
        " AB CD\t23 45\n",
        "\uff21\uff22\uff23\uff24\uff12\uff13\uff14\uff15",  # Full width.
        "AB\u2010CD\u2013\u201423\u201545\u3000",
        "A\u200bBCD\u00a02345",  # What copying from a chat brings along.
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert normalise_code(typed) == "ABCD2345"


@given(st.text())
def test_reading_a_code_twice_changes_nothing(typed: str) -> None:
    once = normalise_code(typed)
    assert normalise_code(once.lower()) == normalise_code(once)


@pytest.mark.parametrize(
    ("start", "end", "facts"),
    [
        ("2026-11-22T00:00+08:00", "2026-11-23T00:00+08:00", ("2026-11-22", "2026-11-22")),
        ("2026-11-22T00:00+08:00", "2026-12-01T00:00+08:00", ("2026-11-22", "2026-11-30")),
        (
            "2026-11-22T12:00+08:00",
            "2026-11-23T18:30+08:00",
            ("2026-11-22 12:00", "2026-11-23 18:30"),
        ),
    ],
)
def test_a_window_in_words_names_its_last_day(start: str, end: str, facts: tuple[str, str]) -> None:
    window = Validity(
        valid_from=datetime.fromisoformat(start), valid_until=datetime.fromisoformat(end)
    )
    text = validity_text(window)
    assert (text.facts["start"], text.facts["end"]) == facts


def test_the_shipped_offers_are_possible_coupons() -> None:
    for benefit in DEFAULT_BENEFIT_COUPONS:
        terms = terms_of_offer(benefit.offer)
        assert terms_problems(terms) == []
        assert terms.amount_off_fen == benefit.offer.amount_off_fen
    percent = CouponOffer("88折", "12 % off", kind="PERCENT_OFF", pay_bps=8_800, max_off_fen=500)
    terms = terms_of_offer(percent)
    assert (terms.kind, terms.pay_bps, terms.max_off_fen) == (CouponKind.PERCENT_OFF, 8_800, 500)
    assert terms_problems(terms) == []


def test_everything_that_cannot_hold_is_said_at_once() -> None:
    wrong = Terms(
        name=" ", name_en="", kind=CouponKind.GIFT, amount_off_fen=-1, pay_bps=8_850, max_off_fen=0
    )
    assert [problem.partition(":")[0] for problem in terms_problems(wrong)] == [
        "name",
        "pay_percent",
        "pay_percent",
        "no amount is below 0",
        "max_off",
        "gift_sku",
    ]


@pytest.mark.parametrize(
    ("validity", "holds"),
    [
        (Validity(days=1), True),
        (Validity(days=0), False),
        (Validity(valid_from=NOON, valid_until=NOON + MOMENT), True),
        (Validity(valid_from=NOON, valid_until=NOON), False),
        (Validity(), False),
        (Validity(valid_from=NOON), False),
        (Validity(1, NOON, NOON + MOMENT), False),
    ],
)
def test_a_validity_has_days_or_a_window(validity: Validity, holds: bool) -> None:
    assert (validity_problems(validity) == []) is holds
