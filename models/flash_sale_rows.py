"""Rows of flash sales as they are read: by SQL, without model instances."""

SALE_COLUMNS = "id, id AS sale_id, name, name_en, state, starts_at, ends_at"
"""A sale, for a statement over `flash_sale` alone."""

ITEM_COLUMNS = """
    item.id, item.sale_id, item.sku_id, item.price_fen, item.quantity, item.per_member_limit,
    item.min_tier_code, item.buckets, item.position, sale.name, sale.name_en, sale.state,
    sale.starts_at, sale.ends_at, product.name AS product_name,
    sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
    coalesce(shelf.available, item.quantity) AS available
"""
ITEM_SOURCE = """
    flash_sale_item AS item
    JOIN flash_sale AS sale ON sale.id = item.sale_id
    JOIN sku ON sku.id = item.sku_id
    JOIN product ON product.id = sku.product_id
    LEFT JOIN campaign_stock AS shelf ON shelf.id = item.stock_id
"""
"""An item with its sale, which a sale's row can be read from as well, and what is left of it."""

TICKET_COLUMNS = "id, item_id, member_id, quantity, claimed_at, status, reason"
"""A ticket that has been decided."""
