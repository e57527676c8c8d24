"""What anybody may see, by tags, and where PostgreSQL tells that some of it has changed."""

from __future__ import annotations

from enum import StrEnum

CHANNEL = "public_changes"
"""Triggers tell of a committed change here; the payload is the tag."""


class PublicTag(StrEnum):
    """What public answers are made from: the tables behind each word are the triggers' to say."""

    CATALOG = "catalog"
    """Categories, products and SKUs, their prices and figures."""
    STOCK = "stock"
    """Whether there are any pieces of a SKU. Not how many: each order would tell."""
    STORES = "stores"
    BANNERS = "banners"
    RULES = "rules"
    """Rule versions: tiers, points, the brand, hot searches."""
    AGREEMENTS = "agreements"
    CAMPAIGNS = "campaigns"
    """Coupon campaigns and their templates, and whether any coupons are left."""
    REWARDS = "rewards"
    """What points buy, and whether any of it is left."""
