from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.ledger import SourceKind
from models.ids import new_id
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    dependencies = [("models", "0005_catalog")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PointsLotUse",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "lot",
                    fields.ForeignKeyField(
                        "models.PointsLot",
                        source_field="lot_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "source_kind",
                    fields.CharEnumField(
                        description="What a transaction comes from; with the source's id, reason and unit it is unique.",
                        enum_type=SourceKind,
                        max_length=32,
                    ),
                ),
                ("source_id", fields.UUIDField()),
                ("points", fields.BigIntField()),
                ("returned", fields.BigIntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "points_lot_use",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("source_id", "source_kind", "lot_id"), name="points_lot_use_key"
                    ),
                    CheckConstraint(check="points > 0", name="points_lot_use_points_check"),
                    CheckConstraint(
                        check="returned BETWEEN 0 AND points", name="points_lot_use_returned_check"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "What a spending took from a lot, so that a return finds its way back into it.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE points_lot_use ADD CONSTRAINT points_lot_use_key
                UNIQUE (source_id, source_kind, lot_id);
            ALTER TABLE points_lot_use ADD CONSTRAINT points_lot_use_points_check
                CHECK (points > 0);
            ALTER TABLE points_lot_use ADD CONSTRAINT points_lot_use_returned_check
                CHECK (returned BETWEEN 0 AND points);
            CREATE INDEX points_lot_spendable ON points_lot (member_id, expires_at, id)
                WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL;
            """
        ),
    ]
