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


ORDER_CARD = """
    o.id, o.order_no, o.member_id, o.kind, o.status, o.delivery, o.store_id, o.payable_fen,
    o.paid_fen, o.rule_version_id, o.placed_at, o.pay_before, o.paid_at, o.shipped_at, o.received_at
"""
"""What an order's row holds wherever it is read; amounts in fen. The statement calls it `o`."""

ORDER_COLUMNS = f"""
    {ORDER_CARD}, o.address_encrypted, o.remark, o.goods_total_fen, o.discount_total_fen,
    o.shipping_fen, o.points_spent, o.points_off_fen, o.refunded_fen, o.points_earned, o.discounts,
    o.completed_at, o.final_at, o.cancel_reason, o.cancel_note, o.pickup_code
"""
"""An order's row with what its page adds."""

ORDER_LINE_COLUMNS = """
    id, order_id, sku_id, product_name, sku_name, image_url, quantity, refunded_quantity,
    unit_price_fen, discount_total_fen, points_off_fen, payable_fen, refunded_fen
"""
"""What the row of an order's line holds: the snapshot of what was bought."""
