"""Terms, campaigns and coupons; what a test asserts of them stands in the test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.coupons import CampaignKind, CouponOrigin, Terms, Validity
from domain.orders import DeliveryMethod, OrderStatus
from domain.pricing import CouponKind
from models.ids import new_id, number_code, readable_code
from models.orders import Order
from services import campaign_admin, consents, coupon_terms, coupons
from services.campaign_admin import NewCampaign
from services.coupons import Issue
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member

FIVE_OFF = Terms(
    name="满60减5",
    name_en="¥5 off ¥60",
    kind=CouponKind.AMOUNT_OFF,
    amount_off_fen=500,
    min_spend_fen=6_000,
)
A_WEEK = Validity(days=7)
FREE_SHIPPING = Terms(name="免邮券", name_en="Free shipping", kind=CouponKind.FREE_SHIPPING)


async def a_coupon(
    member_id: UUID,
    terms: Terms = FIVE_OFF,
    *,
    valid_from: datetime = NOW,
    valid_until: datetime = NOW + timedelta(days=7),
    **changes: Any,
) -> UUID:
    """Give a member a coupon, valid for a week from `NOW` on."""
    terms_id = await coupon_terms.terms_id_of(replace(terms, **changes), now=NOW)
    given = Issue(member_id, terms_id, valid_from, valid_until, CouponOrigin.IMPORT, new_id())
    [coupon_id] = await coupons.issue([given], now=NOW)
    return coupon_id


async def an_order(member_id: UUID) -> UUID:
    """Make an empty order that awaits its payment: coupons look at its id alone."""
    order = await Order.create(
        order_no=number_code(18),
        member_id=member_id,
        status=OrderStatus.AWAITING_PAYMENT,
        delivery=DeliveryMethod.EXPRESS,
        goods_total_fen=0,
        discount_total_fen=0,
        shipping_fen=0,
        points_spent=0,
        points_off_fen=0,
        payable_fen=0,
        tier_code="REGULAR",
        placed_at=NOW,
        pay_before=NOW + timedelta(minutes=30),
        timeout_due_at=NOW + timedelta(minutes=30),
    )
    return order.id


async def a_campaign(
    terms: Terms = FIVE_OFF,
    *,
    validity: Validity = A_WEEK,
    kind: CampaignKind = CampaignKind.CLAIM,
    claim_from: datetime = NOW,
    claim_until: datetime = NOW + timedelta(days=1),
    **facts: Any,
) -> UUID:
    """Make a campaign of a template of its own; it runs for a day from `NOW` on."""
    template_id = await campaign_admin.put_template(readable_code(8), terms, validity, now=NOW)
    campaign = NewCampaign(
        template_id=template_id,
        kind=kind,
        name="campaign",
        claim_from=claim_from,
        claim_until=claim_until,
        **facts,
    )
    return await campaign_admin.create(campaign, now=NOW)


async def a_joined_member(**facts: Any) -> UUID:
    """Make a member who has accepted the agreements in force, as a claim asks for."""
    await agreements()
    member_id = await a_member(**facts)
    await consents.record(member_id, JOINING, now=NOW)
    return member_id
