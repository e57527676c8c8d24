"""Rows of the catalogue as its lists, loaders and services read them."""

PRODUCT_COLUMNS = """
    product.id, product.name, product.subtitle, product.images, product.attributes,
    product.options, product.status, product.no_reason_return, product.position,
    product.published_at, product.sold, product.min_price_fen, product.max_price_fen,
    product.in_stock
"""
"""What a product's row holds wherever it is read; the description is read only when asked for."""
