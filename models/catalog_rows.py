"""Rows of the catalogue as its lists, loaders and services read them."""

PRODUCT_CARD = """
    product.id, product.name, product.subtitle, product.images, product.status, product.position,
    product.published_at, product.sold, product.min_price_fen, product.max_price_fen,
    product.in_stock
"""
"""What a product's row holds wherever it is read."""

PRODUCT_COLUMNS = f"{PRODUCT_CARD}, product.attributes, product.options, product.no_reason_return"
"""A product's row with what its page adds; the description is read only when asked for."""
