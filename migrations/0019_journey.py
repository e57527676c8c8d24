"""What the imported purchases need."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0018_shop_purchases")]
    initial = False
    operations: list[ops.Operation] = []
