"""`verify`: proof that the books agree with themselves and with one another.

Every check is one statement that finds what is wrong and nothing else, so a green run is a list of
empty answers. All of them read one snapshot: verifying a running mall is sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models import database
from services import (
    checkin_checks,
    coupon_checks,
    flash_checks,
    group_checks,
    order_checks,
    points_checks,
    reward_checks,
    shop_checks,
    stock_checks,
    tier_checks,
)
from services.checks import Check

SHOWN = 20
"""How many findings of a check are listed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: how many rows break the rule, and the first of them."""

    check: Check
    count: int
    rows: list[dict[str, Any]]

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing breaks the rule."""
        return self.count == 0


_CORE = (
    Check(
        "orders.lines",
        "an order's totals are the sums of its lines",
        """
        SELECT sales_order.order_no
        FROM sales_order
        LEFT JOIN order_line AS line ON line.order_id = sales_order.id
        GROUP BY sales_order.id
        HAVING coalesce(sum(line.unit_price_fen * line.quantity), -1) <> sales_order.goods_total_fen
            OR sum(line.discount_total_fen) <> sales_order.discount_total_fen
            OR sum(line.points_off_fen) <> sales_order.points_off_fen
            OR sum(line.payable_fen) + sales_order.shipping_fen <> sales_order.payable_fen
        """,
    ),
    Check(
        "orders.units",
        "a line's units add up to its quantity and to what it costs",
        """
        SELECT line.id, line.quantity, line.payable_fen
        FROM order_line AS line
        CROSS JOIN LATERAL (
            SELECT sum((unit->>0)::bigint) AS pieces,
                   sum((unit->>0)::bigint * (unit->>3)::bigint) AS fen
            FROM jsonb_array_elements(line.units) AS unit
        ) AS units
        WHERE units.pieces IS DISTINCT FROM line.quantity
           OR units.fen IS DISTINCT FROM line.payable_fen
        """,
    ),
    Check(
        "orders.money",
        "an order is paid exactly when one payment that is no case brought what was payable",
        """
        SELECT sales_order.order_no, sales_order.status, sales_order.paid_fen, came.fen
        FROM sales_order
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(payment.amount_fen), 0) AS fen, count(*) AS payments
            FROM payment
            WHERE payment.order_id = sales_order.id AND payment.status = 'SUCCEEDED'
              AND NOT EXISTS (SELECT 1 FROM payment_case AS c WHERE c.payment_id = payment.id
                              AND c.kind NOT IN ('REDEMPTION_CANCELLED', 'GROUP_BUY_FAILED'))
        ) AS came
        WHERE sales_order.paid_fen <> came.fen OR came.payments > 1
           OR (sales_order.paid_at IS NOT NULL AND sales_order.paid_fen <> payable_fen)
           OR (sales_order.paid_at IS NULL AND sales_order.paid_fen <> 0)
        """,
    ),
    Check(
        "orders.points",
        "a paid order's points and growth stand in the book once",
        """
        SELECT sales_order.order_no, sales_order.points_earned, sales_order.growth_earned
        FROM sales_order
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delta) FILTER (WHERE account.kind = 'PENDING'), 0) AS points,
                   coalesce(sum(delta) FILTER (WHERE account.kind = 'GROWTH_PENDING'), 0) AS growth
            FROM ledger_entry AS entry
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE entry.source_id = sales_order.id AND entry.source_kind = 'ORDER'
        ) AS booked
        WHERE sales_order.paid_at IS NOT NULL
          AND (booked.points <> points_earned OR booked.growth <> growth_earned)
        """,
    ),
    Check(
        "purchases.limits",
        "a member's count of a limited SKU is what their standing orders hold",
        """
        SELECT counted.member_id, counted.sku_id, counted.pieces, coalesce(held.pieces, 0) AS held
        FROM purchase_count AS counted
        LEFT JOIN (
            SELECT sales_order.member_id, line.sku_id,
                   sum(line.quantity - line.withdrawn_quantity) AS pieces
            FROM order_line AS line JOIN sales_order ON sales_order.id = line.order_id
            WHERE sales_order.status <> 'CANCELLED' GROUP BY 1, 2
        ) AS held ON held.member_id = counted.member_id AND held.sku_id = counted.sku_id
        WHERE counted.pieces > coalesce(held.pieces, 0)
        """,
    ),
)
CHECKS = (
    *_CORE,
    *stock_checks.CHECKS,
    *flash_checks.CHECKS,
    *group_checks.CHECKS,
    *points_checks.CHECKS,
    *tier_checks.CHECKS,
    *coupon_checks.CHECKS,
    *reward_checks.CHECKS,
    *order_checks.CHECKS,
    *shop_checks.CHECKS,
    *checkin_checks.CHECKS,
)


async def verify(areas: tuple[str, ...] = ("",)) -> list[Finding]:
    """Run the checks whose names begin so, all by default, on one snapshot.

    Returns a finding for each, clean or not.
    """
    async with database.snapshot():
        return [await _run(check) for check in CHECKS if check.name.startswith(areas)]


async def _run(check: Check) -> Finding:
    rows = await database.fetch(
        f"SELECT found.*, count(*) OVER () AS total FROM ({check.sql}) AS found LIMIT {SHOWN}"
    )
    count = rows[0]["total"] if rows else 0
    return Finding(check, count, [{k: v for k, v in row.items() if k != "total"} for row in rows])
