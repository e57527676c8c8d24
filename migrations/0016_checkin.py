"""Check-ins, invitation rewards, messages, and accounts that end."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0015_promotions")]
    initial = False
    operations: list[ops.Operation] = []
