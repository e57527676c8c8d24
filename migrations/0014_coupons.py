"""Coupons: their terms, templates, campaigns, codes and grants."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0013_tiers")]
    initial = False
    operations: list[ops.Operation] = []
