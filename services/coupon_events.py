"""Coupons that a paid order brings: from so many fen on, or for pieces of a category.

A payment leaves a due time on its order, so that nothing slows the payment down. The campaigns that
ran when it was paid count, however late this looks; a campaign gives one coupon for an order. When
the whole order is refunded, one that nobody has used is taken back.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

import asyncpg

from domain.coupons import CouponOrigin
from models import database
from services import coupons
from services.campaigns import validity_of
from services.coupon_grants import count_given
from services.coupons import Issue


def origin_of(campaign_id: UUID, order_id: UUID) -> UUID:
    """Return what a campaign's coupon for an order comes from."""
    return uuid5(campaign_id, str(order_id))


async def grant_due(*, now: datetime, limit: int = 100) -> int:
    """Look at orders that were paid, and give what they bring; returns how many, 0 when none is."""
    rows = await database.fetch(
        "SELECT id FROM sales_order WHERE events_due_at <= $1 ORDER BY events_due_at, id LIMIT $2",
        now,
        limit,
    )
    looked = 0
    for row in rows:
        looked += await database.retrying(partial(grant, row["id"], now=now))
    return looked


async def grant(order_id: UUID, *, now: datetime) -> bool:
    """Give what a paid order brings; False when a rival is at it, or has been."""
    async with database.in_transaction():
        order = await database.fetch_one(_ORDER, order_id, now)
        if order is None:
            return False
        if order["may_have"]:
            for campaign in await database.fetch(
                _CAMPAIGNS, order_id, order["paid_at"], order["paid_fen"]
            ):
                await _give(campaign, order, now)
        await database.execute(
            "UPDATE sales_order SET events_due_at = NULL WHERE id = $1", order_id
        )
        return True


_ORDER = """
SELECT "order".id, "order".member_id, "order".paid_at, "order".paid_fen,
       "order".status NOT IN ('CANCELLED', 'REFUNDED') AND member.status = 'ACTIVE'
           AND member.joined_at IS NOT NULL AS may_have
FROM sales_order AS "order" JOIN member ON member.id = "order".member_id
WHERE "order".id = $1 AND "order".events_due_at <= $2 FOR UPDATE OF "order" SKIP LOCKED
"""

# In the order of their ids, and locked: who gives coupons of a campaign is alone with it.
_CAMPAIGNS = """
SELECT campaign.id, campaign.quantity, campaign.claimed, campaign.per_member_limit,
       template.terms_id, template.valid_days, template.valid_from, template.valid_until
FROM coupon_campaign AS campaign
JOIN coupon_template AS template ON template.id = campaign.template_id
WHERE campaign.kind = 'EVENT' AND campaign.status = 'PUBLISHED'
  AND campaign.claim_from <= $2 AND campaign.claim_until > $2
  AND (campaign.event_min_paid_fen IS NULL OR campaign.event_min_paid_fen <= $3)
  AND (campaign.event_pieces IS NULL OR campaign.event_pieces <= (
      SELECT coalesce(sum(line.quantity), 0) FROM order_line AS line
      JOIN product_category AS place ON place.product_id = line.product_id
      WHERE line.order_id = $1 AND place.category_id = campaign.event_category_id))
ORDER BY campaign.id FOR NO KEY UPDATE OF campaign
"""


async def _give(campaign: asyncpg.Record, order: asyncpg.Record, now: datetime) -> None:
    """Give the member one coupon of a campaign, if there is one for them."""
    # After the lock, in a statement of its own: it sees what rivals have given.
    origin_id = origin_of(campaign["id"], order["id"])
    had = await database.fetch_one(_HAD, campaign["id"], order["member_id"], origin_id)
    assert had is not None, "the campaign is locked"
    if had["is_given"]:
        return
    is_sold_out = campaign["quantity"] is not None and had["claimed"] >= campaign["quantity"]
    start, end = validity_of(campaign).window(now)
    if is_sold_out or had["seats"] >= campaign["per_member_limit"] or end <= now:
        return
    issue = Issue(
        order["member_id"],
        campaign["terms_id"],
        start,
        end,
        CouponOrigin.EVENT,
        origin_id,
        campaign["id"],
        had["seats"] + 1,
    )
    await coupons.issue([issue], now=now)
    await count_given(campaign["id"], 1)


_HAD = """
SELECT campaign.claimed,
       (SELECT greatest(count(*), coalesce(max(seat), 0)) FROM coupon
        WHERE coupon.campaign_id = campaign.id AND coupon.member_id = $2) AS seats,
       EXISTS (SELECT FROM coupon WHERE origin = 'EVENT' AND origin_id = $3) AS is_given
FROM coupon_campaign AS campaign WHERE campaign.id = $1
"""


async def take_back(order_id: UUID) -> int:
    """Take back what an order brought that is refunded as a whole; what was used stays used.

    Returns how many.
    """
    campaigns = await database.fetch("SELECT id FROM coupon_campaign WHERE kind = 'EVENT'")
    return await database.execute(
        """
        UPDATE coupon SET status = 'REVOKED'
        WHERE origin = 'EVENT' AND origin_id = ANY($1) AND status = 'USABLE'
        """,
        [origin_of(row["id"], order_id) for row in campaigns],
    )
