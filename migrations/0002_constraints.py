"""Constraints, partial indexes, the append-only book and the search's bigrams."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = Path(__file__).with_name("sql") / "0002_constraints.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]
    initial = False
    operations = [ops.RunSQL(SQL.read_text(encoding="utf-8"))]
