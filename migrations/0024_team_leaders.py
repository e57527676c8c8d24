"""Teams are found by who opened them: exports and merges of members ask for theirs."""

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0023_news")]
    initial = False
    operations = [ops.AddIndex(model_name="GroupBuyTeam", index=Index(fields=["leader_id"]))]
