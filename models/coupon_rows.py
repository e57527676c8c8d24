"""The columns of coupons and campaigns that their readers share."""

COUPON_COLUMNS = (
    "id",
    "code",
    "terms_id",
    "status",
    "valid_from",
    "valid_until",
    "order_id",
    "created_at",
)
"""What a member sees of a coupon, but for its terms: its row, place by place."""

CAMPAIGN_COLUMNS = """campaign.id, campaign.kind, campaign.status, campaign.claim_from,
    campaign.claim_until, campaign.quantity, campaign.claimed, campaign.per_member_limit,
    campaign.points_price, campaign.min_tier_code, campaign.audience, template.terms_id,
    template.valid_days, template.valid_from, template.valid_until"""
"""What there is to see of a `campaign`, and of its `template`."""
