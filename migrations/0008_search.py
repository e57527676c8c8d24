"""The search asks by pairs of characters, and suggestions by the name alone."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

SQL = Path(__file__).with_name("sql") / "0008_search.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0007_member_indexes")]
    initial = False
    operations = [
        # Everything in this table comes from `product`; it is filled anew below.
        ops.RunSQL("DELETE FROM product_text"),
        ops.AddField(model_name="ProductText", name="name", field=fields.TextField(unique=False)),
        ops.RunSQL(SQL.read_text(encoding="utf-8")),
    ]
