"""Tier terms, benefits granted, and the days that were run."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0012_points")]
    initial = False
    operations: list[ops.Operation] = []
