"""Coupons that many reach for at once: never one too many, and as many as there are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from uuid import UUID

import pytest

from domain.coupons import CampaignKind
from domain.errors import DomainError, ErrorCode
from gateways.redis.connection import RedisClient
from gateways.redis.limits import LimitsConfig, RateLimits
from models import database as db
from services import coupon_claims, coupon_codes, points
from services.coupon_claims import ClaimCode, ClaimCoupon
from tests.factories.coupons import a_campaign, a_joined_member
from tests.factories.shop import NOW
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

MANY, COUPONS = 500, 100


class OpenDoors:
    """Lets everybody in."""

    async def knock(self, _door: str, _address: str) -> int | None:
        return None


def claim(member_id: UUID, campaign_id: UUID, key: str = "k") -> Awaitable[UUID]:
    return coupon_claims.claim(ClaimCoupon(member_id, campaign_id, key), now=NOW)


async def outcomes(work: Sequence[Awaitable[UUID]]) -> tuple[list[UUID], Counter[ErrorCode]]:
    """Run all at once; return what was given, and how often each refusal came."""
    told = await asyncio.gather(*work, return_exceptions=True)
    given = [each for each in told if isinstance(each, UUID)]
    refused = Counter(each.code for each in told if isinstance(each, DomainError))
    assert len(given) + refused.total() == len(work)
    return given, refused


async def test_500_claim_the_last_100() -> None:
    campaign_id = await a_campaign(quantity=COUPONS)
    members = [await a_joined_member() for _ in range(MANY)]
    given, refused = await outcomes([claim(member_id, campaign_id) for member_id in members])
    assert refused == {"COUPON_SOLD_OUT": MANY - COUPONS}
    assert len(set(given)) == COUPONS
    row = await db.fetch_one(
        """
        SELECT (SELECT claimed FROM coupon_campaign) AS claimed, count(*) AS coupons,
               count(DISTINCT member_id) AS members, count(DISTINCT code) AS codes,
               (SELECT count(*) FROM idempotency_key) AS keys
        FROM coupon
        """
    )
    assert row is not None
    assert tuple(row) == (COUPONS,) * 5
    await assert_books_agree()


async def test_one_member_claims_twenty_times_at_once() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign(quantity=100)
    given, refused = await outcomes(
        [claim(member_id, campaign_id, f"k{number}") for number in range(20)]
    )
    assert (len(given), refused) == (1, {"COUPON_LIMIT_REACHED": 19})
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 1


async def test_one_member_claims_up_to_their_limit_at_once() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign(per_member_limit=5)
    given, refused = await outcomes(
        [claim(member_id, campaign_id, f"k{number}") for number in range(12)]
    )
    assert (len(given), refused) == (5, {"COUPON_LIMIT_REACHED": 7})
    seats = await db.fetch("SELECT seat FROM coupon ORDER BY seat")
    assert [row["seat"] for row in seats] == [1, 2, 3, 4, 5]


async def test_one_key_twenty_times_is_one_coupon() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign(quantity=100)
    given, refused = await outcomes([claim(member_id, campaign_id) for _ in range(20)])
    assert refused == {}
    assert (len(given), len(set(given))) == (20, 1)
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 1


async def test_a_code_is_exchanged_by_one_of_twenty() -> None:
    campaign_id = await a_campaign(kind=CampaignKind.CODE)
    [[code]] = [codes async for codes in coupon_codes.make(campaign_id, 1)]
    members = [await a_joined_member() for _ in range(20)]
    given, refused = await outcomes(
        [
            coupon_claims.claim_code(ClaimCode(member_id, code, "k"), OpenDoors(), now=NOW)
            for member_id in members
        ]
    )
    assert (len(given), refused) == (1, {"COUPON_CODE_INVALID": 19})
    assert await db.fetch_value("SELECT count(*) FROM coupon") == 1


async def test_who_guesses_codes_all_at_once_gets_no_more_guesses(redis: RedisClient) -> None:
    doors = RateLimits(redis, LimitsConfig(hash_key="test", timeout_seconds=5))
    guesser, other = await a_joined_member(), await a_joined_member()
    campaign_id = await a_campaign(kind=CampaignKind.CODE)
    [[code]] = [codes async for codes in coupon_codes.make(campaign_id, 1)]

    def exchange(member_id: UUID, text: str) -> Awaitable[UUID]:
        return coupon_claims.claim_code(ClaimCode(member_id, text, text), doors, now=NOW)

    guesses = [f"{code[:-2]}{number:02}" for number in range(100)]
    wrong = [guess for guess in guesses if guess != code][:60]
    given, refused = await outcomes([exchange(guesser, guess) for guess in wrong])
    assert (given, refused) == ([], {"COUPON_CODE_INVALID": 20, "RATE_LIMITED": 40})
    given, refused = await outcomes([exchange(guesser, code), exchange(other, code)])
    assert (len(given), refused) == (1, {"RATE_LIMITED": 1})
    assert await db.fetch_value("SELECT member_id FROM coupon") == other


async def test_points_for_three_buy_three() -> None:
    member_id = await a_joined_member(points=35)
    campaign_id = await a_campaign(points_price=10, per_member_limit=50, quantity=50)
    given, refused = await outcomes(
        [claim(member_id, campaign_id, f"k{number}") for number in range(12)]
    )
    assert (len(given), refused) == (3, {"INSUFFICIENT_POINTS": 9})
    assert await points.spendable(member_id, now=NOW) == 5
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 3
    await assert_books_agree()


async def test_a_sold_out_campaign_keeps_the_points() -> None:
    campaign_id = await a_campaign(points_price=10, quantity=5)
    members = [await a_joined_member(points=10) for _ in range(20)]
    given, refused = await outcomes([claim(member_id, campaign_id) for member_id in members])
    assert (len(given), refused) == (5, {"COUPON_SOLD_OUT": 15})
    left = [await points.spendable(member_id, now=NOW) for member_id in members]
    assert Counter(left) == {0: 5, 10: 15}
    await assert_books_agree()
