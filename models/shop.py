"""Purchases at a shop's counter, and what was brought back of them."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.fields import Table, belongs_to, fen


class ShopPurchase(Table):
    """What a member bought at a counter, under its number in the till's system.

    `points` and `growth` are what it earned, by the tier and rules of that moment. It is final at
    once: what is brought back takes its share of both.
    """

    member = belongs_to("Member")
    store = belongs_to("Store", null=True)
    source = fields.CharField(max_length=32)
    source_id = fields.CharField(max_length=128)
    amount_fen = fen()
    refunded_fen = fen(default=0)
    points = fields.BigIntField()
    growth = fields.BigIntField()
    tier_code = fields.CharField(max_length=32)
    rule_version = belongs_to("RuleVersion")
    purchased_at = fields.DatetimeField()

    class Meta:
        table = "shop_purchase"
        indexes = (("member_id", "purchased_at"),)
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="shop_purchase_source_key"),
            CheckConstraint(
                check="amount_fen BETWEEN 1 AND 9007199254740991", name="shop_purchase_amount_check"
            ),
            CheckConstraint(
                check="refunded_fen BETWEEN 0 AND amount_fen", name="shop_purchase_refunded_check"
            ),
            CheckConstraint(check="points >= 0 AND growth >= 0", name="shop_purchase_earned_check"),
        )


class ShopReturn(Table):
    """What was brought back of a purchase, once for each number; with its share of what it earned.

    Rows are never changed.
    """

    purchase = belongs_to("ShopPurchase")
    source = fields.CharField(max_length=32)
    source_id = fields.CharField(max_length=128)
    amount_fen = fen()
    points = fields.BigIntField()
    growth = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "shop_return"
        indexes = (("purchase_id",),)
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="shop_return_source_key"),
            CheckConstraint(check="amount_fen >= 1", name="shop_return_amount_check"),
            CheckConstraint(check="points >= 0 AND growth >= 0", name="shop_return_taken_check"),
        )
