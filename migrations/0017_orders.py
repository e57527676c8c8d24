"""When an order is final, and what refunds took back of it."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.ids import new_id

_REFUNDS = CheckConstraint(check="refunds_open >= 0", name="sales_order_refunds_check")
_FINALITY = CheckConstraint(
    check="finality_due_at IS NULL OR final_at IS NOT NULL AND finalized_at IS NULL",
    name="sales_order_finality_check",
)
_WITHDRAWN = CheckConstraint(
    check="withdrawn_quantity BETWEEN 0 AND refunded_quantity",
    name="order_line_withdrawn_quantity_check",
)
_POSITIVE = CheckConstraint(
    check="goods_fen >= 0 AND shipping_fen >= 0 AND points_returned >= 0"
    " AND points_taken >= 0 AND growth_taken >= 0",
    name="order_reversal_positive_check",
)


class Migration(migrations.Migration):
    dependencies = [("models", "0016_checkin")]
    initial = False
    operations = [
        ops.AddField("Order", "finality_due_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "finalized_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "events_due_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "refunds_open", fields.SmallIntField(default=0, db_default=0)),
        ops.AddConstraint("Order", _REFUNDS),
        ops.AddConstraint("Order", _FINALITY),
        ops.AddField("OrderLine", "withdrawn_quantity", fields.IntField(default=0, db_default=0)),
        ops.AddConstraint("OrderLine", _WITHDRAWN),
        ops.CreateModel(
            name="OrderReversal",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "order",
                    fields.ForeignKeyField(
                        "models.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("lines", fields.JSONField()),
                ("goods_fen", fields.BigIntField()),
                ("shipping_fen", fields.BigIntField()),
                ("points_returned", fields.BigIntField()),
                ("points_taken", fields.BigIntField()),
                ("growth_taken", fields.BigIntField()),
                ("coupon_returned", fields.BooleanField()),
                ("before_shipment", fields.BooleanField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "order_reversal",
                "app": "models",
                "constraints": [_POSITIVE],
                "indexes": [Index(fields=["order_id"])],
                "pk_attr": "id",
                "table_description": "What a refund took back and gave back; its id is the "
                "refund's, so that it happens once.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE order_reversal ADD CONSTRAINT order_reversal_positive_check
                CHECK (goods_fen >= 0 AND shipping_fen >= 0 AND points_returned >= 0
                       AND points_taken >= 0 AND growth_taken >= 0);
            CREATE TRIGGER order_reversal_immutable BEFORE UPDATE OR DELETE ON order_reversal
                FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER order_reversal_kept BEFORE TRUNCATE ON order_reversal
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            -- Nobody reads it: an order's finality has a due column of its own now.
            DROP INDEX sales_order_final_due;
            CREATE INDEX sales_order_finality_due ON sales_order (finality_due_at, id)
                WHERE finality_due_at IS NOT NULL AND refunds_open = 0;
            CREATE INDEX sales_order_events_due ON sales_order (events_due_at, id)
                WHERE events_due_at IS NOT NULL;
            """
        ),
    ]
