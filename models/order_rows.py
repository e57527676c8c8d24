"""Rows of carts and orders as they are read: by SQL, without model instances."""

from __future__ import annotations

from dataclasses import dataclass
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


ORDER_COLUMNS = (
    # At a glance.
    *("id", "placed_at", "order_no", "status", "payable_fen"),
    # On a card, with what can be done.
    *("kind", "delivery", "pay_before"),
    # What its deadlines depend on, and where it is.
    *("paid_at", "shipped_at", "received_at", "rule_version_id", "store_id", "paid_fen"),
    # On its page.
    *("address_encrypted", "remark", "goods_total_fen", "discount_total_fen", "shipping_fen"),
    *("points_spent", "points_off_fen", "refunded_fen", "points_earned", "discounts"),
    *("completed_at", "final_at", "cancel_reason", "cancel_note", "pickup_code"),
)
"""An order's row, place by place; amounts in fen.

What is asked most stands first: a statement reads as many as it needs, and each keeps its place.
"""

AT_A_GLANCE = ORDER_COLUMNS.index("kind")
ON_A_CARD = ORDER_COLUMNS.index("paid_at")
WITH_DEADLINES = ORDER_COLUMNS.index("address_encrypted")
ON_ITS_PAGE = len(ORDER_COLUMNS)

ORDER_LINE_COLUMNS = (
    *("order_id", "id", "product_name", "sku_name", "image_url", "quantity", "unit_price_fen"),
    *("sku_id", "discount_total_fen", "points_off_fen", "payable_fen"),
    *("refunded_fen", "refunded_quantity"),
)
"""The row of an order's line, place by place: the snapshot of what was bought."""

SNAPSHOT = ORDER_LINE_COLUMNS.index("sku_id")
WHOLE_LINE = len(ORDER_LINE_COLUMNS)
