"""The growth of a term, as a part of statements that read members."""

from __future__ import annotations

_TERM_GROWTH = """
    SELECT greatest(coalesce(sum(delta) FILTER (WHERE created_at < {until}), 0), 0)::bigint
               AS growth,
           coalesce(sum(delta) FILTER (WHERE created_at >= {until}), 0)::bigint AS later_growth,
           min(seq) FILTER (WHERE created_at >= {until}) AS later_seq
    FROM ledger_entry AS entry
    WHERE entry.account_id = {account_id} AND entry.seq > {since_seq}
      AND entry.reason <> 'TIER_REVIEW'
      AND NOT (entry.delta < 0 AND EXISTS (
          SELECT 1 FROM ledger_transaction AS taking
          JOIN ledger_entry AS first
              ON first.transaction_id = taking.corrects_id AND first.account_id = entry.account_id
          WHERE taking.id = entry.transaction_id AND first.seq <= {since_seq}
      ))
"""


def term_growth(account_id: str, since_seq: str, *, until: str = "'infinity'") -> str:
    """Return the read of what a growth account earned after an entry, net of refunds.

    A refund counts in the term that earned what it takes back. What came from `until` on is told
    apart, with its first entry. All arguments are SQL.
    """
    return _TERM_GROWTH.format(account_id=account_id, since_seq=since_seq, until=until)
