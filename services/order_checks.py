"""Orders, what was taken back of them, their points, growth and coupons agree."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "orders.reversals",
        "what an order and its lines say was refunded is what its refunds reversed",
        """
        SELECT o.order_no, o.refunded_fen, reversed.fen, lines.fen AS lines_fen
        FROM sales_order AS o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(goods_fen + shipping_fen), 0) AS fen,
                   coalesce(sum(goods_fen), 0) AS goods_fen
            FROM order_reversal WHERE order_id = o.id
        ) AS reversed
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(line.refunded_fen), 0) AS fen,
                   coalesce(bool_or(line.refunded_quantity <> coalesce(part.pieces, 0)), false)
                       AS differ
            FROM order_line AS line
            LEFT JOIN (
                SELECT pair ->> 0 AS line_id, sum((pair ->> 1)::int) AS pieces
                FROM order_reversal, jsonb_array_elements(lines) AS pair
                WHERE order_id = o.id GROUP BY 1
            ) AS part ON part.line_id = line.id::text
            WHERE line.order_id = o.id
        ) AS lines
        WHERE o.refunded_fen <> reversed.fen OR lines.fen <> reversed.goods_fen OR lines.differ
        """,
    ),
    Check(
        "orders.pending",
        "an order's points are pending, less what refunds took, until it is final",
        """
        SELECT o.order_no, o.points_earned, lot.remaining, lot.is_pending
        FROM sales_order AS o
        LEFT JOIN points_lot AS lot
            ON lot.member_id = o.member_id AND lot.source_kind = 'ORDER' AND lot.source_id = o.id
           AND lot.reason = 'ORDER'
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(points_taken), 0) AS points FROM order_reversal
            WHERE order_id = o.id
        ) AS taken
        WHERE o.points_earned > 0
          AND (lot.id IS NULL OR lot.is_pending <> (o.finalized_at IS NULL)
               OR lot.is_pending AND lot.remaining <> o.points_earned - taken.points)
        """,
    ),
    Check(
        "orders.growth",
        "a member's growth to come is what their orders that aren't final will bring",
        """
        SELECT account.member_id, account.balance, coalesce(orders.growth, 0) AS orders
        FROM ledger_account AS account
        LEFT JOIN (
            SELECT o.member_id, sum(o.growth_earned - coalesce(taken.growth, 0)) AS growth
            FROM sales_order AS o
            LEFT JOIN (
                SELECT order_id, sum(growth_taken) AS growth FROM order_reversal GROUP BY 1
            ) AS taken ON taken.order_id = o.id
            WHERE o.finalized_at IS NULL GROUP BY 1
        ) AS orders ON orders.member_id = account.member_id
        WHERE account.kind = 'GROWTH_PENDING' AND account.balance <> coalesce(orders.growth, 0)
        """,
    ),
    Check(
        "orders.coupons",
        "an order that stands has the coupons that its price counts on, and no others hold any",
        """
        SELECT o.order_no, o.status, coupon.id AS coupon_id, coupon.status AS coupon_status
        FROM (
            SELECT id, order_no, status, (discount ->> 'source_id')::uuid AS coupon_id
            FROM sales_order
            CROSS JOIN LATERAL jsonb_array_elements(discounts) AS discount
            WHERE discount ->> 'kind' IN ('COUPON', 'SHIPPING')
              AND discount ->> 'source_id' IS NOT NULL
              AND status NOT IN ('CANCELLED', 'REFUNDED')
        ) AS o
        FULL JOIN (
            SELECT id, order_id, status FROM coupon
            WHERE order_id IS NOT NULL
              AND order_id NOT IN (SELECT id FROM sales_order WHERE status = 'REFUNDED')
        ) AS coupon ON coupon.id = o.coupon_id AND coupon.order_id = o.id
        WHERE o.id IS NULL OR coupon.id IS NULL
           OR coupon.status <> CASE o.status WHEN 'AWAITING_PAYMENT' THEN 'RESERVED'
                                             ELSE 'USED' END
        """,
    ),
)
