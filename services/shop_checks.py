"""Purchases at a counter, what they earned and what was taken back agree with the book."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "shop.earned",
        "a purchase at a counter earned what the book credited for it",
        """
        SELECT purchase.source, purchase.source_id, purchase.points, purchase.growth
        FROM shop_purchase AS purchase
        LEFT JOIN ledger_entry AS points
            ON points.account_id = '00000000-0000-0000-0000-000000000001'
            AND points.source_kind = 'SHOP_PURCHASE' AND points.source_id = purchase.id
            AND points.reason = 'SHOP_PURCHASE'
        LEFT JOIN ledger_entry AS growth
            ON growth.account_id = '00000000-0000-0000-0000-000000000006'
            AND growth.source_kind = 'SHOP_PURCHASE' AND growth.source_id = purchase.id
            AND growth.reason = 'SHOP_PURCHASE'
        WHERE purchase.points + coalesce(points.delta, 0) <> 0
           OR purchase.growth + coalesce(growth.delta, 0) <> 0
        """,
    ),
    Check(
        "shop.returned",
        "what was brought back of a purchase is the sum of its returns, with their shares",
        """
        SELECT purchase.source, purchase.source_id, purchase.refunded_fen, returned.*
        FROM shop_purchase AS purchase
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_fen), 0) AS fen, coalesce(sum(points), 0) AS points,
                   coalesce(sum(growth), 0) AS growth
            FROM shop_return WHERE purchase_id = purchase.id
        ) AS returned
        WHERE purchase.refunded_fen <> returned.fen
           OR returned.points <> div(purchase.points * returned.fen, purchase.amount_fen)
           OR returned.growth <> div(purchase.growth * returned.fen, purchase.amount_fen)
        """,
    ),
)
