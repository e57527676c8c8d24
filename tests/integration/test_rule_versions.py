"""Rule versions: which one holds when, and what is never stored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.rules import (
    DEFAULT_TIERS,
    BenefitCouponRules,
    CheckInRules,
    CouponOffer,
    DailyCapRules,
    DayCouponRules,
    OrderRules,
    PointsRules,
    Rules,
    RulesInvalid,
    TierTermRules,
)
from models import database as db
from services import rules
from tests.factories.shop import NOW

pytestmark = pytest.mark.usefixtures("database")


async def test_an_empty_database_has_the_shipped_rules_as_version_one() -> None:
    found = await rules.in_force(now=NOW)
    assert found.rules == Rules()
    row = await db.fetch_one("SELECT id, number FROM rule_version")
    assert row is not None
    assert (row["id"], row["number"]) == (found.version_id, 1)


async def test_a_version_holds_from_its_time_on() -> None:
    await rules.in_force(now=NOW)
    changed = Rules(orders=OrderRules(pay_within_minutes=15))
    version = await rules.publish(changed, effective_at=NOW + timedelta(days=1), now=NOW)

    before = await rules.in_force(now=NOW + timedelta(hours=23))
    assert before.rules == Rules()
    rules.forget_cached()
    after = await rules.in_force(now=NOW + timedelta(days=1))
    assert (after.version_id, after.rules) == (version, changed)


async def test_it_holds_from_that_very_instant_whoever_asked_a_moment_before() -> None:
    await rules.in_force(now=NOW)
    changed = Rules(orders=OrderRules(pay_within_minutes=15))
    version = await rules.publish(changed, effective_at=NOW + timedelta(seconds=2), now=NOW)
    instant = timedelta(microseconds=1)
    for _ in range(2):
        for at, is_new in ((-instant, False), (timedelta(), True), (-instant, False)):
            found = await rules.in_force(now=NOW + timedelta(seconds=2) + at)
            assert (found.version_id == version) is is_new


async def test_of_two_for_one_time_the_later_holds() -> None:
    await rules.publish(Rules(hot_searches=("苹果",)), effective_at=NOW, now=NOW)
    await rules.publish(Rules(hot_searches=("大米",)), effective_at=NOW, now=NOW)
    assert (await rules.in_force(now=NOW)).rules.hot_searches == ("大米",)


async def test_a_document_that_contradicts_itself_is_not_stored() -> None:
    gold_below_silver = (*DEFAULT_TIERS[:2], replace(DEFAULT_TIERS[2], growth_threshold=1))
    wrong = Rules(points=PointsRules(max_share_bps=10_001), tiers=gold_below_silver)
    with pytest.raises(RulesInvalid) as refused:
        await rules.publish(wrong, effective_at=NOW, now=NOW)
    assert refused.value.problems == [
        "tiers: growth_threshold is strictly increasing",
        "points.max_share_bps: at most 10000",
    ]
    assert await db.fetch_value("SELECT count(*) FROM rule_version") == 0


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (Rules(points=PointsRules(lifetime_months=0)), "points.lifetime_months: from 1 to 120"),
        (Rules(tier_terms=TierTermRules(months=90_000)), "tier_terms.months: from 1 to 120"),
        (
            Rules(check_in=CheckInRules(make_up_days=1_000_000)),
            "check_in.make_up_days: from 0 to 31",
        ),
        (Rules(check_in=CheckInRules(day_points=())), "check_in.day_points: from 1 to 31 days"),
    ],
)
async def test_numbers_beyond_all_dates_are_not_stored(wrong: Rules, problem: str) -> None:
    with pytest.raises(RulesInvalid) as refused:
        await rules.publish(wrong, effective_at=NOW, now=NOW)
    assert refused.value.problems == [problem]


def wrong_offers(offer: CouponOffer) -> Rules:
    return Rules(
        check_in=CheckInRules(coupons=(DayCouponRules(8, offer),)),
        benefit_coupons=(BenefitCouponRules("BIRTHDAY", offer, weekday=0),),
    )


@pytest.mark.parametrize(
    "offer",
    [
        CouponOffer("券", "Coupon", amount_off_fen=0),
        CouponOffer("券", "Coupon", "PERCENT_OFF", pay_bps=10_000),
        CouponOffer("券", "Coupon", "GIFT"),
        CouponOffer("券", "Coupon", amount_off_fen=1, valid_days=0),
    ],
    ids=["no amount", "no percentage", "kind", "no day"],
)
async def test_coupons_that_cannot_be_are_not_stored(offer: CouponOffer) -> None:
    with pytest.raises(RulesInvalid) as refused:
        await rules.publish(wrong_offers(offer), effective_at=NOW, now=NOW)
    assert refused.value.problems == [
        "check_in.coupons: cycle_day from 1 to 7",
        "benefit_coupons: 'BIRTHDAY' is no benefit with a coupon",
        "benefit_coupons: weekday from 1 to 7",
        "check_in.coupons: '券' is no possible coupon",
        "benefit_coupons: '券' is no possible coupon",
    ]


async def test_caps_of_reasons_that_are_none_or_named_twice_are_not_stored() -> None:
    reasons = ("REVIEW", "REVIEW", "RUNNING", "ORDER", "SHOP_PURCHASE", "ORDER_DEDUCTION_RETURNED")
    caps = tuple(DailyCapRules(reason, 5) for reason in reasons)
    with pytest.raises(RulesInvalid) as refused:
        await rules.publish(Rules(points=PointsRules(daily_caps=caps)), effective_at=NOW, now=NOW)
    assert refused.value.problems == [
        *(f"points.daily_caps: {reason!r} can't be capped" for reason in reasons[2:]),
        "points.daily_caps: reason is unique",
    ]


async def test_what_was_read_before_another_version_was_told_of_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await rules.in_force(now=NOW)
    read = db.fetch_one

    async def slow(sql: str, *values: object) -> object:
        row = await read(sql, *values)
        monkeypatch.undo()
        await rules.publish(Rules(hot_searches=("大米",)), effective_at=NOW, now=NOW)
        return row

    monkeypatch.setattr(db, "fetch_one", slow)
    assert (await rules.in_force(now=NOW)).rules == Rules()
    assert (await rules.in_force(now=NOW)).rules.hot_searches == ("大米",)
