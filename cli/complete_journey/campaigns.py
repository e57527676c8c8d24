"""The retailer's campaigns as coupon campaigns, and what was redeemed as coupons of members.

A campaign was sent to households: they are the members that it lists. Each coupon that somebody
redeemed has terms of its own. It counts as claimed on the day it was redeemed, and is used on the
member's first purchase of that day. The maker pays for it, so the purchase earns on its whole
amount.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from cli.complete_journey.coupon_reader import Promotions
from cli.complete_journey.loading import SOURCE, Advance
from cli.complete_journey.records import Campaign, Coupon, Redemption
from domain.clock import SHANGHAI, start_of_business_day
from domain.coupons import Audience, CampaignKind, CouponOrigin, ReturnRule, Terms, Validity
from domain.pricing import ALL_GOODS, CouponKind, Scope, ScopeKind
from models import database
from services import campaign_admin, coupon_terms, coupons
from services.campaign_admin import NewCampaign
from services.coupons import Issue

_NOON = time(12, tzinfo=SHANGHAI)
"""A coupon whose household bought nothing that came in is used at this time of its day."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What coupons of the data set are here."""

    terms: Mapping[tuple[int, int], UUID]
    campaigns: Mapping[int, UUID]
    windows: Mapping[int, tuple[datetime, datetime]]


async def put_up(
    promotions: Promotions, members: Mapping[int, UUID], advance: Advance, *, now: datetime
) -> Shelf:
    """Make the campaigns and terms that are missing; returns all of them."""
    products = await _products(promotions.coupons)
    campaigns = {}
    for campaign in promotions.campaigns:
        campaigns[campaign.id] = await _campaign(campaign, products, members, now=now)
        advance(1)
    terms = {
        (coupon.campaign_id, coupon.upc): await coupon_terms.terms_id_of(
            _terms(coupon, products), now=now
        )
        for coupon in promotions.coupons
    }
    windows = {campaign.id: _window(campaign) for campaign in promotions.campaigns}
    return Shelf(terms, campaigns, windows)


async def _products(coupons_of_all: Sequence[Coupon]) -> dict[int, UUID]:
    wanted = {str(product) for coupon in coupons_of_all for product in coupon.product_ids}
    rows = await database.fetch(
        "SELECT source_id, id FROM product WHERE source = $1 AND source_id = ANY($2)",
        SOURCE,
        sorted(wanted),
    )
    return {int(row["source_id"]): row["id"] for row in rows}


async def _campaign(
    campaign: Campaign,
    products: Mapping[int, UUID],
    members: Mapping[int, UUID],
    *,
    now: datetime,
) -> UUID:
    starts_at, ends_at = _window(campaign)
    async with database.in_transaction():
        template_id = await campaign_admin.put_template(
            f"{SOURCE}-{campaign.id}",
            _terms(campaign.most_redeemed, products),
            Validity(valid_from=starts_at, valid_until=ends_at),
            now=now,
        )
        campaign_id = await campaign_admin.create(
            NewCampaign(
                template_id=template_id,
                kind=CampaignKind.CLAIM,
                name=f"活动 {campaign.id} ({campaign.kind})",
                claim_from=starts_at,
                claim_until=ends_at,
                per_member_limit=campaign.most_uses,
                audience=Audience.LISTED,
                series=campaign.kind,
                source=SOURCE,
                source_id=str(campaign.id),
            ),
            now=now,
        )
        listed = {members[each] for each in campaign.household_ids if each in members}
        await campaign_admin.list_members(campaign_id, sorted(listed))
    return campaign_id


def _window(campaign: Campaign) -> tuple[datetime, datetime]:
    return (
        start_of_business_day(campaign.starts_on),
        start_of_business_day(campaign.ends_on + timedelta(days=1)),
    )


def _terms(coupon: Coupon, products: Mapping[int, UUID]) -> Terms:
    ids = frozenset(products[each] for each in coupon.product_ids if each in products)
    yuan = f"{coupon.amount_fen / 100:.2f}".rstrip("0").rstrip(".")
    return Terms(
        name=f"立减 {yuan} 元",
        name_en=f"¥{yuan} off",
        kind=CouponKind.AMOUNT_OFF,
        amount_off_fen=coupon.amount_fen,
        scope=Scope(ScopeKind.PRODUCTS, ids) if ids else ALL_GOODS,
        scope_title="指定商品" if ids else "",
        scope_title_en="Selected goods" if ids else "",
        stacks_with_campaigns=True,
        return_rule=ReturnRule.NEVER,
    )


async def redeem(
    redemptions: Collection[Redemption], shelf: Shelf, members: Mapping[int, UUID], *, day: date
) -> int:
    """Have members claim and use what was redeemed on a day; returns how many were used now."""
    known = [each for each in redemptions if each.household_id in members]
    async with database.in_transaction():
        ids = await coupons.issue(
            [_issue(each, shelf, members[each.household_id]) for each in known],
            now=start_of_business_day(day),
        )
        usable = await database.fetch(
            "SELECT id, member_id FROM coupon WHERE id = ANY($1) AND status = 'USABLE' ORDER BY id",
            ids,
        )
        purchases = await _first_purchases({row["member_id"] for row in usable}, day)
        for row in usable:
            purchase_id, at = purchases.get(row["member_id"], (None, datetime.combine(day, _NOON)))
            await coupons.use_in_shop(
                row["id"], member_id=row["member_id"], purchase_id=purchase_id, now=at
            )
    return len(usable)


def _issue(redemption: Redemption, shelf: Shelf, member_id: UUID) -> Issue:
    valid_from, valid_until = shelf.windows[redemption.campaign_id]
    name = (
        f"{SOURCE}:{redemption.household_id}:{redemption.campaign_id}:{redemption.upc}"
        f":{redemption.day}"
    )
    return Issue(
        member_id=member_id,
        terms_id=shelf.terms[redemption.campaign_id, redemption.upc],
        valid_from=valid_from,
        valid_until=valid_until,
        origin=CouponOrigin.IMPORT,
        origin_id=uuid5(NAMESPACE_OID, name),
        campaign_id=shelf.campaigns[redemption.campaign_id],
        seat=redemption.place,
    )


async def _first_purchases(
    member_ids: Collection[UUID], day: date
) -> dict[UUID, tuple[UUID | None, datetime]]:
    """Return each member's first purchase of a day, and when it was."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (member_id) member_id, id, purchased_at FROM shop_purchase
        WHERE member_id = ANY($1) AND source = $2 AND purchased_at >= $3 AND purchased_at < $4
        ORDER BY member_id, purchased_at, id
        """,
        list(member_ids),
        SOURCE,
        start_of_business_day(day),
        start_of_business_day(day + timedelta(days=1)),
    )
    return {row["member_id"]: (row["id"], row["purchased_at"]) for row in rows}
