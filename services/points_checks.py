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
    Check(
        "points.earned",
        "what an account ever earned is what its lots earned, returns apart",
        """
        SELECT account.member_id, account.earned, sums.earned AS lots
        FROM ledger_account AS account
        LEFT JOIN (
            SELECT member_id, sum(earned) AS earned FROM points_lot
            WHERE NOT is_pending AND reason NOT LIKE '%\\_RETURNED' GROUP BY member_id
        ) AS sums ON sums.member_id = account.member_id AND account.kind = 'SPENDABLE'
        WHERE account.earned <> coalesce(sums.earned, 0)
        """,
    ),
    Check(
        "points.expired",
        "what lots lost by their expiry is what the book says expired",
        """
        SELECT lots.expired, book.expired AS booked
        FROM (SELECT coalesce(sum(expired), 0) AS expired FROM points_lot) AS lots,
             (SELECT coalesce(sum(entry.delta), 0) AS expired
              FROM ledger_entry AS entry JOIN ledger_account ON ledger_account.id = account_id
              WHERE kind = 'EXPIRED') AS book
        WHERE lots.expired <> book.expired
        """,
    ),
    Check(
        "points.spent",
        "what was spent and not given back is what the book says was redeemed",
        """
        SELECT uses.points, book.points AS booked
        FROM (SELECT coalesce(sum(points - returned), 0) AS points FROM points_lot_use) AS uses,
             (SELECT coalesce(sum(entry.delta), 0) AS points
              FROM ledger_entry AS entry JOIN ledger_account ON ledger_account.id = account_id
              WHERE kind = 'REDEEMED') AS book
        WHERE uses.points <> book.points
        """,
    ),
    Check(
        "points.uses",
        "a lot gave no more than it earned",
        """
        SELECT lot.id, lot.earned, lot.remaining, lot.expired, uses.points AS used
        FROM points_lot AS lot
        JOIN (
            SELECT lot_id, sum(points - returned) AS points FROM points_lot_use GROUP BY lot_id
        ) AS uses ON uses.lot_id = lot.id
        WHERE uses.points > lot.earned - lot.remaining - lot.expired
        """,
    ),
    Check(
        "points.debt",
        "what members owe is what the book says is owed",
        """
        SELECT debts.points, book.points AS booked
        FROM (SELECT coalesce(sum(balance), 0) AS points FROM ledger_account
              WHERE kind = 'DEBT') AS debts,
             (SELECT coalesce(sum(entry.delta), 0) AS points
              FROM ledger_entry AS entry JOIN ledger_account ON ledger_account.id = account_id
              WHERE kind = 'OWED') AS book
        WHERE debts.points + book.points <> 0
        """,
    ),
    Check(
        "points.debt_first",
        "who owes points had none to spend when the debt arose, and has got none since",
        """
        SELECT account.member_id, account.balance AS debt, lot.id AS lot_id, lot.remaining
        FROM ledger_account AS account
        CROSS JOIN LATERAL (
            SELECT coalesce(max(created_at), '-infinity') AS last FROM ledger_entry
            WHERE account_id = account.id
        ) AS entries
        JOIN points_lot AS lot
            ON lot.member_id = account.member_id AND NOT lot.is_pending AND lot.remaining > 0
           AND lot.expires_at > entries.last
        WHERE account.kind = 'DEBT' AND account.balance > 0
        """,
    ),
    Check(
        "points.rollup",
        "a system account's rolled-up total is the sum of its entries up to there",
        """
        SELECT rollup.id, rollup.total, sums.total AS entries
        FROM ledger_rollup AS rollup
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delta), 0) AS total FROM ledger_entry
            WHERE account_id = rollup.id AND id < rollup.reached_id
        ) AS sums
        WHERE rollup.total <> sums.total
        """,
    ),
)
