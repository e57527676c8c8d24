"""The book can't be emptied at one stroke either, and what a person agreed to never changes."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0009_scenes_uploads")]
    initial = False
    operations = [
        # Triggers for each row don't hear a TRUNCATE.
        ops.RunSQL(
            "CREATE TRIGGER ledger_entry_kept BEFORE TRUNCATE ON ledger_entry"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ),
        ops.RunSQL(
            "CREATE TRIGGER ledger_transaction_kept BEFORE TRUNCATE ON ledger_transaction"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ),
        ops.RunSQL(
            "CREATE TRIGGER consent_kept BEFORE TRUNCATE ON consent"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        ),
        # A merge gives consents to another member; their words stay.
        ops.RunSQL(
            "CREATE TRIGGER consent_words_immutable"
            " BEFORE UPDATE OF id, kind, version, given, given_at ON consent"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        ),
    ]
