"""Points that end: what was earned in all, what expired, daily caps, and the debt's account.

The system's accounts are rolled up, so that nobody sums their entries from the first one again.
"""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.ledger import EntryReason
from models.ids import new_id

_EARNED = CheckConstraint(check="earned >= 0", name="ledger_account_earned_check")
_EXPIRED = CheckConstraint(
    check="expired >= 0 AND forgiven BETWEEN 0 AND expired AND expired + remaining <= earned",
    name="points_lot_expired_check",
)
_WRITTEN_OFF = CheckConstraint(
    check="written_off_at IS NULL OR remaining = 0", name="points_lot_written_off_check"
)


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
        ops.AddField("LedgerAccount", "earned", fields.BigIntField(default=0, db_default=0)),
        ops.RunSQL(
            """
            UPDATE ledger_account AS account SET earned = lots.earned
            FROM (
                SELECT member_id, sum(earned) AS earned FROM points_lot
                WHERE NOT is_pending AND reason NOT LIKE '%\\_RETURNED'
                GROUP BY member_id
            ) AS lots
            WHERE account.member_id = lots.member_id AND account.kind = 'SPENDABLE';
            """
        ),
        ops.AddConstraint("LedgerAccount", _EARNED),
        ops.AddField("PointsLot", "expired", fields.BigIntField(default=0, db_default=0)),
        ops.AddField("PointsLot", "forgiven", fields.BigIntField(default=0, db_default=0)),
        ops.AddConstraint("PointsLot", _EXPIRED),
        ops.AddConstraint("PointsLot", _WRITTEN_OFF),
        ops.CreateModel(
            name="PointsCapCount",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "reason",
                    fields.CharEnumField(
                        description="Why an entry was written; the words of PointsReason and "
                        "GrowthReason.",
                        enum_type=EntryReason,
                        max_length=32,
                    ),
                ),
                ("day", fields.DateField()),
                ("points", fields.BigIntField()),
            ],
            options={
                "table": "points_cap_count",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("member_id", "day", "reason"), name="points_cap_count_key"
                    ),
                    CheckConstraint(check="points >= 0", name="points_cap_count_points_check"),
                ],
                "pk_attr": "id",
                "table_description": "Points given to a member for a reason on one day, where "
                "a cap holds.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="LedgerRollup",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("total", fields.BigIntField()),
                ("reached_id", fields.UUIDField()),
                ("rolled_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "ledger_rollup",
                "app": "models",
                "pk_attr": "id",
                "table_description": "The sum of a system account's entries whose ids lie before "
                "`reached_id`.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE points_cap_count ADD CONSTRAINT points_cap_count_key
                UNIQUE (member_id, day, reason);
            ALTER TABLE points_cap_count ADD CONSTRAINT points_cap_count_points_check
                CHECK (points >= 0);
            ALTER TABLE ledger_rollup ADD CONSTRAINT ledger_rollup_id_fkey
                FOREIGN KEY (id) REFERENCES ledger_account (id) ON DELETE RESTRICT;
            CREATE INDEX points_lot_expiry_due ON points_lot (expires_at, id)
                WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL;
            """
        ),
    ]
