"""Members' points and growth, read with the member."""

POINTS_COLUMNS = """
    accounts.pending, accounts.debt, accounts.growth, accounts.earned,
    lots.living, lots.points, lots.expiries
"""
POINTS_JOINS = """
    CROSS JOIN LATERAL (
        SELECT coalesce(max(balance) FILTER (WHERE kind = 'PENDING'), 0) AS pending,
               coalesce(max(balance) FILTER (WHERE kind = 'DEBT'), 0) AS debt,
               coalesce(max(balance) FILTER (WHERE kind = 'GROWTH'), 0) AS growth,
               coalesce(max(earned) FILTER (WHERE kind = 'SPENDABLE'), 0) AS earned
        FROM ledger_account WHERE ledger_account.member_id = member.id
    ) AS accounts
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(instant.points), 0)::bigint AS living,
               array_agg(instant.points ORDER BY expires_at) AS points,
               array_agg(expires_at ORDER BY expires_at) AS expiries
        FROM (
            SELECT expires_at, sum(remaining)::bigint AS points FROM points_lot AS lot
            WHERE lot.member_id = member.id AND NOT lot.is_pending AND lot.remaining > 0
              AND lot.written_off_at IS NULL AND lot.expires_at > $2
            GROUP BY expires_at
        ) AS instant
    ) AS lots
"""
"""A member's points, for a statement that calls the member `member` and whose $2 is now."""
