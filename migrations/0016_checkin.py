"""Check-ins, invitation rewards, messages, and accounts that end."""

from typing import Any

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.accounts import ExportStatus
from domain.invitations import NotRewarded
from domain.messages import MessageEvent
from models.ids import new_id


def _id() -> tuple[str, Any]:
    return ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True))


def _reference(name: str, model: str, **options: Any) -> tuple[str, Any]:
    return (
        name,
        fields.ForeignKeyField(
            f"models.{model}",
            source_field=f"{name}_id",
            db_constraint=True,
            to_field="id",
            related_name=False,
            on_delete=OnDelete.RESTRICT,
            **options,
        ),
    )


def _instant(name: str, **options: Any) -> tuple[str, Any]:
    return (name, fields.DatetimeField(auto_now=False, auto_now_add=False, **options))


_LEFT = CheckConstraint(
    check="(left_at IS NULL OR status = 'LEFT')"
    " AND (leaves_at IS NULL OR status IN ('ACTIVE', 'BLOCKED'))",
    name="member_left_check",
)


class Migration(migrations.Migration):
    dependencies = [("models", "0015_promotions")]
    initial = False
    operations = [
        ops.AddField("Member", "invitation_due_at", fields.DatetimeField(null=True)),
        ops.AddField("Member", "newcomer_gifts_from", fields.DatetimeField(null=True)),
        ops.AddField("Member", "leaves_at", fields.DatetimeField(null=True)),
        ops.AddField("Member", "left_at", fields.DatetimeField(null=True)),
        ops.AddConstraint("Member", _LEFT),
        ops.CreateModel(
            name="CheckIn",
            fields=[
                _id(),
                _reference("member", "Member"),
                ("day", fields.DateField()),
                ("run_start", fields.DateField()),
                ("cycle_day", fields.SmallIntField()),
                ("points", fields.BigIntField()),
                ("growth", fields.BigIntField()),
                ("made_up", fields.BooleanField(default=False)),
                ("act_month", fields.CharField(null=True, max_length=7)),
                ("make_up_seat", fields.SmallIntField(null=True)),
                _reference("coupon", "Coupon", null=True),
                ("merged", fields.BooleanField(default=False)),
                _instant("created_at"),
            ],
            options={
                "table": "check_in",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("member_id", "act_month", "make_up_seat"),
                        name="check_in_make_up_key",
                    ),
                    CheckConstraint(check="run_start <= day", name="check_in_run_check"),
                    CheckConstraint(check="cycle_day >= 1", name="check_in_cycle_day_check"),
                    CheckConstraint(
                        check="made_up = (make_up_seat IS NOT NULL)"
                        " AND made_up = (act_month IS NOT NULL)",
                        name="check_in_made_up_check",
                    ),
                    CheckConstraint(
                        check="points >= 0 AND growth >= 0"
                        " AND (NOT made_up OR (points = 0 AND growth = 0 AND coupon_id IS NULL))",
                        name="check_in_given_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A day that a member checked in, or made up for later.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                _id(),
                _reference("member", "Member"),
                (
                    "event",
                    fields.CharEnumField(
                        description="The occasions of a message.",
                        enum_type=MessageEvent,
                        max_length=32,
                    ),
                ),
                ("source_id", fields.UUIDField()),
                ("facts", fields.JSONField()),
                ("link", fields.CharField(null=True, max_length=256)),
                _instant("read_at", null=True),
                _instant("created_at"),
            ],
            options={
                "table": "message",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("member_id", "event", "source_id"), name="message_source_key"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One message: what it is about, and the facts its text is"
                " made from in the reader's language.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="InvitationReward",
            fields=[
                _id(),
                _reference("invitee", "Member"),
                _reference("inviter", "Member"),
                _reference("order", "Order", null=True, db_index=True),
                ("purchase_id", fields.UUIDField(null=True)),
                ("day", fields.DateField()),
                ("seat", fields.SmallIntField(null=True)),
                ("inviter_points", fields.BigIntField()),
                ("invitee_points", fields.BigIntField()),
                (
                    "refused",
                    fields.CharEnumField(
                        null=True,
                        description="Why the inviter got nothing for an invited member's first"
                        " order.",
                        enum_type=NotRewarded,
                        max_length=32,
                    ),
                ),
                ("phone_hash", fields.BinaryField(null=True)),
                _instant("taken_back_at", null=True),
                _instant("created_at"),
            ],
            options={
                "table": "invitation_reward",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("invitee_id",), name="invitation_reward_invitee_key"),
                    UniqueConstraint(
                        fields=("inviter_id", "day", "seat"), name="invitation_reward_seat_key"
                    ),
                    UniqueConstraint(fields=("phone_hash",), name="invitation_reward_phone_key"),
                    CheckConstraint(
                        check="inviter_points >= 0 AND invitee_points >= 0",
                        name="invitation_reward_points_check",
                    ),
                    CheckConstraint(
                        check="(seat IS NULL) = (refused IS NOT NULL)"
                        " AND (seat IS NOT NULL OR inviter_points = 0)",
                        name="invitation_reward_refused_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "What came of an invitation when the invited member's first"
                " purchase was final: once.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="DataExport",
            fields=[
                _id(),
                _reference("member", "Member"),
                (
                    "status",
                    fields.CharEnumField(
                        description="How far a member's export is.",
                        enum_type=ExportStatus,
                        max_length=32,
                    ),
                ),
                ("content_encrypted", fields.BinaryField(null=True)),
                _instant("requested_at"),
                _instant("due_at", null=True),
                _instant("ready_at", null=True),
                _instant("expires_at", null=True),
            ],
            options={
                "table": "data_export",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(status = 'READY') = (content_encrypted IS NOT NULL)",
                        name="data_export_content_check",
                    ),
                    CheckConstraint(
                        check="(status = 'PREPARING') = (due_at IS NOT NULL)",
                        name="data_export_due_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "All the data of a member, sealed, for them to fetch until it"
                " expires.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FormerIdentity",
            fields=[
                _id(),
                ("digest", fields.BinaryField()),
                _instant("left_at"),
            ],
            options={
                "table": "former_identity",
                "app": "models",
                "indexes": [Index(fields=["digest"]), Index(fields=["left_at"])],
                "pk_attr": "id",
                "table_description": "The keyed hash of an openid or a phone whose account ended,"
                " so that who comes anew is known.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(
            """
            ALTER TABLE check_in
                ADD CONSTRAINT check_in_make_up_key UNIQUE (member_id, act_month, make_up_seat),
                ADD CONSTRAINT check_in_run_check CHECK (run_start <= day),
                ADD CONSTRAINT check_in_cycle_day_check CHECK (cycle_day >= 1),
                ADD CONSTRAINT check_in_made_up_check CHECK (
                    made_up = (make_up_seat IS NOT NULL) AND made_up = (act_month IS NOT NULL)
                ),
                ADD CONSTRAINT check_in_given_check CHECK (
                    points >= 0 AND growth >= 0
                    AND (NOT made_up OR (points = 0 AND growth = 0 AND coupon_id IS NULL))
                );
            CREATE UNIQUE INDEX check_in_day_key ON check_in (member_id, day) WHERE NOT merged;

            ALTER TABLE message
                ADD CONSTRAINT message_source_key UNIQUE (member_id, event, source_id);
            CREATE INDEX message_member ON message (member_id, created_at DESC, id DESC);
            CREATE INDEX message_unread ON message (member_id) WHERE read_at IS NULL;

            ALTER TABLE invitation_reward
                ADD CONSTRAINT invitation_reward_invitee_key UNIQUE (invitee_id),
                ADD CONSTRAINT invitation_reward_seat_key UNIQUE (inviter_id, day, seat),
                ADD CONSTRAINT invitation_reward_phone_key UNIQUE (phone_hash),
                ADD CONSTRAINT invitation_reward_points_check CHECK (
                    inviter_points >= 0 AND invitee_points >= 0
                ),
                ADD CONSTRAINT invitation_reward_refused_check CHECK (
                    (seat IS NULL) = (refused IS NOT NULL)
                    AND (seat IS NOT NULL OR inviter_points = 0)
                );

            CREATE INDEX invitation_reward_purchase ON invitation_reward (purchase_id)
                WHERE purchase_id IS NOT NULL;

            ALTER TABLE data_export
                ADD CONSTRAINT data_export_content_check CHECK (
                    (status = 'READY') = (content_encrypted IS NOT NULL)
                ),
                ADD CONSTRAINT data_export_due_check CHECK (
                    (status = 'PREPARING') = (due_at IS NOT NULL)
                );
            CREATE UNIQUE INDEX data_export_open_key ON data_export (member_id)
                WHERE status = 'PREPARING';
            CREATE INDEX data_export_member ON data_export (member_id, requested_at DESC, id DESC);
            CREATE INDEX data_export_due ON data_export (due_at, id) WHERE due_at IS NOT NULL;
            CREATE INDEX data_export_expiry_due ON data_export (expires_at)
                WHERE status = 'READY';

            CREATE INDEX member_invited ON member (invited_by_id, invited_at DESC, id DESC)
                WHERE invited_by_id IS NOT NULL;
            CREATE INDEX member_invitation_due ON member (invitation_due_at, id)
                WHERE invitation_due_at IS NOT NULL;
            CREATE INDEX member_leaving_due ON member (leaves_at, id) WHERE leaves_at IS NOT NULL;
            """
        ),
    ]
