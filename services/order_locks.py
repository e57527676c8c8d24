"""Locking an order together with its member, in the house's order: the member comes first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models import database


async def lock_with_member(order_id: UUID) -> Any:
    """Lock an order's member, then the order, until the transaction ends; returns the order's row.

    For what changes the member's tier beside the order. None when there is no such order.
    """
    while True:
        member_id = await database.fetch_value(
            "SELECT member_id FROM sales_order WHERE id = $1", order_id
        )
        if member_id is None:
            return None
        await database.execute("SELECT FROM member WHERE id = $1 FOR NO KEY UPDATE", member_id)
        order = await database.fetch_one(
            """
            SELECT id, member_id, kind, status, team_id, shipping_fen, points_earned, growth_earned,
                   refunds_open, received_at, final_at, finalized_at,
                   (SELECT coalesce(sum(growth_taken), 0)::bigint FROM order_reversal
                    WHERE order_id = o.id) AS growth_taken,
                   EXISTS (SELECT FROM coupon WHERE coupon.order_id = o.id) AS has_coupons
            FROM sales_order AS o WHERE id = $1 FOR UPDATE
            """,
            order_id,
        )
        # A merge may have given the order to another member while we waited.
        if order is None or order["member_id"] == member_id:
            return order
