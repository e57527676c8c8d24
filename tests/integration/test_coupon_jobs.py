"""Coupons that jobs give, mark and tell of: to a list, for a paid order, when they end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.clock import start_of_business_day
from domain.coupons import CampaignKind, Terms, Validity
from domain.errors import NotFound
from domain.pricing import CouponKind
from models import database as db
from models.ids import new_id
from services import (
    campaign_admin,
    coupon_events,
    coupon_expiry,
    coupon_grants,
    coupons,
    merging,
    reversal,
)
from services.campaign_admin import PaidEvent
from services.reversal import Reversal
from tests.factories.catalog import a_category
from tests.factories.coupons import FREE_SHIPPING, a_campaign, a_coupon, an_order
from tests.factories.orders import bought, lines_of
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_member, a_sku
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


EIGHTY_EIGHT = Terms(name="88折", name_en="12 % off", kind=CouponKind.PERCENT_OFF, pay_bps=8_800)


async def coupons_of(member_id: UUID) -> list[tuple[Any, ...]]:
    """Return the campaign, seat and status of each of a member's coupons, oldest first."""
    rows = await db.fetch(
        "SELECT campaign_id, seat, status FROM coupon WHERE member_id = $1 ORDER BY id", member_id
    )
    return [tuple(row) for row in rows]


async def run_grants(*, limit: int = 1_000, now: datetime = NOW) -> list[int]:
    """Run batches until none is left; returns the size of each."""
    batches = []
    while done := await coupon_grants.run_due(now=now, limit=limit):
        batches.append(done)
    return batches


async def test_a_grant_reaches_everybody_on_its_list_once() -> None:
    members = [await a_member() for _ in range(5)]
    campaign_id = await a_campaign(kind=CampaignKind.GRANT, quantity=10)
    wanted = [*members, members[0], new_id()]
    grant_id = await coupon_grants.start(campaign_id, wanted, name="双十一", now=NOW)
    assert await coupon_grants.progress(grant_id) == coupon_grants.Progress(5, 0, {})
    assert await run_grants(limit=2) == [2, 2, 1]
    assert await coupon_grants.progress(grant_id) == coupon_grants.Progress(5, 5, {})
    for member_id in members:
        assert await coupons_of(member_id) == [(campaign_id, 1, "USABLE")]
    assert await run_grants() == []
    assert await db.fetch_value("SELECT claimed FROM coupon_campaign") == 5
    await assert_books_agree()


async def test_a_grant_says_who_got_nothing_and_why() -> None:
    visitor, blocked, had, plain = (
        await a_member(joined=False),
        await a_member(),
        await a_member(),
        await a_member(),
    )
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", blocked)
    campaign_id = await a_campaign(kind=CampaignKind.GRANT, quantity=2)
    first = await coupon_grants.start(campaign_id, [had], name="first", now=NOW)
    await run_grants()
    grant_id = await coupon_grants.start(
        campaign_id, [visitor, blocked, had, plain, await a_member()], name="second", now=NOW
    )
    await run_grants()
    told = await coupon_grants.progress(grant_id)
    assert (told.total, told.done) == (5, 5)
    assert told.refused == {
        "CONSENT_REQUIRED": 1,
        "ACCOUNT_BLOCKED": 1,
        "COUPON_LIMIT_REACHED": 1,
        "COUPON_SOLD_OUT": 1,
    }
    assert (await coupon_grants.progress(first)).refused == {}
    await assert_books_agree()


async def test_a_grant_waits_for_its_campaign_and_ends_with_it() -> None:
    member_id = await a_member()
    later = NOW + timedelta(days=1)
    waiting = await a_campaign(
        kind=CampaignKind.GRANT, claim_from=later, claim_until=later + timedelta(days=1)
    )
    await coupon_grants.start(waiting, [member_id], name="waiting", now=NOW)
    assert await run_grants() == []
    over = await a_campaign(kind=CampaignKind.GRANT)
    late = await coupon_grants.start(over, [member_id], name="late", now=NOW)
    withdrawn = await a_campaign(kind=CampaignKind.GRANT)
    await campaign_admin.withdraw(withdrawn)
    stopped = await coupon_grants.start(withdrawn, [member_id], name="stopped", now=NOW)
    assert await run_grants(now=later) == [1, 1, 1]
    assert (await coupon_grants.progress(late)).refused == {"CAMPAIGN_ENDED": 1}
    assert (await coupon_grants.progress(stopped)).refused == {"COUPON_NOT_CLAIMABLE": 1}
    assert [campaign_id for campaign_id, _, _ in await coupons_of(member_id)] == [waiting]


async def test_who_was_merged_gets_it_as_the_member_they_are_now() -> None:
    members = sorted([await a_member() for _ in range(3)])
    campaign_id = await a_campaign(kind=CampaignKind.GRANT)
    grant_id = await coupon_grants.start(campaign_id, members, name="merged", now=NOW)
    for loser in members[:0:-1]:  # The last into the one before, that one into the first.
        async with db.in_transaction():
            await merging.merge(members[members.index(loser) - 1], loser, now=NOW)
    await run_grants()
    told = await coupon_grants.progress(grant_id)
    assert (told.done, told.refused) == (3, {"COUPON_LIMIT_REACHED": 2})
    assert await coupons_of(members[0]) == [(campaign_id, 1, "USABLE")]


async def test_an_empty_list_is_finished_and_a_wrong_campaign_refused() -> None:
    campaign_id = await a_campaign(kind=CampaignKind.GRANT)
    grant_id = await coupon_grants.start(campaign_id, [], name="nobody", now=NOW)
    assert await coupon_grants.progress(grant_id) == coupon_grants.Progress(0, 0, {})
    assert await run_grants() == []
    for wrong in (new_id(), await a_campaign()):
        with pytest.raises(NotFound):
            await coupon_grants.start(wrong, [], name="", now=NOW)
    with pytest.raises(NotFound):
        await coupon_grants.progress(new_id())
    await assert_books_agree()


@pytest.fixture
async def events(database: str) -> tuple[UUID, UUID, UUID]:
    """Make 88 折 for ¥35 paid, and 满100减15 for 5 pieces of a category; returns that, too."""
    drinks = await a_category("饮料")
    eighty_eight = await a_campaign(
        EIGHTY_EIGHT,
        kind=CampaignKind.EVENT,
        validity=Validity(days=14),
        event=PaidEvent(min_paid_fen=3_500),
        per_member_limit=100,
    )
    fifteen = await a_campaign(
        kind=CampaignKind.EVENT,
        event=PaidEvent(category_id=drinks, pieces=5),
        per_member_limit=100,
    )
    return eighty_eight, fifteen, drinks


async def of_category(sku: SkuFacts, category_id: UUID) -> SkuFacts:
    await db.execute(
        "INSERT INTO product_category (id, product_id, category_id, is_direct)"
        " VALUES ($1, $2, $3, true)",
        new_id(),
        sku.product_id,
        category_id,
    )
    return sku


async def run_events(now: datetime = NOW) -> int:
    return await coupon_events.grant_due(now=now)


async def test_a_paid_order_brings_what_it_reaches(events: tuple[UUID, UUID, UUID]) -> None:
    eighty_eight, fifteen, drinks = events
    cheap, dear = await a_sku(600), await a_sku(10_000)
    drink = await of_category(await a_sku(100), drinks)
    cases: list[tuple[list[tuple[SkuFacts, int]], list[UUID]]] = [
        ([(cheap, 1)], []),
        ([(dear, 1)], [eighty_eight]),
        ([(drink, 4)], []),
        ([(drink, 5)], [fifteen]),
        ([(drink, 5), (dear, 1)], sorted([eighty_eight, fifteen])),
    ]
    for lines, expected in cases:
        buyer = await a_buyer()
        await bought(buyer, *lines)
        assert await run_events() == 1
        assert [row[0] for row in await coupons_of(buyer)] == expected
    assert await run_events() == 0
    await assert_books_agree()


async def test_exactly_35_yuan_is_enough(events: tuple[UUID, UUID, UUID]) -> None:
    # With ¥8 of shipping: what is paid counts.
    for price_fen, brings in ((2_699, 0), (2_700, 1)):
        buyer = await a_buyer()
        await bought(buyer, (await a_sku(price_fen), 1))
        await run_events()
        assert len(await coupons_of(buyer)) == brings


async def test_two_weeks_with_the_day_it_came(events: tuple[UUID, UUID, UUID]) -> None:
    buyer = await a_buyer()
    await bought(buyer, (await a_sku(10_000), 1))
    await run_events(NOW + timedelta(hours=2))
    row = await db.fetch_one("SELECT valid_from, valid_until FROM coupon")
    assert row is not None
    assert row["valid_from"] == NOW + timedelta(hours=2)
    assert row["valid_until"] == start_of_business_day(NOW.date() + timedelta(days=14))


async def test_each_order_brings_its_own_and_no_campaign_more_than_its_limit(
    events: tuple[UUID, UUID, UUID],
) -> None:
    eighty_eight, _, _ = events
    await db.execute("UPDATE coupon_campaign SET per_member_limit = 2")
    buyer, sku = await a_buyer(), await a_sku(10_000)
    for _ in range(3):
        await bought(buyer, (sku, 1))
    assert await run_events() == 3
    assert await coupons_of(buyer) == [(eighty_eight, 1, "USABLE"), (eighty_eight, 2, "USABLE")]


async def test_what_ran_when_it_was_paid_counts_however_late(
    events: tuple[UUID, UUID, UUID],
) -> None:
    buyer, sku = await a_buyer(), await a_sku(10_000)
    await bought(buyer, (sku, 1), now=NOW + timedelta(hours=23))
    await bought(buyer, (sku, 1), now=NOW + timedelta(days=1))
    await run_events(NOW + timedelta(days=5))
    assert len(await coupons_of(buyer)) == 1


async def test_a_limited_event_gives_what_it_has(events: tuple[UUID, UUID, UUID]) -> None:
    await db.execute("UPDATE coupon_campaign SET quantity = 1")
    sku = await a_sku(10_000)
    buyers = [await a_buyer() for _ in range(3)]
    for buyer in buyers:
        await bought(buyer, (sku, 1))
    assert await run_events() == 3
    assert sorted([len(await coupons_of(buyer)) for buyer in buyers]) == [0, 0, 1]
    await assert_books_agree()


async def test_repeating_an_order_gives_nothing_more(events: tuple[UUID, UUID, UUID]) -> None:
    buyer = await a_buyer()
    order_id = await bought(buyer, (await a_sku(10_000), 1))
    await run_events()
    await db.execute("UPDATE sales_order SET events_due_at = $1", NOW)
    assert await coupon_events.grant(order_id, now=NOW)
    assert not await coupon_events.grant(order_id, now=NOW)
    assert len(await coupons_of(buyer)) == 1


async def refund(order_id: UUID) -> None:
    wish = Reversal(
        refund_id=new_id(),
        order_id=order_id,
        quantities=dict.fromkeys(await lines_of(order_id), 1),
        before_shipment=True,
    )
    await reversal.reverse(wish, now=NOW)


async def test_a_whole_refund_takes_back_what_nobody_used(
    events: tuple[UUID, UUID, UUID],
) -> None:
    buyer, sku = await a_buyer(), await a_sku(10_000)
    unused, used, early = [await bought(buyer, (sku, 1)) for _ in range(3)]
    await db.execute("UPDATE sales_order SET events_due_at = NULL WHERE id = $1", early)
    await run_events()
    await db.execute("UPDATE sales_order SET events_due_at = $2 WHERE id = $1", early, NOW)
    campaign_id = events[0]
    coupon_id = await db.fetch_value(
        "SELECT id FROM coupon WHERE origin_id = $1", coupon_events.origin_of(campaign_id, used)
    )
    later_order = await an_order(buyer)
    await coupons.reserve([coupon_id], member_id=buyer, order_id=later_order, now=NOW)
    for order_id in (unused, used, early):
        await refund(order_id)
    await run_events()  # Refunded before this came round: nothing is given.
    rows = await db.fetch("SELECT origin_id, status FROM coupon")
    assert {tuple(row) for row in rows} == {
        (coupon_events.origin_of(campaign_id, unused), "REVOKED"),
        (coupon_events.origin_of(campaign_id, used), "RESERVED"),
    }


async def test_what_has_ended_is_marked_in_batches() -> None:
    member_id = await a_member()
    ended = [await a_coupon(member_id, valid_until=NOW + timedelta(hours=n)) for n in (1, 2, 3)]
    living = await a_coupon(member_id, valid_until=NOW + timedelta(hours=4))
    held = await a_coupon(member_id, valid_until=NOW + timedelta(hours=1))
    order_id = await an_order(member_id)
    await coupons.reserve([held], member_id=member_id, order_id=order_id, now=NOW)
    as_of = NOW + timedelta(hours=3)
    batches = [await coupon_expiry.expire_due(as_of, limit=2) for _ in range(3)]
    assert batches == [2, 1, 0]
    rows = await db.fetch("SELECT id, status FROM coupon")
    assert dict(map(tuple, rows)) == {
        **dict.fromkeys(ended, "EXPIRED"),
        living: "USABLE",
        held: "RESERVED",
    }


async def test_members_hear_three_days_before_the_end() -> None:
    member_id, other = await a_member(), await a_member()
    today = start_of_business_day(NOW.date())
    long_ago = NOW - timedelta(days=30)
    end = today + timedelta(days=4)  # The 25th is its last day, three days from the 22nd.
    for owner in (member_id, member_id, other):
        await a_coupon(owner, valid_from=long_ago, valid_until=end)
    await a_coupon(member_id, FREE_SHIPPING, valid_from=long_ago, valid_until=end)
    await a_coupon(member_id, valid_from=long_ago, valid_until=end + timedelta(microseconds=1))
    await a_coupon(other, valid_from=NOW, valid_until=NOW + timedelta(days=3))  # Short-lived.
    await a_coupon(other, valid_from=long_ago, valid_until=today)  # Over.
    assert [await coupon_expiry.remind_due(today, limit=3) for _ in range(3)] == [3, 2, 0]
    rows = await db.fetch("SELECT member_id, facts FROM message")
    facts = {"coupon": "满60减5", "coupon_en": "¥5 off ¥60", "day": "2026-11-25"}
    assert sorted((row["member_id"], row["facts"]["coupon"]) for row in rows) == sorted(
        [(member_id, "满60减5"), (member_id, "免邮券"), (other, "满60减5")]
    )
    assert facts in [row["facts"] for row in rows]
