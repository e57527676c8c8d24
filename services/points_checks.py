"""The book, and the lots that points live in, agree."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "ledger.balances",
        "a member account's balance and seq are the sum and the count of its entries",
        """
        SELECT account.id, account.kind, account.balance, sums.total, account.seq, sums.entries
        FROM ledger_account AS account
        LEFT JOIN (
            SELECT account_id, sum(delta) AS total, count(*) AS entries, max(seq) AS last
            FROM ledger_entry GROUP BY account_id
        ) AS sums ON sums.account_id = account.id
        WHERE account.member_id IS NOT NULL
          AND (account.balance <> coalesce(sums.total, 0)
               OR account.seq <> coalesce(sums.entries, 0)
               OR account.seq <> coalesce(sums.last, 0))
        """,
    ),
    Check(
        "ledger.running",
        "each entry's balance_after follows from the one before",
        """
        SELECT id, account_id, seq, balance_after FROM (
            SELECT id, account_id, seq, balance_after,
                   sum(delta) OVER (PARTITION BY account_id ORDER BY seq) AS expected
            FROM ledger_entry WHERE seq IS NOT NULL
        ) AS run WHERE balance_after <> expected
        """,
    ),
    Check(
        "ledger.balanced",
        "every transaction sums to zero, and so does the whole book",
        """
        SELECT transaction_id, sum(delta) AS total FROM ledger_entry
        GROUP BY transaction_id HAVING sum(delta) <> 0
        """,
    ),
    Check(
        "ledger.units",
        "a transaction moves its own unit only",
        """
        SELECT entry.id, transaction.unit, account.kind
        FROM ledger_entry AS entry
        JOIN ledger_transaction AS transaction ON transaction.id = entry.transaction_id
        JOIN ledger_account AS account ON account.id = entry.account_id
        WHERE transaction.unit <> account.unit
        """,
    ),
    Check(
        "points.lots",
        "lots not yet written off hold exactly the spendable and the pending balance",
        """
        SELECT account.member_id, account.kind, account.balance, sum(lot.remaining) AS lots
        FROM ledger_account AS account
        LEFT JOIN points_lot AS lot
            ON lot.member_id = account.member_id AND lot.written_off_at IS NULL
           AND lot.is_pending = (account.kind = 'PENDING')
        WHERE account.kind IN ('SPENDABLE', 'PENDING')
        GROUP BY account.id
        HAVING account.balance <> coalesce(sum(lot.remaining), 0)
        """,
    ),
)
