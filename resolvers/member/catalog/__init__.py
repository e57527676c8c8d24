"""Categories, products, SKUs, stores and banners, as members see them."""
