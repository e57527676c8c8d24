"""Checking in as the mini-program does: the calendar, a second tap, a missed day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.clock import business_day
from domain.ledger import EntryReason, SourceKind
from domain.rules import CheckInRules, CouponOffer, DayCouponRules, Rules
from models import database as db
from models.ids import new_id
from services import checkin, points
from services import rules as rule_versions
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

DAY = timedelta(days=1)
CALENDAR = """
{ me { checkIn { checkedInToday streak nextReward { day points } makeUpDates makeUpsLeft } } }
"""
DAYS = "query ($m: String!) { me { checkIn { days(month: $m) { date points madeUp } } } }"
CHECK_IN = """
mutation { checkIn { day { date points madeUp } streak coupon { id }
  member { points { balance } checkIn { checkedInToday streak } }
  userErrors { code message path } } }
"""
MAKE_UP = """
mutation ($i: MakeUpCheckInInput!) { makeUpCheckIn(input: $i) {
  day { date points madeUp } streak member { points { balance } checkIn { makeUpsLeft } }
  userErrors { code message path } } }
"""


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    """Somebody who joined a month ago."""
    found = await signed_in_member(settings)
    await db.execute(
        "UPDATE member SET joined_at = joined_at - interval '30 days' WHERE id = $1", found.id
    )
    return found


async def ask(client: GraphQLClient, member: SignedInMember, document: str, **values: Any) -> Any:
    answer = await client.gql(document, values, token=member.token)
    assert answer.errors == [], answer.errors
    return answer.data


async def give(member_id: UUID, amount: int) -> None:
    now = datetime.now(UTC)
    await points.grant(
        member_id,
        amount,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=now,
        expires_at=now + 30 * DAY,
    )


async def test_the_first_tap_checks_in_and_the_second_says_so(
    client: GraphQLClient, member: SignedInMember
) -> None:
    today = business_day(datetime.now(UTC)).isoformat()
    first = (await ask(client, member, CHECK_IN))["checkIn"]
    day = {"date": today, "points": 5, "madeUp": False}
    assert first == {
        "day": day,
        "streak": 1,
        "coupon": None,
        "member": {"points": {"balance": 5}, "checkIn": {"checkedInToday": True, "streak": 1}},
        "userErrors": [],
    }
    again = (await ask(client, member, CHECK_IN))["checkIn"]
    assert again == first | {
        "userErrors": [
            {"code": "ALREADY_CHECKED_IN", "message": "今天已经签到过了。", "path": None}
        ]
    }


async def test_the_calendar_shows_what_can_be_made_up_for(
    client: GraphQLClient, member: SignedInMember
) -> None:
    now = datetime.now(UTC)
    today = business_day(now)
    for ago in (5, 4, 1):
        await checkin.check_in(member.id, now=now - ago * DAY)
    calendar = (await ask(client, member, CALENDAR))["me"]["checkIn"]
    assert calendar == {
        "checkedInToday": False,
        "streak": 1,
        "nextReward": {"day": 2, "points": 5},
        "makeUpDates": [(today - ago * DAY).isoformat() for ago in (7, 6, 3, 2)],
        "makeUpsLeft": 3,
    }


async def test_making_up_is_told_with_the_streak_and_the_balance(
    client: GraphQLClient, member: SignedInMember
) -> None:
    now = datetime.now(UTC)
    today = business_day(now)
    await give(member.id, 30)
    await checkin.check_in(member.id, now=now - 2 * DAY)
    await checkin.check_in(member.id, now=now)
    missed = (today - DAY).isoformat()
    answer = await ask(client, member, MAKE_UP, i={"date": missed, "idempotencyKey": "k"})
    assert answer["makeUpCheckIn"] == {
        "day": {"date": missed, "points": 0, "madeUp": True},
        "streak": 3,
        "member": {"points": {"balance": 20}, "checkIn": {"makeUpsLeft": 2}},
        "userErrors": [],
    }
    refused = await ask(client, member, MAKE_UP, i={"date": missed, "idempotencyKey": "other"})
    assert refused["makeUpCheckIn"] == {
        "day": None,
        "streak": None,
        "member": None,
        "userErrors": [
            {"code": "MAKE_UP_NOT_ALLOWED", "message": "这一天无法补签。", "path": ["date"]}
        ],
    }


async def test_a_month_shows_its_days_alone(client: GraphQLClient, member: SignedInMember) -> None:
    last = datetime(2028, 2, 29, 15, 59, 59, 999_000, tzinfo=UTC)
    for now in (last, last + timedelta(milliseconds=1)):
        await checkin.check_in(member.id, now=now)
    february = await ask(client, member, DAYS, m="2028-02")
    march = await ask(client, member, DAYS, m="2028-03")
    assert february["me"]["checkIn"]["days"] == [
        {"date": "2028-02-29", "points": 5, "madeUp": False}
    ]
    assert march["me"]["checkIn"]["days"] == [{"date": "2028-03-01", "points": 5, "madeUp": False}]


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-13", "2026-00", "0000-01", "2026-1", "2026-W1", "２０２６-01"]
)
async def test_a_month_that_is_none_is_a_bad_request(
    client: GraphQLClient, member: SignedInMember, month: str
) -> None:
    answer = await client.gql(DAYS, {"m": month}, token=member.token)
    assert [error["extensions"] for error in answer.errors] == [
        {"code": "BAD_REQUEST", "argument": "month"}
    ]


async def test_visitors_see_an_empty_calendar(client: GraphQLClient, settings: Settings) -> None:
    visitor = await signed_in_member(settings, joined=False)
    calendar = (await ask(client, visitor, CALENDAR))["me"]["checkIn"]
    assert calendar == {
        "checkedInToday": False,
        "streak": 0,
        "nextReward": {"day": 1, "points": 5},
        "makeUpDates": [],
        "makeUpsLeft": 3,
    }


async def test_the_rules_are_told_to_everybody(client: GraphQLClient) -> None:
    answer = await client.gql(
        "{ shop { checkInRules { cycleDays dayRewards { day points }"
        " makeUpCostPoints makeUpDays makeUpsPerMonth } } }"
    )
    assert answer.data["shop"]["checkInRules"] == {
        "cycleDays": 7,
        "dayRewards": [
            {"day": day, "points": given}
            for day, given in enumerate((5, 5, 10, 10, 15, 15, 30), start=1)
        ],
        "makeUpCostPoints": 20,
        "makeUpDays": 7,
        "makeUpsPerMonth": 3,
    }


@pytest.mark.parametrize("count", [1, 20])
async def test_coupons_of_days_cost_one_statement_more(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, count: int
) -> None:
    offer = CouponOffer("满30减3", "¥3 off ¥30", amount_off_fen=300, min_spend_fen=3_000)
    rules = Rules(check_in=CheckInRules(day_points=(5,), coupons=(DayCouponRules(1, offer),)))
    now = datetime.now(UTC)
    await rule_versions.publish(rules, effective_at=now - DAY, now=now)
    for n in range(count):
        await checkin.check_in(member.id, now=datetime(2027, 1, 1 + n, 4, tzinfo=UTC))
    document = (
        '{ me { checkIn { days(month: "2027-01") { coupon { terms { name } } }'
        " nextReward { coupon { name validityText } } } } }"
    )
    await ask(client, member, document)
    async with statements.record() as heard:
        answer = await ask(client, member, document)
    assert answer["me"]["checkIn"] == {
        "days": [{"coupon": {"terms": {"name": "满30减3"}}}] * count,
        "nextReward": {"coupon": {"name": "满30减3", "validityText": "自领取当天起 30 天内有效"}},
    }
    assert len(heard) == 3


async def test_streak_and_today_come_with_the_member_s_own_statement(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog
) -> None:
    document = "{ me { nickname points { balance } checkIn { checkedInToday streak } } }"
    for ago in (2, 1, 0):
        await checkin.check_in(member.id, now=datetime.now(UTC) - ago * DAY)
    await ask(client, member, document)
    async with statements.record() as heard:
        await ask(client, member, document)
    assert len(heard) == 1


@pytest.mark.parametrize("count", [1, 20])
async def test_a_month_and_its_gaps_cost_three_statements(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog, count: int
) -> None:
    for n in range(count):
        await checkin.check_in(member.id, now=datetime(2027, 1, 1 + n, 4, tzinfo=UTC))
    document = (
        "{ me { checkIn { streak makeUpDates makeUpsLeft"
        ' days(month: "2027-01") { date points madeUp } } } }'
    )
    await ask(client, member, document)
    async with statements.record() as heard:
        answer = await ask(client, member, document)
    assert len(answer["me"]["checkIn"]["days"]) == count
    assert len(heard) == 3


async def test_nobody_checks_in_without_a_token(client: GraphQLClient) -> None:
    answer = await client.gql(CHECK_IN)
    assert [error["extensions"]["code"] for error in answer.errors] == ["UNAUTHENTICATED"]
    assert await db.fetch_value("SELECT count(*) FROM check_in") == 0
