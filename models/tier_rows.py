"""The growth of a term, as a part of statements that read members."""

from __future__ import annotations

# OFFSET keeps the search out of the join: for what came, which is the most, nothing is looked up.
_TERM_GROWTH = """
    SELECT greatest(coalesce(sum(delta) FILTER (WHERE at < {until}), 0), 0)::bigint AS growth,
           coalesce(sum(delta) FILTER (WHERE at >= {until}), 0)::bigint AS later_growth,
           min(seq) FILTER (WHERE at >= {until}) AS later_seq
    FROM (
        SELECT entry.delta, entry.seq, coalesce(credit.created_at, entry.created_at) AS at
        FROM ledger_entry AS entry
        LEFT JOIN LATERAL (
            SELECT taken.seq, taken.created_at FROM ledger_transaction AS taking
            JOIN ledger_entry AS taken
                ON taken.transaction_id = taking.corrects_id
               AND taken.account_id = entry.account_id
            WHERE taking.id = entry.transaction_id AND entry.delta < 0
            OFFSET 0
        ) AS credit ON true
        WHERE entry.account_id = {account_id} AND entry.seq > {since_seq}
          AND entry.reason <> 'TIER_REVIEW' AND (credit.seq > {since_seq}) IS NOT FALSE
    ) AS entries
"""


def term_growth(account_id: str, since_seq: str, *, until: str = "'infinity'") -> str:
    """Return the read of what a growth account earned after an entry, net of refunds.

    A refund counts when what it takes back was earned, and so in the term that earned it. What came
    from `until` on is told apart, with its first entry. All arguments are SQL.
    """
    return _TERM_GROWTH.format(account_id=account_id, since_seq=since_seq, until=until)
