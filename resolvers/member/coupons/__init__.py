"""Members' coupons, as far as a quote shows them."""
