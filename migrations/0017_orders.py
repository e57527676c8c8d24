"""When an order is final, and what was taken back of it."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0016_checkin")]
    initial = False
    operations: list[ops.Operation] = []
