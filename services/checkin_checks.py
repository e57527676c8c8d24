"""Check-ins and invitations agree with the book, and runs with the days."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "checkin.runs",
        "a check-in's run is the unbroken row of days up to it",
        """
        SELECT id, day, run_start, start
        FROM (
            SELECT id, day, run_start, min(day) OVER (PARTITION BY member_id, island) AS start
            FROM (
                SELECT id, member_id, day, run_start,
                       day - (row_number() OVER (PARTITION BY member_id ORDER BY day))::int
                           AS island
                FROM check_in WHERE NOT merged
            ) AS days
        ) AS runs
        WHERE run_start <> start
        """,
    ),
    Check(
        "checkin.given",
        "a check-in gave the points and the growth that the book says",
        """
        SELECT check_in.id, check_in.points, check_in.growth, booked.points AS booked_points,
               booked.growth AS booked_growth
        FROM check_in
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delta) FILTER (WHERE unit = 'POINTS'), 0) AS points,
                   coalesce(sum(delta) FILTER (WHERE unit = 'GROWTH'), 0) AS growth
            FROM ledger_transaction AS book
            JOIN ledger_entry AS entry ON entry.transaction_id = book.id AND entry.seq IS NOT NULL
            WHERE book.source_id = check_in.id AND book.source_kind = 'CHECK_IN'
              AND book.reason = 'CHECK_IN'
        ) AS booked
        WHERE (check_in.points, check_in.growth) <> (booked.points, booked.growth)
        """,
    ),
    Check(
        "invitations.points",
        "a rewarded invitation gave both sides what the book says",
        """
        SELECT reward.id, reward.inviter_points, reward.invitee_points, booked.points
        FROM invitation_reward AS reward
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delta), 0) AS points
            FROM ledger_transaction AS book
            JOIN ledger_entry AS entry ON entry.transaction_id = book.id AND entry.seq IS NOT NULL
            WHERE book.source_kind = 'INVITATION' AND book.reason = 'INVITATION'
              AND book.source_id IN (reward.id, reward.invitee_id)
        ) AS booked
        WHERE reward.inviter_points + reward.invitee_points <> booked.points
        """,
    ),
)
