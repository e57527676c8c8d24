"""What a member reads of their tier, and anybody of all tiers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.clock import months_expiry
from domain.ledger import EntryReason, SourceKind
from models.ids import new_id
from services import growth
from services import rules as rule_versions
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

STANDING = """{ me { membership { tier { code } growth nextTier { code } growthToNextTier progress
  tierSince reviewAt growthToKeep lifetimeGrowth benefits { code title } } } }"""
TIERS = "{ tiers { code level growthThreshold benefits { code title description iconUrl } } }"


@pytest.fixture
async def member(database: str, settings: Settings) -> SignedInMember:
    del database
    return await signed_in_member(settings)


async def _credit(member: SignedInMember, amount: int, at: datetime) -> None:
    source = (SourceKind.ORDER_FINALITY, new_id())
    await growth.credit(member.id, amount, reason=EntryReason.ORDER, source=source, at=at)


async def _standing(client: GraphQLClient, member: SignedInMember) -> Any:
    answer = await client.gql(STANDING, token=member.token)
    return answer.data["me"]["membership"]


async def test_a_member_sees_where_they_stand_and_what_comes_next(
    client: GraphQLClient, member: SignedInMember
) -> None:
    at = datetime.now(UTC) - timedelta(days=2)
    await _credit(member, 3_500, at)
    await _credit(member, 1_000, at + timedelta(days=1))
    shown = await _standing(client, member)
    benefits = {benefit["code"]: benefit["title"] for benefit in shown.pop("benefits")}
    assert benefits == {
        "MEMBER_PRICE": "会员价 98%",
        "POINTS_MULTIPLIER": "1.2 倍积分",
        "BIRTHDAY_POINTS_MULTIPLIER": "生日 2 倍积分",
        "BIRTHDAY_COUPON": "生日券",
        "MEMBER_DAY_COUPON": "会员日券",
        "UPGRADE_GIFT": "升级礼 100 积分",
    }
    since, review_at = shown.pop("tierSince"), shown.pop("reviewAt")
    assert abs(datetime.fromisoformat(since) - at) < timedelta(milliseconds=1)
    assert datetime.fromisoformat(review_at) == months_expiry(at, 12)
    assert shown == {
        "tier": {"code": "SILVER"},
        "growth": 4_500,
        "nextTier": {"code": "GOLD"},
        "growthToNextTier": 1_500,
        "progress": 0.5,
        "growthToKeep": 2_000,  # What reached the tier belongs to the term before.
        "lifetimeGrowth": 4_500,
    }


async def test_the_whole_standing_is_one_statement(
    client: GraphQLClient, member: SignedInMember, statements: StatementLog
) -> None:
    now = datetime.now(UTC)
    for number in range(20):
        await _credit(member, 400, now - timedelta(hours=20 - number))
    await _standing(client, member)
    async with statements.record() as heard:
        shown = await _standing(client, member)
    assert (shown["growth"], shown["growthToKeep"], len(heard)) == (8_000, 4_000, 1)


async def test_everybody_sees_what_every_tier_gives(client: GraphQLClient, database: str) -> None:
    del database
    await rule_versions.in_force(now=datetime.now(UTC))
    tiers = {tier["code"]: tier for tier in (await client.gql(TIERS)).data["tiers"]}
    assert list(tiers) == ["REGULAR", "SILVER", "GOLD"]
    codes = {
        code: [benefit["code"] for benefit in tier["benefits"]] for code, tier in tiers.items()
    }
    of_all = ["BIRTHDAY_POINTS_MULTIPLIER", "BIRTHDAY_COUPON", "MEMBER_DAY_COUPON"]
    of_silver = ["MEMBER_PRICE", "POINTS_MULTIPLIER", *of_all, "UPGRADE_GIFT"]
    of_gold = [*of_silver[:2], "FREE_SHIPPING", *of_silver[2:], "PRIORITY_ACCESS"]
    assert codes == {"REGULAR": of_all, "SILVER": of_silver, "GOLD": of_gold}
    said = {benefit["code"]: benefit["description"] for benefit in tiers["GOLD"]["benefits"]}
    assert said["MEMBER_DAY_COUPON"] == "每周会员日来访即得：会员日满68减10，当天有效。"
    assert said["BIRTHDAY_COUPON"] == "生日起 30 天内来访即得：生日券。"
    assert said["UPGRADE_GIFT"] == "升至该等级即得 300 积分。"
    assert said["PRIORITY_ACCESS"] == "秒杀可提前 5 分钟开抢。"


async def test_in_english_benefits_name_their_coupons_in_english(
    client: GraphQLClient, database: str
) -> None:
    del database
    answer = await client.gql(TIERS, headers={"Accept-Language": "en"})
    said = {
        benefit["code"]: benefit["description"] for benefit in answer.data["tiers"][0]["benefits"]
    }
    assert said["MEMBER_DAY_COUPON"] == (
        "On the weekly member day, when you come by: Member day: ¥6 off ¥68, valid that day."
    )
