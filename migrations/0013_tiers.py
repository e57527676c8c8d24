"""Tier terms, tiers raised by new rules, benefits granted, and the days that were run."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.benefits import Benefit
from domain.tier_terms import TermCause
from models.ids import new_id


class Migration(migrations.Migration):
    dependencies = [("models", "0012_points")]
    initial = False
    operations = [
        ops.AddField(
            model_name="Member",
            name="tier_floor_code",
            field=fields.CharField(default="REGULAR", db_default="REGULAR", max_length=32),
        ),
        ops.AddField(
            model_name="Member",
            name="tier_since_seq",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Member",
            name="tier_warned_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.CreateModel(
            name="BenefitGrant",
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
                    "benefit",
                    fields.CharEnumField(
                        description="A benefit that is granted, with a record.",
                        enum_type=Benefit,
                        max_length=32,
                    ),
                ),
                ("period", fields.CharField(max_length=80)),
                ("tier_code", fields.CharField(max_length=32)),
                ("points", fields.BigIntField(default=0)),
                ("merged", fields.BooleanField(default=False)),
                (
                    "rule_version",
                    fields.ForeignKeyField(
                        "models.RuleVersion",
                        source_field="rule_version_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "benefit_grant",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="points >= 0", name="benefit_grant_points_check")
                ],
                "indexes": [Index(fields=["member_id"])],
                "pk_attr": "id",
                "table_description": "A benefit that a member was given in a window, once.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="DayRun",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("day", fields.DateField()),
                ("step", fields.CharField(max_length=32)),
                ("pieces", fields.BigIntField(default=0)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "day_run",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("day", "step"), name="day_run_key"),
                    CheckConstraint(check="pieces >= 0", name="day_run_pieces_check"),
                ],
                "pk_attr": "id",
                "table_description": "How far a step of a business day's work has come; finished once nothing can be added.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="TierRise",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("reached_id", fields.UUIDField(null=True)),
                ("risen", fields.BigIntField(default=0)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "tier_rise",
                "app": "models",
                "constraints": [CheckConstraint(check="risen >= 0", name="tier_rise_risen_check")],
                "pk_attr": "id",
                "table_description": "How far members were raised to tiers that a rule version puts in their reach.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="TierTerm",
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
                ("tier_code", fields.CharField(max_length=32)),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("review_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("since_seq", fields.BigIntField()),
                (
                    "cause",
                    fields.CharEnumField(
                        description="Why a term began.", enum_type=TermCause, max_length=32
                    ),
                ),
                ("threshold", fields.BigIntField()),
                ("growth", fields.BigIntField()),
                ("period_growth", fields.BigIntField()),
                (
                    "rule_version",
                    fields.ForeignKeyField(
                        "models.RuleVersion",
                        source_field="rule_version_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tier_term",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("member_id", "due_at"), name="tier_term_review_key"),
                    CheckConstraint(check="growth >= 0", name="tier_term_growth_check"),
                    CheckConstraint(
                        check="(due_at IS NOT NULL) = (cause IN ('KEPT', 'DOWN'))",
                        name="tier_term_due_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A tier that began to hold for a member; rows are never changed.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE tier_term ADD CONSTRAINT tier_term_review_key UNIQUE (member_id, due_at);
            ALTER TABLE tier_term ADD CONSTRAINT tier_term_growth_check CHECK (growth >= 0);
            ALTER TABLE tier_term ADD CONSTRAINT tier_term_due_check
                CHECK ((due_at IS NOT NULL) = (cause IN ('KEPT', 'DOWN')));
            ALTER TABLE tier_rise ADD CONSTRAINT tier_rise_risen_check CHECK (risen >= 0);
            ALTER TABLE tier_rise ADD CONSTRAINT tier_rise_id_fkey
                FOREIGN KEY (id) REFERENCES rule_version (id) ON DELETE RESTRICT;
            ALTER TABLE benefit_grant ADD CONSTRAINT benefit_grant_points_check
                CHECK (points >= 0);
            ALTER TABLE day_run ADD CONSTRAINT day_run_key UNIQUE (day, step);
            ALTER TABLE day_run ADD CONSTRAINT day_run_pieces_check CHECK (pieces >= 0);

            CREATE INDEX member_review_due ON member (tier_review_at, id)
                WHERE tier_review_at IS NOT NULL AND status = 'ACTIVE';
            CREATE INDEX member_warning_due ON member (tier_review_at, id)
                WHERE tier_review_at IS NOT NULL AND tier_warned_at IS NULL
                  AND status = 'ACTIVE';
            CREATE UNIQUE INDEX benefit_grant_key ON benefit_grant (member_id, benefit, period)
                WHERE NOT merged;

            CREATE TRIGGER tier_term_immutable BEFORE UPDATE OR DELETE ON tier_term
                FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER tier_term_kept BEFORE TRUNCATE ON tier_term
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            -- A merge gives grants to another member; what was granted stays.
            CREATE TRIGGER benefit_grant_words_immutable
                BEFORE UPDATE OF id, benefit, period, tier_code, points, rule_version_id, created_at
                ON benefit_grant FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER benefit_grant_immutable BEFORE DELETE ON benefit_grant
                FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER benefit_grant_kept BEFORE TRUNCATE ON benefit_grant
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            """
        ),
    ]
