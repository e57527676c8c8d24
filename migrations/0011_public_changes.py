"""PostgreSQL tells web processes when what anybody may see has changed."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = Path(__file__).with_name("sql") / "0011_public_changes.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0010_append_only")]
    initial = False
    operations = [ops.RunSQL(SQL.read_text(encoding="utf-8"))]
