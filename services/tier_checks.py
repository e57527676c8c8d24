"""Members' tiers, growth and benefits agree with their records and with the book."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "tiers.terms",
        "a member's tier is the one of their last term",
        """
        SELECT member.id, member.tier_code, term.tier_code AS term, member.tier_since, term.since
        FROM member
        CROSS JOIN LATERAL (
            SELECT * FROM tier_term WHERE member_id = member.id ORDER BY id DESC LIMIT 1
        ) AS term
        WHERE member.status <> 'MERGED'
          AND (member.tier_code, member.tier_since, member.tier_since_seq)
              IS DISTINCT FROM (term.tier_code, term.since, term.since_seq)
           OR member.status <> 'MERGED' AND member.tier_review_at IS DISTINCT FROM term.review_at
        """,
    ),
    Check(
        "tiers.reviews",
        "a review that lowered growth stands in the book with just that",
        """
        SELECT term.id, term.member_id, term.growth, entry.balance_after
        FROM tier_term AS term
        JOIN ledger_account AS account
            ON account.member_id = term.member_id AND account.kind = 'GROWTH'
        JOIN ledger_entry AS entry
            ON entry.account_id = account.id AND entry.reason = 'TIER_REVIEW'
           AND entry.created_at = term.due_at
        WHERE term.cause <> 'DOWN' OR entry.balance_after <> term.growth
        """,
    ),
    Check(
        "tiers.period",
        "no term was kept with less growth than its tier asked for",
        """
        SELECT id, member_id, tier_code, threshold, period_growth FROM tier_term
        WHERE cause = 'KEPT' AND period_growth < threshold
        """,
    ),
    Check(
        "benefits.points",
        "points of a benefit that was granted came into the book once",
        """
        SELECT benefit_grant.id, benefit_grant.benefit, benefit_grant.points, given.points AS booked
        FROM benefit_grant
        LEFT JOIN LATERAL (
            SELECT entry.delta AS points
            FROM ledger_transaction AS transaction
            JOIN ledger_entry AS entry ON entry.transaction_id = transaction.id
            WHERE transaction.source_id = benefit_grant.id AND transaction.unit = 'POINTS'
              AND transaction.source_kind IN ('TIER_GIFT', 'BENEFIT') AND entry.seq IS NOT NULL
              AND transaction.reason IN ('TIER_GIFT', 'BIRTHDAY')
        ) AS given ON true
        WHERE benefit_grant.points < coalesce(given.points, 0)
           OR benefit_grant.points > 0 AND given.points IS NULL
              AND NOT EXISTS (SELECT 1 FROM points_cap_count AS cap
                              WHERE cap.member_id = benefit_grant.member_id)
        """,
    ),
    Check(
        "benefits.coupons",
        "a coupon of a benefit belongs to whom the benefit was granted",
        """
        SELECT coupon.id, coupon.member_id, benefit_grant.member_id AS granted_to
        FROM coupon LEFT JOIN benefit_grant ON benefit_grant.id = coupon.origin_id
        WHERE coupon.origin = 'BENEFIT'
          AND coupon.member_id IS DISTINCT FROM benefit_grant.member_id
        """,
    ),
)
