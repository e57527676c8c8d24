"""A member's points and growth, entry by entry, newest first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.ledger import AccountKind, member_account
from models import database
from services.pages import Page, PageRequest, make_page

_ENTRIES = """
SELECT entry.id, entry.seq, entry.delta, entry.balance_after, entry.reason, entry.source_kind,
       entry.source_id, entry.created_at, lot.expires_at, origin.order_id,
       coalesce(named.name, sales_order.order_no) AS thing,
       coalesce(named.name_en, named.name, sales_order.order_no) AS thing_en
FROM ledger_entry AS entry
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN entry.source_kind IN ('ORDER', 'ORDER_FINALITY') THEN entry.source_id
        WHEN entry.source_kind = 'REFUND' THEN (
            SELECT reversal.order_id FROM order_reversal AS reversal
            WHERE reversal.id = entry.source_id
        )
    END AS order_id
) AS origin
LEFT JOIN sales_order ON sales_order.id = origin.order_id
LEFT JOIN LATERAL (
    SELECT reward.name, NULL AS name_en
    FROM redemption JOIN reward ON reward.id = redemption.reward_id
    WHERE entry.source_kind = 'REDEMPTION' AND redemption.id = entry.source_id
    UNION ALL
    SELECT reward.name, NULL
    FROM redemption JOIN reward ON reward.id = redemption.reward_id
    WHERE redemption.order_id = origin.order_id
    UNION ALL
    SELECT terms.name, terms.name_en
    FROM coupon JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
    WHERE entry.source_kind = 'COUPON' AND coupon.id = entry.source_id
    UNION ALL
    SELECT store.name, NULL
    FROM shop_purchase AS purchase JOIN store ON store.id = purchase.store_id
    WHERE entry.source_kind = 'SHOP_PURCHASE' AND purchase.id = entry.source_id
    UNION ALL
    SELECT store.name, NULL
    FROM shop_return AS brought_back
    JOIN shop_purchase AS purchase ON purchase.id = brought_back.purchase_id
    JOIN store ON store.id = purchase.store_id
    WHERE entry.source_kind = 'SHOP_RETURN' AND brought_back.id = entry.source_id
) AS named ON true
LEFT JOIN points_lot AS lot
    ON entry.delta > 0 AND lot.source_id = entry.source_id
   AND lot.reason = entry.reason AND lot.member_id = $5 AND $6
WHERE entry.account_id = $1 AND entry.seq < coalesce($2::bigint, 9223372036854775807)
  AND ($3 = 0 OR sign(entry.delta) = $3)
ORDER BY entry.seq DESC LIMIT $4
"""


async def entries_of(
    member_id: UUID, kind: AccountKind, request: PageRequest, *, sign: int = 0
) -> Page[Any]:
    """Return a page of an account's entries; `sign` keeps only what came (1) or went (-1).

    Each row has the order behind it, if there is one, and the names of the thing it comes from.
    """
    account_id = member_account(member_id, kind)
    before = request.after[0] if request.after else None
    rows = await database.fetch(
        _ENTRIES,
        account_id,
        before,
        sign,
        request.limit,
        member_id,
        kind is AccountKind.SPENDABLE,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                "SELECT count(*) FROM ledger_entry WHERE account_id = $1"
                " AND ($2 = 0 OR sign(delta) = $2)",
                account_id,
                sign,
            )
        )

    return make_page(request, rows, lambda row: (row["seq"],), count)
