"""Claiming coupons: who may, how many, once, for points, with a code; and the same answer again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.campaigns import CampaignEnded, CampaignNotStarted, TierTooLow
from domain.coupon_claims import (
    CouponCodeInvalid,
    CouponLimitReached,
    CouponNotClaimable,
    CouponSoldOut,
)
from domain.coupons import Audience, CampaignKind, CouponOrigin, Validity, valid_days_end
from domain.errors import (
    ConsentRequired,
    DomainError,
    IdempotencyKeyReused,
    InsufficientPoints,
    InvalidInput,
    NotFound,
    RateLimited,
)
from domain.orders import OrderStatus
from models import database as db
from models.ids import new_id
from models.orders import Order
from services import campaign_admin, coupon_claims, coupon_codes, coupons, points, rules
from services.coupon_claims import ClaimCode, ClaimCoupon
from tests.factories.coupons import (
    FREE_SHIPPING,
    a_campaign,
    a_coupon,
    a_joined_member,
    an_order,
)
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

END = NOW + timedelta(days=1)
"""When the window of `a_campaign` closes."""


class Doors:
    """Counts knocks, and turns everybody away once told to."""

    def __init__(self, *, closed: bool = False) -> None:
        self.knocks: list[tuple[str, str]] = []
        self.closed = closed

    async def knock(self, door: str, address: str) -> int | None:
        self.knocks.append((door, address))
        return 60 if self.closed else None


async def claim(member_id: UUID, campaign_id: UUID, key: str = "k", *, now: datetime = NOW) -> UUID:
    return await coupon_claims.claim(ClaimCoupon(member_id, campaign_id, key), now=now)


async def exchange(
    member_id: UUID, code: str, key: str = "k", *, doors: Doors | None = None
) -> UUID:
    command = ClaimCode(member_id, code, key)
    return await coupon_claims.claim_code(command, doors or Doors(), now=NOW)


async def codes_of(campaign_id: UUID, count: int = 1) -> list[str]:
    return [code async for codes in coupon_codes.make(campaign_id, count) for code in codes]


async def claimed_of(campaign_id: UUID) -> tuple[int, int]:
    """Return how many the campaign says were claimed, and how many coupons there are."""
    row = await db.fetch_one(
        "SELECT claimed, (SELECT count(*) FROM coupon WHERE campaign_id = campaign.id) AS coupons"
        " FROM coupon_campaign AS campaign WHERE id = $1",
        campaign_id,
    )
    assert row is not None
    return tuple(row)


async def test_a_claim_gives_a_coupon_of_the_template() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(FREE_SHIPPING, validity=Validity(days=2), quantity=5)
    coupon_id = await claim(member_id, campaign_id)
    row = await db.fetch_one("SELECT * FROM coupon WHERE id = $1", coupon_id)
    assert row is not None
    assert (row["member_id"], row["campaign_id"], row["seat"]) == (member_id, campaign_id, 1)
    assert (row["status"], row["origin"], row["is_for_shipping"]) == ("USABLE", "CLAIM", True)
    assert (row["points_paid"], row["merged"], row["origin_id"]) == (0, False, None)
    assert row["valid_from"] == NOW
    # Noon of the 22nd in Shanghai, for two days: until the 23rd has ended.
    assert row["valid_until"] == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert await claimed_of(campaign_id) == (1, 1)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 22, 15, 59, 59, 999_999, UTC),
        datetime(2026, 11, 22, 16, tzinfo=UTC),
        datetime(2028, 2, 28, 16, tzinfo=UTC),
        datetime(2026, 12, 31, 15, 59, tzinfo=UTC),
    ],
)
async def test_the_statement_and_the_rule_agree_when_a_coupon_ends(now: datetime) -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(
        claim_from=now, claim_until=now + timedelta(days=1), validity=Validity(days=14)
    )
    coupon_id = await claim(member_id, campaign_id, now=now)
    until = await db.fetch_value("SELECT valid_until FROM coupon WHERE id = $1", coupon_id)
    assert until == valid_days_end(now, 14)


async def test_the_window_of_use_lies_apart_from_that_of_claims() -> None:
    member_id = await a_joined_member()
    use = Validity(valid_from=END, valid_until=END + timedelta(days=1))
    coupon_id = await claim(member_id, await a_campaign(validity=use))
    row = await db.fetch_one("SELECT valid_from, valid_until FROM coupon WHERE id = $1", coupon_id)
    assert row is not None
    assert tuple(row) == (use.valid_from, use.valid_until)


async def test_the_same_key_gives_the_same_coupon() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(quantity=1)
    coupon_id = await claim(member_id, campaign_id)
    assert await claim(member_id, campaign_id) == coupon_id
    other = await a_campaign()
    with pytest.raises(IdempotencyKeyReused):
        await claim(member_id, other)
    assert await claimed_of(campaign_id) == (1, 1)


async def test_a_refusal_is_not_remembered() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign(quantity=0)
    with pytest.raises(CouponSoldOut):
        await claim(member_id, campaign_id)
    await db.execute("UPDATE coupon_campaign SET quantity = 1")
    assert await claim(member_id, campaign_id)


async def test_each_has_as_many_as_the_limit_says() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(per_member_limit=2)
    await claim(member_id, campaign_id, "1")
    await claim(member_id, campaign_id, "2")
    with pytest.raises(CouponLimitReached) as refused:
        await claim(member_id, campaign_id, "3")
    assert refused.value.facts == {"limit": 2}
    assert await claimed_of(campaign_id) == (0, 2)  # Without a quantity nothing is counted.


@pytest.mark.parametrize(
    ("facts", "now", "refusal"),
    [
        ({}, NOW - timedelta(microseconds=1), CampaignNotStarted),
        ({}, END, CampaignEnded),
        ({"quantity": 0}, NOW, CouponSoldOut),
        ({"min_tier_code": "SILVER"}, NOW, TierTooLow),
        ({"audience": Audience.LISTED}, NOW, CouponNotClaimable),
        ({"points_price": 1}, NOW, InsufficientPoints),
        ({"kind": CampaignKind.CODE}, NOW, NotFound),
        ({"kind": CampaignKind.GRANT}, NOW, NotFound),
    ],
)
async def test_what_is_refused_and_why(
    facts: dict[str, Any], now: datetime, refusal: type[DomainError]
) -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign(**facts)
    with pytest.raises(refusal) as refused:
        await claim(member_id, campaign_id, now=now)
    assert refused.value.path == ("campaignId",)
    assert await claimed_of(campaign_id) == (0, 0)


async def test_a_visitor_cannot_claim() -> None:
    campaign_id = await a_campaign()
    await a_joined_member()  # And with that the agreements are published.
    with pytest.raises(ConsentRequired):
        await claim(await a_member(joined=False), campaign_id)
    with pytest.raises(ConsentRequired):  # Who joined under agreements that have since changed.
        await claim(await a_member(), campaign_id)


async def test_an_empty_key_and_an_unknown_campaign_are_refused() -> None:
    member_id = await a_joined_member()
    with pytest.raises(NotFound):
        await claim(member_id, new_id())
    with pytest.raises(InvalidInput):
        await claim(member_id, await a_campaign(), "")


async def test_a_withdrawn_campaign_gives_no_more() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign()
    assert await campaign_admin.withdraw(campaign_id)
    assert not await campaign_admin.withdraw(campaign_id)
    with pytest.raises(CouponNotClaimable):
        await claim(member_id, campaign_id)


async def test_a_higher_tier_may_what_a_lower_may() -> None:
    campaign_id = await a_campaign(min_tier_code="SILVER")
    assert await claim(await a_joined_member(tier="SILVER"), campaign_id)
    assert await claim(await a_joined_member(tier="GOLD"), campaign_id)
    with pytest.raises(TierTooLow) as refused:
        await claim(await a_joined_member(), campaign_id)
    assert refused.value.facts == {"tier": "银卡", "tier_en": "Silver"}


async def test_who_is_listed_may_claim() -> None:
    listed, other = await a_joined_member(), await a_joined_member()
    campaign_id = await a_campaign(audience=Audience.LISTED)
    assert await campaign_admin.list_members(campaign_id, [listed, listed]) == 1
    assert await claim(listed, campaign_id)
    with pytest.raises(CouponNotClaimable):
        await claim(other, campaign_id)


async def test_a_newcomer_has_paid_for_nothing_yet() -> None:
    campaign_id = await a_campaign(audience=Audience.NEWCOMERS)
    newcomer, customer, returned = [await a_joined_member() for _ in range(3)]
    await an_order(newcomer)
    order_id = await an_order(customer)
    await Order.filter(id=order_id).update(
        status=OrderStatus.COMPLETED, paid_at=NOW, timeout_due_at=None
    )
    await db.execute(
        "UPDATE member SET newcomer_gifts_from = $2 WHERE id = $1", returned, NOW + timedelta(1)
    )
    assert await claim(newcomer, campaign_id)
    for member_id in (customer, returned):
        with pytest.raises(CouponNotClaimable):
            await claim(member_id, campaign_id)


async def test_points_buy_a_coupon() -> None:
    member_id = await a_joined_member(points=100)
    campaign_id = await a_campaign(points_price=60, per_member_limit=2, quantity=5)
    coupon_id = await claim(member_id, campaign_id)
    assert await claim(member_id, campaign_id) == coupon_id
    assert await points.spendable(member_id, now=NOW) == 40
    with pytest.raises(InsufficientPoints):
        await claim(member_id, campaign_id, "second")
    paid = await db.fetch_value("SELECT points_paid FROM coupon WHERE id = $1", coupon_id)
    assert paid == 60
    assert await claimed_of(campaign_id) == (1, 1)
    await assert_books_agree()


@pytest.mark.parametrize("price", [0, 20, 80])
async def test_a_claim_takes_the_price_of_now(price: int) -> None:
    campaign_id = await a_campaign(points_price=60, quantity=3)
    await claim(await a_joined_member(points=60), campaign_id)
    await db.execute(
        "UPDATE coupon_campaign SET points_price = $2 WHERE id = $1", campaign_id, price
    )
    rich, poor = await a_joined_member(points=80), await a_joined_member(points=10)
    coupon_id = await claim(rich, campaign_id)
    assert await claim(rich, campaign_id) == coupon_id
    assert await points.spendable(rich, now=NOW) == 80 - price
    if price:
        with pytest.raises(InsufficientPoints):
            await claim(poor, campaign_id)
    else:
        await claim(poor, campaign_id)
    assert await points.spendable(poor, now=NOW) == 10
    await assert_books_agree()


async def test_a_lower_price_is_found_by_who_had_too_little() -> None:
    campaign_id = await a_campaign(points_price=60)
    await claim(await a_joined_member(points=60), campaign_id)
    await db.execute("UPDATE coupon_campaign SET points_price = 10 WHERE id = $1", campaign_id)
    member_id = await a_joined_member(points=10)
    await claim(member_id, campaign_id)
    assert await points.spendable(member_id, now=NOW) == 0


async def test_a_new_rule_version_moves_the_bar_of_tiers() -> None:
    campaign_id = await a_campaign(min_tier_code="GOLD")
    member_id = await a_joined_member(tier="SILVER")
    shipped = (await rules.in_force(now=NOW)).rules
    # A version that dropped the tier: it stands for the lowest.
    without_gold = replace(shipped, tiers=shipped.tiers[:2])
    await rules.publish(without_gold, effective_at=NOW, now=NOW)
    assert await claim(member_id, campaign_id)


async def test_a_code_is_exchanged_however_it_is_typed() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(kind=CampaignKind.CODE, quantity=2)
    [code] = await codes_of(campaign_id)
    typed = f" {coupon_codes.shown(code).lower()}\u2014\u3000\uff0d"
    coupon_id = await exchange(member_id, typed)
    assert await exchange(member_id, code) == coupon_id  # The same key, typed another way.
    row = await db.fetch_one("SELECT origin, member_id FROM coupon WHERE id = $1", coupon_id)
    assert row is not None
    assert tuple(row) == (CouponOrigin.CODE, member_id)
    for other_id, key in ((member_id, "other"), (await a_joined_member(), "k")):
        with pytest.raises(CouponCodeInvalid):
            await exchange(other_id, code, key)
    assert await claimed_of(campaign_id) == (1, 1)


async def test_a_refused_code_is_not_used_up() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(kind=CampaignKind.CODE)
    first, second = await codes_of(campaign_id, 2)
    await exchange(member_id, first, "1")
    with pytest.raises(CouponLimitReached) as refused:
        await exchange(member_id, second, "2")
    assert refused.value.path == ("code",)
    assert await exchange(await a_joined_member(), second)


async def test_tries_of_codes_are_counted_by_member() -> None:
    member_id, doors = await a_joined_member(), Doors()
    [code] = await codes_of(await a_campaign(kind=CampaignKind.CODE))
    for guess in ("", "AAAA-AAAA-AAAA-AAAA", "'; DROP TABLE coupon; --", "\x00", "码" * 200):
        with pytest.raises(CouponCodeInvalid):
            await exchange(member_id, guess, doors=doors)
    assert doors.knocks == [("coupon_code", str(member_id))] * 5
    doors.closed = True
    with pytest.raises(RateLimited):
        await exchange(member_id, code, doors=doors)
    doors.closed = False
    coupon_id = await exchange(member_id, code, doors=doors)
    doors.closed = True
    assert await exchange(member_id, code, doors=doors) == coupon_id


async def test_codes_are_kept_as_digests() -> None:
    campaign_id = await a_campaign(kind=CampaignKind.CODE)
    batches = [batch async for batch in coupon_codes.make(campaign_id, 25, batch=10)]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert len({code for batch in batches for code in batch}) == 25
    stored = {row["digest"] for row in await db.fetch("SELECT digest FROM exchange_code")}
    assert stored == {coupon_codes.digest_of(code) for batch in batches for code in batch}
    with pytest.raises(NotFound):
        await codes_of(await a_campaign())


async def test_a_changed_template_leaves_coupons_as_they_were() -> None:
    member_id = await a_joined_member()
    campaign_id = await a_campaign(per_member_limit=2)
    first = await claim(member_id, campaign_id, "1")
    code = await db.fetch_value("SELECT code FROM coupon_template")
    await campaign_admin.put_template(code, FREE_SHIPPING, Validity(days=1), now=NOW)
    second = await claim(member_id, campaign_id, "2")
    named = {coupon.id: coupon.title for coupon in await coupons.live(member_id, now=NOW)}
    assert named == {first: "满60减5", second: "免邮券"}


async def test_a_coupon_of_no_campaign_takes_no_seat() -> None:
    member_id, campaign_id = await a_joined_member(), await a_campaign()
    await a_coupon(member_id)
    assert await claim(member_id, campaign_id)
