"""The columns of rewards and redemptions that their readers share."""

REWARD_COLUMNS = """reward.id, reward.kind, reward.name, reward.image_url, reward.description_html,
    reward.sku_id, reward.terms_id, reward.valid_days, reward.points_price, reward.cash_price_fen,
    reward.remaining, reward.per_member_limit, reward.min_tier_code, reward.position,
    reward.starts_at, reward.ends_at, reward.status"""
"""What there is to see of a `reward`."""

SHOWN_STATUS = """CASE
    WHEN redemption.cancelled_at IS NOT NULL THEN 'CANCELLED'
    WHEN redemption.order_id IS NULL THEN redemption.status
    WHEN sales_order.status IN ('SHIPPED', 'COMPLETED') THEN 'FULFILLED'
    WHEN sales_order.status IN ('AWAITING_PAYMENT', 'CANCELLED', 'REFUNDED')
        THEN sales_order.status
    ELSE 'AWAITING_SHIPMENT' END"""
"""Where a `redemption` stands, whose `sales_order` is joined if it has one."""

REDEMPTION_COLUMNS = f"""redemption.id, redemption.reward_id, redemption.quantity,
    redemption.points, redemption.cash_fen, redemption.order_id, redemption.coupon_id,
    redemption.created_at, {SHOWN_STATUS} AS status"""
"""What a member sees of a `redemption`."""

WITH_ORDER = "LEFT JOIN sales_order ON sales_order.id = redemption.order_id"
"""What `REDEMPTION_COLUMNS` needs beside the redemption."""
