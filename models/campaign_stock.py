"""Pieces that are set aside for one campaign: a shelf of its own beside the SKU's."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint

from models.fields import Table, belongs_to


class CampaignStock(Table):
    """What a SKU has set aside for a flash sale's or group buy's item (docs/rules.md, section 6).

    Once closed, nothing is available here any more, and what comes back goes to the SKU: it is
    `returned`. A SKU's set aside is the sum of its campaigns' less what they returned.
    """

    sku = belongs_to("Sku")
    set_aside = fields.BigIntField()
    available = fields.BigIntField()
    reserved = fields.BigIntField(default=0)
    sold = fields.BigIntField(default=0)
    returned = fields.BigIntField(default=0)
    closed_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "campaign_stock"
        indexes = (("sku_id",),)
        constraints = (
            CheckConstraint(
                check="set_aside = available + reserved + sold + returned",
                name="campaign_stock_equation_check",
            ),
            CheckConstraint(
                check="set_aside >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0"
                " AND returned >= 0",
                name="campaign_stock_positive_check",
            ),
            CheckConstraint(
                check="closed_at IS NULL OR available = 0", name="campaign_stock_closed_check"
            ),
        )
