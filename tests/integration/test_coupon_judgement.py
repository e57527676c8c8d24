"""The statement that gives a coupon and the judgement that explains it agree in every case."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.coupon_claims import judge
from domain.coupons import Audience, Validity
from domain.errors import DomainError
from domain.orders import OrderStatus
from models import database as db
from models.orders import Order
from services import campaign_admin, campaigns, coupon_claims, rules
from services.coupon_claims import ClaimCoupon
from tests.factories.coupons import a_campaign, a_joined_member, an_order
from tests.factories.shop import NOW, a_member

pytestmark = pytest.mark.usefixtures("database")

HOUR = timedelta(hours=1)
WINDOWS = {
    "yet to come": (NOW + HOUR, NOW + 2 * HOUR),
    "just open": (NOW, NOW + HOUR),
    "just over": (NOW - HOUR, NOW),
}
OFFERS: list[dict[str, Any]] = [
    {},
    {"quantity": 0},
    {"quantity": 50},
    {"min_tier_code": "SILVER"},
    {"min_tier_code": "GOLD", "quantity": 50},
    {"points_price": 10},
    {"points_price": 10, "quantity": 0},
    {"audience": Audience.NEWCOMERS},
    {"audience": Audience.LISTED},
    {"audience": Audience.LISTED, "min_tier_code": "SILVER", "points_price": 10},
    {"validity": Validity(valid_from=NOW - 2 * HOUR, valid_until=NOW + 2 * HOUR)},
]


async def _people() -> dict[str, UUID]:
    people = {
        "plain": await a_joined_member(),
        "silver with points": await a_joined_member(tier="SILVER", points=10),
        "gold": await a_joined_member(tier="GOLD"),
        "customer": await a_joined_member(points=9),
        "blocked": await a_joined_member(points=10),
        "visitor": await a_member(joined=False, points=10),
    }
    order_id = await an_order(people["customer"])
    await Order.filter(id=order_id).update(
        status=OrderStatus.COMPLETED, paid_at=NOW, timeout_due_at=None
    )
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", people["blocked"])
    return people


async def _judged(campaign_id: UUID, member_id: UUID) -> str | None:
    in_force = (await rules.in_force(now=NOW)).rules
    row = await campaigns.campaign_for(campaign_id, member_id)
    [viewer] = await campaigns.viewers_by_id([member_id], now=NOW)
    assert row is not None
    if viewer is None:
        return "ACCOUNT_BLOCKED"
    claimant = viewer.claimant(claimed=row["claimed_by_viewer"], is_listed=row["is_listed"])
    refusal = judge(campaigns.facts_of(row), claimant, in_force, now=NOW)
    return None if refusal is None else refusal.code


async def test_what_is_judged_is_what_happens() -> None:
    people = await _people()
    told: dict[str | None, int] = {}
    for (window, (start, end)), facts in itertools.product(WINDOWS.items(), OFFERS):
        campaign_id = await a_campaign(claim_from=start, claim_until=end, **facts)
        await campaign_admin.list_members(campaign_id, [people["silver with points"]])
        for name, member_id in people.items():
            expected = await _judged(campaign_id, member_id)
            for key in ("first", "second"):  # The second meets the limit of one.
                wish = ClaimCoupon(member_id, campaign_id, f"{campaign_id}-{key}")
                try:
                    await coupon_claims.claim(wish, now=NOW)
                    happened = None
                except DomainError as refusal:
                    happened = refusal.code
                assert happened == expected, (window, facts, name, key)
                told[happened] = told.get(happened, 0) + 1
                expected = await _judged(campaign_id, member_id)
    assert set(told) == {
        None,
        "CAMPAIGN_NOT_STARTED",
        "CAMPAIGN_ENDED",
        "COUPON_SOLD_OUT",
        "COUPON_LIMIT_REACHED",
        "COUPON_NOT_CLAIMABLE",
        "TIER_TOO_LOW",
        "INSUFFICIENT_POINTS",
        "CONSENT_REQUIRED",
        "ACCOUNT_BLOCKED",
    }
