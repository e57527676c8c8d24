"""Indexes for whom a member invited, for sessions past their time, and for their sign-ins."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0006_points_lot_use")]
    initial = False
    operations = [
        ops.AddIndex(model_name="Member", index=Index(fields=["invited_by_id"])),
        ops.AddIndex(model_name="Session", index=Index(fields=["expires_at"])),
        ops.AddIndex(model_name="SignInAttempt", index=Index(fields=["session_id"])),
    ]
