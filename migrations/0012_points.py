"""The debt's contra account in the book."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0011_public_changes")]
    initial = False
    operations = [
        ops.RunSQL(
            """
            CREATE OR REPLACE FUNCTION ensure_reference_rows() RETURNS void LANGUAGE sql AS $$
                INSERT INTO ledger_account (id, member_id, kind, unit, balance, seq, created_at)
                SELECT lpad(to_hex(number), 32, '0')::uuid, NULL, kind, unit, NULL, 0, now()
                FROM (VALUES (1, 'ISSUED', 'POINTS'), (2, 'REDEEMED', 'POINTS'),
                             (3, 'EXPIRED', 'POINTS'), (4, 'PARTNER', 'POINTS'),
                             (5, 'ADJUSTMENT', 'POINTS'), (6, 'GROWTH_ISSUED', 'GROWTH'),
                             (7, 'OWED', 'POINTS')) AS account (number, kind, unit)
                ON CONFLICT (id) DO NOTHING;
            $$;
            SELECT ensure_reference_rows();
            """
        ),
    ]
