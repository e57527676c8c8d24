"""Rewards, what is left of them and who redeemed them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS: tuple[Check, ...] = (
    Check(
        "rewards.remaining",
        "what is missing of a reward's quantity was redeemed and has not come back",
        """
        SELECT reward.id, reward.quantity, reward.remaining, coalesce(sum(given.pieces), 0) AS out
        FROM reward
        LEFT JOIN (
            SELECT reward_id, quantity - returned AS pieces FROM redemption
        ) AS given ON given.reward_id = reward.id
        WHERE reward.quantity IS NOT NULL
        GROUP BY reward.id
        HAVING reward.quantity - reward.remaining <> coalesce(sum(given.pieces), 0)
        """,
    ),
    Check(
        "rewards.counts",
        "a member's count of a reward is what they redeemed and have not given back",
        """
        SELECT member_id, reward_id, own.pieces AS counted, given.pieces
        FROM reward_count AS own
        FULL JOIN (
            SELECT member_id, reward_id, sum(quantity - returned) AS pieces
            FROM redemption GROUP BY member_id, reward_id
        ) AS given USING (member_id, reward_id)
        WHERE own.pieces IS DISTINCT FROM coalesce(given.pieces, 0)
        """,
    ),
    Check(
        "rewards.points",
        "the points of a redemption left the member's lots, less those of pieces that came back",
        """
        SELECT redemption.id, redemption.points, coalesce(spent.points, 0) AS spent
        FROM redemption
        LEFT JOIN LATERAL (
            SELECT sum(lot_use.points - lot_use.returned) AS points
            FROM points_lot_use AS lot_use
            WHERE lot_use.source_id = coalesce(redemption.order_id, redemption.id)
              AND lot_use.source_kind IN ('ORDER', 'REDEMPTION')
        ) AS spent ON true
        WHERE redemption.points / redemption.quantity * (redemption.quantity - redemption.returned)
            <> coalesce(spent.points, 0)
        """,
    ),
    Check(
        "rewards.orders",
        "a redemption of goods has an order of its own, with its pieces",
        """
        SELECT redemption.id, o.order_no, o.status
        FROM redemption
        JOIN sales_order AS o ON o.id = redemption.order_id
        LEFT JOIN order_line AS line ON line.order_id = o.id
        WHERE o.kind <> 'REDEMPTION' OR o.member_id <> redemption.member_id
           OR line.quantity IS DISTINCT FROM redemption.quantity
           OR redemption.returned <> CASE WHEN o.status = 'CANCELLED' THEN redemption.quantity
                                          ELSE line.refunded_quantity END
        """,
    ),
    Check(
        "rewards.codes",
        "a virtual reward counts its codes, and gives one with each redemption",
        """
        SELECT reward.id, reward.quantity, reward.remaining, codes.loaded, codes.free
        FROM reward
        CROSS JOIN LATERAL (
            SELECT count(*) AS loaded, count(*) FILTER (WHERE redemption_id IS NULL) AS free
            FROM reward_code WHERE reward_code.reward_id = reward.id
        ) AS codes
        WHERE reward.kind = 'VIRTUAL'
          AND (reward.quantity <> codes.loaded OR reward.remaining <> codes.free)
        """,
    ),
)
