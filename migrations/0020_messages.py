"""The day's jobs find who checked in on a day, and messages that are old, by an index."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0019_points_lot_cover")]
    initial = False
    operations = [
        ops.RunSQL(
            """
            -- With the member: a check-in planned while the table is empty may take this index.
            CREATE INDEX check_in_of_day ON check_in (day, member_id) WHERE NOT merged;
            CREATE INDEX message_age ON message (created_at);
            """
        ),
    ]
