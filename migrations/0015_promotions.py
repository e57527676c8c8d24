"""Promotions, and rewards for points."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0014_coupons")]
    initial = False
    operations: list[ops.Operation] = []
