"""A balance is read from the index of living lots alone, however far apart the lots lie."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0018_shop_purchases")]
    initial = False
    operations = [
        ops.RunSQL(
            """
            DROP INDEX points_lot_spendable;
            CREATE INDEX points_lot_spendable ON points_lot (member_id, expires_at, id)
                INCLUDE (remaining)
                WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL;
            """
        ),
    ]
