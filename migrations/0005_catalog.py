"""The product lists' indexes, the search's own table, and the marks of sweeps."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from models.ids import new_id

SQL = Path(__file__).with_name("sql") / "0005_catalog.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0004_ledger_source")]
    initial = False
    operations = [
        ops.CreateModel(
            name="ProductText",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("text", fields.TextField(unique=False)),
            ],
            options={
                "table": "product_text",
                "app": "models",
                "pk_attr": "id",
                "table_description": "What the search reads of a product; the id is the product's.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="SweepMark",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=32)),
                ("reached_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sweep_mark",
                "app": "models",
                "pk_attr": "id",
                "table_description": "How far a sweep over changed rows has come; its lock lets one sweep work at a time.",
            },
            bases=["Table"],
        ),
        ops.AddIndex(model_name="Sku", index=Index(fields=["updated_at"])),
        ops.AddIndex(model_name="StockLevel", index=Index(fields=["updated_at"])),
        ops.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
