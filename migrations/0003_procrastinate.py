"""The job queue's tables and functions, which live beside ours so that jobs join transactions."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = Path(__file__).with_name("sql") / "0003_procrastinate_3_10_0.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0002_constraints")]
    initial = False
    operations = [ops.RunSQL(SQL.read_text(encoding="utf-8"))]
