"""Purchases at a shop's counter, and what was brought back of them."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.ids import new_id


def _id() -> tuple[str, Any]:
    return ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True))


def _reference(name: str, model: str, **options: Any) -> tuple[str, Any]:
    return (
        name,
        fields.ForeignKeyField(
            f"models.{model}",
            source_field=f"{name}_id",
            db_constraint=True,
            to_field="id",
            related_name=False,
            on_delete=OnDelete.RESTRICT,
            **options,
        ),
    )


def _instant(name: str) -> tuple[str, Any]:
    return (name, fields.DatetimeField(auto_now=False, auto_now_add=False))


_PURCHASE = [
    UniqueConstraint(fields=("source", "source_id"), name="shop_purchase_source_key"),
    CheckConstraint(
        check="amount_fen BETWEEN 1 AND 9007199254740991", name="shop_purchase_amount_check"
    ),
    CheckConstraint(
        check="refunded_fen BETWEEN 0 AND amount_fen", name="shop_purchase_refunded_check"
    ),
    CheckConstraint(check="points >= 0 AND growth >= 0", name="shop_purchase_earned_check"),
]
_RETURN = [
    UniqueConstraint(fields=("source", "source_id"), name="shop_return_source_key"),
    CheckConstraint(check="amount_fen >= 1", name="shop_return_amount_check"),
    CheckConstraint(check="points >= 0 AND growth >= 0", name="shop_return_taken_check"),
]


class Migration(migrations.Migration):
    dependencies = [("models", "0017_orders")]
    initial = False
    operations = [
        ops.CreateModel(
            name="ShopPurchase",
            fields=[
                _id(),
                _reference("member", "Member"),
                _reference("store", "Store", null=True),
                ("source", fields.CharField(max_length=32)),
                ("source_id", fields.CharField(max_length=128)),
                ("amount_fen", fields.BigIntField()),
                ("refunded_fen", fields.BigIntField(default=0)),
                ("points", fields.BigIntField()),
                ("growth", fields.BigIntField()),
                ("tier_code", fields.CharField(max_length=32)),
                _reference("rule_version", "RuleVersion"),
                _instant("purchased_at"),
            ],
            options={
                "table": "shop_purchase",
                "app": "models",
                "constraints": _PURCHASE,
                "indexes": [Index(fields=["member_id", "purchased_at"])],
                "pk_attr": "id",
                "table_description": "What a member bought at a counter, under its number in the "
                "till's system.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="ShopReturn",
            fields=[
                _id(),
                _reference("purchase", "ShopPurchase"),
                ("source", fields.CharField(max_length=32)),
                ("source_id", fields.CharField(max_length=128)),
                ("amount_fen", fields.BigIntField()),
                ("points", fields.BigIntField()),
                ("growth", fields.BigIntField()),
                _instant("created_at"),
            ],
            options={
                "table": "shop_return",
                "app": "models",
                "constraints": _RETURN,
                "indexes": [Index(fields=["purchase_id"])],
                "pk_attr": "id",
                "table_description": "What was brought back of a purchase, once for each number; "
                "with its share of what it earned.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE shop_purchase
                ADD CONSTRAINT shop_purchase_source_key UNIQUE (source, source_id),
                ADD CONSTRAINT shop_purchase_amount_check
                    CHECK (amount_fen BETWEEN 1 AND 9007199254740991),
                ADD CONSTRAINT shop_purchase_refunded_check
                    CHECK (refunded_fen BETWEEN 0 AND amount_fen),
                ADD CONSTRAINT shop_purchase_earned_check CHECK (points >= 0 AND growth >= 0);
            ALTER TABLE shop_return
                ADD CONSTRAINT shop_return_source_key UNIQUE (source, source_id),
                ADD CONSTRAINT shop_return_amount_check CHECK (amount_fen >= 1),
                ADD CONSTRAINT shop_return_taken_check CHECK (points >= 0 AND growth >= 0);
            CREATE TRIGGER shop_return_immutable BEFORE UPDATE OR DELETE ON shop_return
                FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER shop_return_kept BEFORE TRUNCATE ON shop_return
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            """,
            reverse_sql="""
            DROP TRIGGER shop_return_kept ON shop_return;
            DROP TRIGGER shop_return_immutable ON shop_return;
            """,
        ),
    ]
