"""A member's tier term, read with the member."""

from models.tier_rows import term_growth

TIER_TERM_COLUMNS = "coalesce(term.growth, 0) AS term_growth"
TIER_TERM_JOINS = f"""
    LEFT JOIN LATERAL (
        SELECT term.growth FROM ledger_account AS account
        CROSS JOIN LATERAL ({term_growth("account.id", "member.tier_since_seq")}) AS term
        WHERE account.member_id = member.id AND account.kind = 'GROWTH'
    ) AS term ON true
"""
"""For a statement that calls the member `member` and whose $2 is now."""
