"""Invitations that were settled, accounts that ended, and what members took out of the mall."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.accounts import ExportStatus
from domain.invitations import NotRewarded
from models.fields import Table, belongs_to, word


class InvitationReward(Table):
    """What came of an invitation when the invited member's first purchase was final: once.

    A `seat` is the inviter's place among the rewarded of a day. `refused` says why the inviter got
    nothing. `phone_hash` is the invited member's phone: it counts for one invitation.
    """

    invitee = belongs_to("Member")
    inviter = belongs_to("Member")
    order = belongs_to("Order", null=True, db_index=True)
    purchase_id = fields.UUIDField(null=True)
    day = fields.DateField()
    seat = fields.SmallIntField(null=True)
    inviter_points = fields.BigIntField()
    invitee_points = fields.BigIntField()
    refused = word(NotRewarded, null=True)
    phone_hash = fields.BinaryField(null=True)
    taken_back_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "invitation_reward"
        constraints = (
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
        )


class DataExport(Table):
    """All the data of a member, sealed, for them to fetch until it expires."""

    member = belongs_to("Member")
    status = word(ExportStatus)
    content_encrypted = fields.BinaryField(null=True)
    requested_at = fields.DatetimeField()
    due_at = fields.DatetimeField(null=True)
    ready_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "data_export"
        constraints = (
            CheckConstraint(
                check="(status = 'READY') = (content_encrypted IS NOT NULL)",
                name="data_export_content_check",
            ),
            CheckConstraint(
                check="(status = 'PREPARING') = (due_at IS NOT NULL)",
                name="data_export_due_check",
            ),
        )


class FormerIdentity(Table):
    """The keyed hash of an openid or a phone whose account ended, so that who comes anew is known.

    Nothing leads from it to who it was.
    """

    digest = fields.BinaryField()
    left_at = fields.DatetimeField()

    class Meta:
        table = "former_identity"
        indexes = (("digest",), ("left_at",))
