"""Coupons, their campaigns and the orders that use them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "coupons.claimed",
        "a campaign with a quantity has given as many coupons as it counted",
        """
        SELECT campaign.id, campaign.claimed, count(coupon.id) AS coupons
        FROM coupon_campaign AS campaign LEFT JOIN coupon ON coupon.campaign_id = campaign.id
        WHERE campaign.quantity IS NOT NULL
        GROUP BY campaign.id HAVING campaign.claimed <> count(coupon.id)
        """,
    ),
    Check(
        "coupons.orders",
        "an unpaid order of the coupon's member reserves it, a paid one uses it, no other has any",
        """
        SELECT coupon.id, coupon.status, "order".id AS order_id, "order".status AS order_status
        FROM coupon JOIN sales_order AS "order" ON "order".id = coupon.order_id
        WHERE "order".member_id <> coupon.member_id
           OR (coupon.status = 'RESERVED') <> ("order".status = 'AWAITING_PAYMENT')
           OR "order".status = 'CANCELLED'
        """,
    ),
    Check(
        "coupons.snapshot",
        "a coupon takes the place that its terms say",
        """
        SELECT coupon.id, coupon.is_for_shipping, terms.kind
        FROM coupon JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
        WHERE coupon.is_for_shipping <> (terms.kind = 'FREE_SHIPPING')
        """,
    ),
    Check(
        "coupons.codes",
        "a used exchange code gave a coupon of its campaign, and each such coupon has its code",
        """
        SELECT code.id, coupon.id AS coupon_id
        FROM (SELECT * FROM exchange_code WHERE coupon_id IS NOT NULL) AS code
        FULL JOIN (SELECT * FROM coupon WHERE origin = 'CODE') AS coupon
            ON coupon.id = code.coupon_id
        WHERE code.campaign_id IS DISTINCT FROM coupon.campaign_id
        """,
    ),
    Check(
        "coupons.points",
        "a coupon that cost points was paid for in the book",
        """
        SELECT coupon.id, coupon.points_paid, coalesce(paid.points, 0) AS booked
        FROM coupon
        LEFT JOIN (
            SELECT source_id, sum(points) AS points FROM points_lot_use
            WHERE source_kind = 'COUPON' GROUP BY source_id
        ) AS paid ON paid.source_id = coupon.id
        WHERE coupon.points_paid <> coalesce(paid.points, 0)
        """,
    ),
    Check(
        "coupons.grants",
        "a grant counts the members that it has decided on, and is finished with the last",
        """
        SELECT grants.id, grants.total, grants.done, count(item.id) AS items,
               count(item.id) FILTER (WHERE item.coupon_id IS NOT NULL OR item.refused IS NOT NULL)
                   AS decided
        FROM coupon_grant AS grants LEFT JOIN coupon_grant_item AS item ON item.grant_id = grants.id
        GROUP BY grants.id
        HAVING grants.total <> count(item.id)
            OR grants.done <> count(item.id)
                   FILTER (WHERE item.coupon_id IS NOT NULL OR item.refused IS NOT NULL)
            OR (grants.status = 'FINISHED') <> (grants.done = grants.total)
        """,
    ),
)
