"""One invitation scene for each member, and the index of forms that nobody posted."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0008_search")]
    initial = False
    operations = [
        ops.RunSQL("DROP INDEX scene_invitation_key"),  # It was not unique.
        ops.RunSQL(
            "CREATE UNIQUE INDEX scene_invitation_key ON scene (inviter_id)"
            " WHERE kind = 'INVITATION'"
        ),
        ops.RunSQL(
            "CREATE INDEX upload_unused_due ON upload (expires_at) WHERE status = 'PENDING'"
        ),
    ]
