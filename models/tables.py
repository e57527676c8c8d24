"""Every module that holds tables, for Tortoise and for the tests that read the catalogue."""

MODULES = (
    "models.members",
    "models.catalog",
    "models.orders",
    "models.ledger",
    "models.tiers",
    "models.coupons",
    "models.promotions",
    "models.rewards",
    "models.checkin",
    "models.messages",
    "models.accounts",
    "models.shop",
    "models.campaign_stock",
    "models.flash_sales",
    "models.group_buys",
    "models.news",
)
