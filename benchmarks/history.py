"""What members have bought: orders with lines, payments and timelines that agree with the stock.

By COPY, so that half a million of them take a minute. The books hold: `mall verify` finds nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.catalogue import Offer
from benchmarks.copying import Batch
from domain.orders import OrderStatus
from models.ids import new_id

REGION = "310115"
MOST_LINES = 4
_DAYS_BETWEEN_ORDERS = 6
_PAYABLE_FOR = timedelta(days=1)
"""Longer than any run: nobody shall cancel what was only written down."""

_STATUSES = (
    *(OrderStatus.COMPLETED,) * 6,
    OrderStatus.SHIPPED,
    OrderStatus.AWAITING_SHIPMENT,
    OrderStatus.CANCELLED,
    OrderStatus.CANCELLED,
)
"""Where an order that isn't a member's last may stand, by their share."""

_COLUMNS = {
    "sales_order": (
        "id", "order_no", "member_id", "kind", "status", "delivery", "address_encrypted",
        "region_code", "goods_total_fen", "discount_total_fen", "shipping_fen", "points_spent",
        "points_off_fen", "payable_fen", "paid_fen", "refunded_fen", "points_earned",
        "growth_earned", "discounts", "tier_code", "rule_version_id", "placed_at", "pay_before",
        "timeout_due_at", "paid_at", "shipped_at", "received_at", "completed_at", "final_at",
        "cancelled_at", "cancel_reason",
    ),
    "order_line": (
        "id", "order_id", "position", "sku_id", "product_id", "product_name", "sku_name",
        "image_url", "quantity", "refunded_quantity", "unit_price_fen", "discount_total_fen",
        "points_off_fen", "payable_fen", "refunded_fen", "discounts", "units",
    ),
    "order_event": ("id", "order_id", "kind", "happened_at"),
    "payment": (
        "id", "order_id", "out_trade_no", "method", "appid", "amount_fen", "status", "prepay_id",
        "transaction_id", "paid_at", "queries", "created_at", "updated_at",
    ),
}  # fmt: skip
"""In the order in which they are written: what refers to another comes after it."""

_COUNT_STOCK = """
WITH moved AS (
    SELECT line.sku_id,
           coalesce(sum(line.quantity) FILTER (WHERE o.paid_at IS NOT NULL), 0) AS sold,
           coalesce(sum(line.quantity) FILTER (WHERE o.status = 'AWAITING_PAYMENT'), 0) AS reserved
    FROM order_line AS line JOIN sales_order AS o ON o.id = line.order_id
    GROUP BY line.sku_id
)
UPDATE stock_level AS stock
SET sold = moved.sold, reserved = moved.reserved,
    initial = stock.available + moved.sold + moved.reserved
FROM moved WHERE moved.sku_id = stock.id
"""


@dataclass(slots=True)
class History:
    """Gathers orders; `batches` hands over what was gathered, `count_stock` comes last."""

    offers: Sequence[Offer]
    sealed_address: bytes
    rule_version_id: UUID
    appid: str
    now: datetime
    chance: random.Random
    orders: int = 0
    rows: dict[str, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {table: [] for table in _COLUMNS}
    )

    def add(self, member_id: UUID, tier_code: str, count: int) -> None:
        """Give a member so many orders; the last one of some awaits payment."""
        for place in range(count):
            is_last = place == count - 1
            status = (
                OrderStatus.AWAITING_PAYMENT
                if is_last and self.orders % 4 == 0
                else self.chance.choice(_STATUSES)
            )
            days = (count - 1 - place) * _DAYS_BETWEEN_ORDERS
            placed_at = self.now - timedelta(days=days, minutes=self.chance.randrange(1, 1_000))
            self._add_order(member_id, tier_code, status, placed_at)

    def batches(self) -> list[Batch]:
        """Return the gathered orders, and begin anew."""
        batches = [
            Batch.of(table, columns, self.rows[table]) for table, columns in _COLUMNS.items()
        ]
        self.rows = {table: [] for table in _COLUMNS}
        return batches

    def _add_order(
        self, member_id: UUID, tier_code: str, status: OrderStatus, placed_at: datetime
    ) -> None:
        self.orders += 1
        order_id, order_no = new_id(), f"{placed_at:%y%m%d}{self.orders:014d}"
        bought = self.chance.sample(self.offers, self.chance.randint(1, MOST_LINES))
        pieces = [self.chance.randint(1, 2) for _ in bought]
        total_fen = sum(
            offer.price_fen * count for offer, count in zip(bought, pieces, strict=True)
        )
        times = _times(status, placed_at)
        paid_at = times["paid_at"]
        awaits = status is OrderStatus.AWAITING_PAYMENT
        pay_before = self.now + _PAYABLE_FOR if awaits else placed_at + timedelta(minutes=30)
        self.rows["sales_order"].append(
            (
                *(order_id, order_no, member_id, "NORMAL", status.value, "EXPRESS"),
                *(self.sealed_address, REGION, total_fen, 0, 0, 0, 0, total_fen),
                *(total_fen if paid_at else 0, 0, 0, 0, "[]", tier_code, self.rule_version_id),
                *(placed_at, pay_before, pay_before if awaits else None, *times.values()),
                "MEMBER" if status is OrderStatus.CANCELLED else None,
            )
        )
        for position, (offer, count) in enumerate(zip(bought, pieces, strict=True)):
            self.rows["order_line"].append(_line(order_id, position, offer, count))
        self.rows["order_event"].append((new_id(), order_id, "PLACED", placed_at))
        if paid_at:
            self.rows["order_event"].append((new_id(), order_id, "PAID", paid_at))
        if paid_at or awaits:
            self.rows["payment"].append(
                (
                    *(new_id(), order_id, f"{order_no}P1", "WECHAT_MINI_PROGRAM", self.appid),
                    *(total_fen, "SUCCEEDED" if paid_at else "PREPAID", f"wx{order_no}"),
                    *(f"42{order_no}" if paid_at else None, paid_at, 0, placed_at, placed_at),
                )
            )


def _times(status: OrderStatus, placed_at: datetime) -> dict[str, datetime | None]:
    """Return when an order was paid, shipped, and so on, as far as it has come."""
    is_paid = status not in (OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED)
    is_shipped = status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED)
    is_completed = status is OrderStatus.COMPLETED
    received_at = placed_at + timedelta(hours=9) if is_completed else None
    return {
        "paid_at": placed_at + timedelta(minutes=1) if is_paid else None,
        "shipped_at": placed_at + timedelta(hours=5) if is_shipped else None,
        "received_at": received_at,
        "completed_at": received_at,
        "final_at": received_at,
        "cancelled_at": placed_at + timedelta(minutes=9)
        if status is OrderStatus.CANCELLED
        else None,
    }


def _line(order_id: UUID, position: int, offer: Offer, quantity: int) -> tuple[Any, ...]:
    payable_fen = offer.price_fen * quantity
    units = f"[[{quantity}, [], 0, {offer.price_fen}, 0, 0]]"
    return (
        *(new_id(), order_id, position, offer.sku_id, offer.product_id, offer.product_name),
        *(offer.sku_name, offer.image_url, quantity, 0, offer.price_fen, 0, 0, payable_fen, 0),
        *("[]", units),
    )


async def count_stock(connection: asyncpg.Connection) -> None:
    """Let the stock levels tell what the orders have sold and hold."""
    await connection.execute(_COUNT_STOCK)
