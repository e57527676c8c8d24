"""Rows of carts and orders as the hot paths read them: by SQL, without model instances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CartLineRow:
    """A cart line with what decides whether it can be bought now."""

    id: UUID
    member_id: UUID
    sku_id: UUID
    quantity: int
    selected: bool
    price_when_added_fen: int
    product_name: str
    is_for_sale: bool
    available: int
    purchase_limit: int | None
    purchased: int


CART_LINES = """
SELECT line.id, line.member_id, line.sku_id, line.quantity, line.selected,
       line.price_when_added_fen, product.name AS product_name,
       sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
       coalesce(stock.available, 0) AS available, sku.purchase_limit,
       coalesce(bought.pieces, 0) AS purchased
FROM cart_line AS line
JOIN sku ON sku.id = line.sku_id
JOIN product ON product.id = sku.product_id
LEFT JOIN stock_level AS stock ON stock.id = line.sku_id
LEFT JOIN purchase_count AS bought
    ON bought.member_id = line.member_id AND bought.sku_id = line.sku_id
WHERE line.member_id = ANY($1)
ORDER BY line.created_at DESC, line.id DESC
"""
"""The cart lines of members ($1), newest first, as `CartLineRow`."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order. Amounts in fen; `discounts` is what `domain.pricing` stores."""

    id: UUID
    order_no: str
    member_id: UUID
    kind: str
    status: str
    delivery: str
    store_id: UUID | None
    address_encrypted: bytes | None
    region_code: str | None
    remark: str | None
    goods_total_fen: int
    discount_total_fen: int
    shipping_fen: int
    points_spent: int
    points_off_fen: int
    payable_fen: int
    paid_fen: int
    refunded_fen: int
    points_earned: int
    discounts: Any
    tier_code: str
    rule_version_id: UUID | None
    placed_at: datetime
    pay_before: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    received_at: datetime | None
    completed_at: datetime | None
    final_at: datetime | None
    cancel_reason: str | None
    cancel_note: str | None
    pickup_code: str | None


ORDER_COLUMNS = ", ".join(f"o.{name}" for name in OrderRow.__dataclass_fields__)
"""The columns of `OrderRow`, of a sales_order that the statement calls `o`."""


@dataclass(frozen=True, slots=True)
class OrderLineRow:
    """A line of an order: the snapshot of what was bought."""

    id: UUID
    order_id: UUID
    position: int
    sku_id: UUID | None
    product_name: str
    sku_name: str
    image_url: str | None
    quantity: int
    refunded_quantity: int
    unit_price_fen: int
    discount_total_fen: int
    points_off_fen: int
    payable_fen: int
    refunded_fen: int


ORDER_LINE_COLUMNS = ", ".join(OrderLineRow.__dataclass_fields__)
"""The columns of `OrderLineRow`."""
