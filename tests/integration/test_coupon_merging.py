"""What a merge makes of coupons: those that an order holds stay held, and limits are not opened."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.coupon_claims import CouponLimitReached
from domain.coupons import Audience
from models import database as db
from services import campaign_admin, coupon_claims, coupons, merging
from services.coupon_claims import ClaimCoupon
from tests.factories.coupons import a_campaign, a_coupon, a_joined_member, an_order
from tests.factories.shop import NOW
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def merge(first: UUID, second: UUID) -> UUID:
    async with db.in_transaction():
        survivor_id = await merging.merge(first, second, now=NOW)
    assert survivor_id is not None
    return survivor_id


async def claim(member_id: UUID, campaign_id: UUID, key: str) -> UUID:
    return await coupon_claims.claim(ClaimCoupon(member_id, campaign_id, key), now=NOW)


async def two_members() -> tuple[UUID, UUID]:
    """Make a survivor and a loser: of the same age, the lower id is the older one."""
    first, second = await a_joined_member(), await a_joined_member()
    return min(first, second), max(first, second)


@pytest.mark.parametrize("is_paid", [True, False])
async def test_a_coupon_that_an_order_holds_follows_its_order(is_paid: bool) -> None:
    survivor, loser = await two_members()
    coupon_id, order_id = await a_coupon(loser), await an_order(loser)
    await coupons.reserve([coupon_id], member_id=loser, order_id=order_id, now=NOW)
    assert await merge(survivor, loser) == survivor
    if is_paid:
        await coupons.use(order_id, now=NOW)
    else:
        assert await coupons.release(order_id, now=NOW) == 1
    row = await db.fetch_one("SELECT member_id, status, order_id FROM coupon")
    assert row is not None
    assert tuple(row) == ((survivor, "USED", order_id) if is_paid else (survivor, "USABLE", None))


async def test_a_merge_opens_no_second_claim() -> None:
    survivor, loser = await two_members()
    campaign_id = await a_campaign(per_member_limit=3, quantity=10)
    await claim(survivor, campaign_id, "1")
    for key in ("2", "3", "4"):
        await claim(loser, campaign_id, key)
    await merge(survivor, loser)
    rows = await db.fetch("SELECT seat, merged FROM coupon WHERE member_id = $1", survivor)
    assert sorted(map(tuple, rows)) == [(1, False), (2, True), (3, True), (4, True)]
    with pytest.raises(CouponLimitReached):
        await claim(survivor, campaign_id, "5")
    await db.execute("UPDATE coupon_campaign SET per_member_limit = 5")
    await claim(survivor, campaign_id, "5")
    assert await db.fetch_value("SELECT max(seat) FROM coupon") == 5
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 5
    await assert_books_agree()


async def test_seats_of_who_had_none_stay_as_they_are() -> None:
    survivor, loser = await two_members()
    campaign_id = await a_campaign()
    coupon_id = await claim(loser, campaign_id, "key")
    await merge(survivor, loser)
    row = await db.fetch_one("SELECT member_id, seat, merged FROM coupon")
    assert row is not None
    assert tuple(row) == (survivor, 1, False)
    # And the request that was sent again finds what it once did.
    assert await claim(survivor, campaign_id, "key") == coupon_id


async def test_who_was_listed_is_listed_once() -> None:
    survivor, loser = await two_members()
    both, one = [await a_campaign(audience=Audience.LISTED) for _ in range(2)]
    await campaign_admin.list_members(both, [survivor, loser])
    await campaign_admin.list_members(one, [loser])
    await merge(survivor, loser)
    rows = await db.fetch("SELECT campaign_id, member_id FROM campaign_member")
    assert {tuple(row) for row in rows} == {(both, survivor), (one, survivor)}


async def test_a_claim_that_came_during_the_merge_is_gathered() -> None:
    survivor, loser = await two_members()
    await merge(survivor, loser)
    await a_coupon(loser)  # As a transaction that had begun before would leave it.
    assert await merging.gather_stragglers(now=NOW) == 1
    assert await db.fetch_value("SELECT member_id FROM coupon") == survivor
