"""Members, their identities, sessions, consents, addresses and uploads."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.members import (
    AgreementKind,
    Gender,
    IdentityKind,
    MemberStatus,
    SceneKind,
    UploadPurpose,
    UploadStatus,
)
from models.fields import Table, belongs_to, word


class Member(Table):
    """A person, or a visitor while `joined_at` is null.

    `invitation_due_at`: since when a first purchase is final that nobody has been rewarded for.
    `newcomer_gifts_from`: not before then, for who left and came back. `leaves_at`: they asked to
    leave, and will have left then.
    """

    member_no = fields.CharField(max_length=20, unique=True)
    status = word(MemberStatus, default=MemberStatus.ACTIVE)
    merged_into = belongs_to("Member", null=True)
    nickname = fields.CharField(max_length=64, default="")
    avatar_url = fields.CharField(max_length=512, null=True)
    gender = word(Gender, default=Gender.UNKNOWN)
    birthday = fields.DateField(null=True)
    phone_encrypted = fields.BinaryField(null=True)
    phone_hash = fields.BinaryField(null=True)
    phone_verified_at = fields.DatetimeField(null=True)
    invite_code = fields.CharField(max_length=16, unique=True)
    invited_by = belongs_to("Member", null=True)
    invited_at = fields.DatetimeField(null=True)
    joined_at = fields.DatetimeField(null=True)
    tier_code = fields.CharField(max_length=32, default="REGULAR")
    tier_since = fields.DatetimeField()
    tier_review_at = fields.DatetimeField(null=True)
    tier_floor_code = fields.CharField(max_length=32, default="REGULAR", db_default="REGULAR")
    tier_since_seq = fields.BigIntField(default=0, db_default=0)
    tier_warned_at = fields.DatetimeField(null=True)
    lifetime_growth = fields.BigIntField(default=0)
    source = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=64, null=True)
    invitation_due_at = fields.DatetimeField(null=True)
    newcomer_gifts_from = fields.DatetimeField(null=True)
    leaves_at = fields.DatetimeField(null=True)
    left_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "member"
        constraints = (
            UniqueConstraint(fields=("phone_hash",), name="member_phone_hash_key"),
            UniqueConstraint(fields=("source", "source_id"), name="member_source_key"),
            CheckConstraint(
                check="(status = 'MERGED') = (merged_into_id IS NOT NULL)",
                name="member_merged_into_check",
            ),
            CheckConstraint(
                check="(phone_hash IS NULL) = (phone_encrypted IS NULL)",
                name="member_phone_check",
            ),
            CheckConstraint(check="lifetime_growth >= 0", name="member_lifetime_growth_check"),
            CheckConstraint(
                check="(left_at IS NULL OR status = 'LEFT')"
                " AND (leaves_at IS NULL OR status IN ('ACTIVE', 'BLOCKED'))",
                name="member_left_check",
            ),
        )
        indexes = (("invited_by_id",),)


class Identity(Table):
    """An openid of one of our WeChat products, and the member it belongs to."""

    member = belongs_to("Member")
    kind = word(IdentityKind)
    appid = fields.CharField(max_length=64)
    openid = fields.CharField(max_length=128)
    unionid = fields.CharField(max_length=128, null=True, db_index=True)
    session_key_encrypted = fields.BinaryField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "identity"
        constraints = (
            UniqueConstraint(fields=("appid", "openid"), name="identity_openid_key"),
            UniqueConstraint(fields=("member_id", "appid"), name="identity_member_appid_key"),
        )


class Agreement(Table):
    """A version of a text that a person may accept."""

    kind = word(AgreementKind)
    version = fields.CharField(max_length=32)
    title = fields.CharField(max_length=128)
    title_en = fields.CharField(max_length=128)
    url = fields.CharField(max_length=512)
    effective_at = fields.DatetimeField()

    class Meta:
        table = "agreement"
        constraints = (UniqueConstraint(fields=("kind", "version"), name="agreement_version_key"),)


class Consent(Table):
    """One yes or no of a member to a version; the latest row of a kind holds."""

    member = belongs_to("Member")
    kind = word(AgreementKind)
    version = fields.CharField(max_length=32)
    given = fields.BooleanField()
    given_at = fields.DatetimeField()

    class Meta:
        table = "consent"
        indexes = (("member_id", "kind", "given_at"),)


class Session(Table):
    """A signed-in device: a family of refresh tokens, of which one generation is current."""

    member = belongs_to("Member", db_index=True)
    appid = fields.CharField(max_length=64, null=True)
    generation = fields.IntField(default=0)
    rotated_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True, db_index=True)
    revoke_reason = fields.CharField(max_length=32, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "session"
        indexes = (("expires_at",),)
        constraints = (CheckConstraint(check="generation >= 0", name="session_generation_check"),)


class SignInAttempt(Table):
    """A code on its way to WeChat, so that the same code sent twice is asked once.

    The code is kept as a SHA-256 only. The session appears when the attempt has succeeded.
    """

    code_hash = fields.BinaryField()
    session = belongs_to("Session", null=True)
    is_new_member = fields.BooleanField(default=False)
    error_code = fields.CharField(max_length=32, null=True)
    created_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sign_in_attempt"
        constraints = (UniqueConstraint(fields=("code_hash",), name="sign_in_attempt_code_key"),)
        indexes = (("created_at",), ("session_id",))


class SmsCode(Table):
    """A code sent to a phone: kept as keyed hashes, bounded in attempts and time."""

    phone_hash = fields.BinaryField()
    code_hash = fields.BinaryField()
    attempts_left = fields.SmallIntField()
    sent_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sms_code"
        indexes = (("phone_hash", "sent_at"),)
        constraints = (CheckConstraint(check="attempts_left >= 0", name="sms_code_attempts_check"),)


class MemberMerge(Table):
    """The record of a merge: who went into whom, and what moved."""

    loser = belongs_to("Member")
    survivor = belongs_to("Member")
    moved: Any = fields.JSONField()
    merged_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "member_merge"
        constraints = (
            UniqueConstraint(fields=("loser_id",), name="member_merge_loser_key"),
            CheckConstraint(check="loser_id <> survivor_id", name="member_merge_two_check"),
        )


class Address(Table):
    """A shipping address; name, phone and street are one encrypted blob."""

    member = belongs_to("Member")
    encrypted = fields.BinaryField()
    region_code = fields.CharField(max_length=6)
    is_default = fields.BooleanField(default=False)
    deleted_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "address"
        indexes = (("member_id",),)


class Upload(Table):
    """A picture that a member may send, and then has sent."""

    member = belongs_to("Member", db_index=True)
    purpose = word(UploadPurpose)
    content_type = fields.CharField(max_length=64)
    bytes = fields.IntField()
    status = word(UploadStatus, default=UploadStatus.PENDING)
    storage_key = fields.CharField(max_length=256, unique=True)
    url = fields.CharField(max_length=512, null=True)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "upload"
        constraints = (CheckConstraint(check="bytes > 0", name="upload_bytes_check"),)


class Scene(Table):
    """What a poster's QR code means; `code` is what WeChat hands back as its scene."""

    code = fields.CharField(max_length=32, unique=True)
    kind = word(SceneKind)
    target_id = fields.CharField(max_length=64, null=True)
    inviter = belongs_to("Member", null=True)
    expires_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "scene"
        indexes = (("inviter_id",),)
