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
)
