"""Checks of group buys: teams, seats, orders and counts agree."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "group.paid_seats",
        "a team's paid seats are those that its row counts",
        """
        SELECT team.id, team.paid_seats, coalesce(seats.paid, 0) AS paid
        FROM group_buy_team AS team
        LEFT JOIN (
            SELECT team_id, count(*) AS paid FROM group_buy_seat WHERE status = 'PAID' GROUP BY 1
        ) AS seats ON seats.team_id = team.id
        WHERE team.paid_seats <> coalesce(seats.paid, 0)
        """,
    ),
    Check(
        "group.seats",
        "a seat is of its team's order, within its size, and stands as the order and team do",
        """
        SELECT seat.id, seat.status, team.status AS team_status, o.status AS order_status
        FROM group_buy_seat AS seat
        JOIN group_buy_team AS team ON team.id = seat.team_id
        JOIN sales_order AS o ON o.id = seat.order_id
        WHERE o.team_id IS DISTINCT FROM seat.team_id OR o.member_id <> seat.member_id
           OR seat.position >= team.size
           OR CASE
                WHEN seat.status = 'HELD'
                    THEN team.status <> 'FORMING' OR o.status <> 'AWAITING_PAYMENT'
                WHEN team.status = 'FORMING' THEN o.status <> 'AWAITING_TEAM'
                WHEN team.status = 'SUCCEEDED'
                    THEN o.status IN ('AWAITING_PAYMENT', 'AWAITING_TEAM', 'CANCELLED')
                ELSE o.status <> CASE WHEN seat.refund_due_at IS NULL THEN 'REFUNDED'
                                      ELSE 'AWAITING_TEAM' END
              END
        """,
    ),
    Check(
        "group.orders",
        "an order that was paid for a team has a seat there",
        """
        SELECT o.order_no, o.status FROM sales_order AS o
        WHERE o.team_id IS NOT NULL AND o.paid_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM group_buy_seat AS seat
                          WHERE seat.order_id = o.id AND seat.status = 'PAID')
        """,
    ),
    Check(
        "group.money",
        "an order that lost its seat has its money sent back",
        """
        SELECT o.order_no, o.cancel_reason FROM sales_order AS o
        WHERE o.cancel_reason IN ('TEAM_FULL', 'TEAM_CLOSED', 'TEAM_ALREADY_JOINED')
          AND o.payable_fen > 0
          AND NOT EXISTS (SELECT FROM payment_case
                          WHERE order_id = o.id AND kind = 'SEAT_LAPSED')
        """,
    ),
    Check(
        "group.refunds",
        "an order of a failed team that was refunded has its money sent back",
        """
        SELECT o.order_no, o.paid_fen, o.refunded_fen FROM sales_order AS o
        JOIN group_buy_team AS team ON team.id = o.team_id
        WHERE team.status = 'FAILED' AND o.status = 'REFUNDED'
          AND (o.refunded_fen <> o.paid_fen
               OR o.paid_fen > 0 AND NOT EXISTS (
                    SELECT FROM payment_case
                    WHERE order_id = o.id AND kind = 'GROUP_BUY_FAILED'
                      AND amount_fen = o.paid_fen))
        """,
    ),
    Check(
        "group.counts",
        "what a member has of a campaign is what their standing orders hold of it",
        """
        SELECT group_buy_id, member_id, coalesce(counted.pieces, 0) AS counted,
               coalesce(held.pieces, 0) AS held
        FROM group_buy_count AS counted
        FULL JOIN (
            SELECT team.group_buy_id, o.member_id,
                   sum(line.quantity - line.withdrawn_quantity) AS pieces
            FROM sales_order AS o
            JOIN group_buy_team AS team ON team.id = o.team_id
            JOIN order_line AS line ON line.order_id = o.id
            WHERE o.status <> 'CANCELLED' GROUP BY 1, 2
        ) AS held USING (group_buy_id, member_id)
        WHERE coalesce(counted.pieces, 0) <> coalesce(held.pieces, 0)
        """,
    ),
    Check(
        "group.newcomers",
        "a place for newcomers belongs to an order that stands",
        """
        SELECT place.id, o.order_no, o.status FROM group_buy_newcomer AS place
        JOIN sales_order AS o ON o.id = place.order_id
        JOIN group_buy_team AS team ON team.id = o.team_id
        WHERE o.status = 'CANCELLED' OR o.status = 'REFUNDED' AND team.status = 'FAILED'
           OR o.member_id <> place.member_id
        """,
    ),
)
