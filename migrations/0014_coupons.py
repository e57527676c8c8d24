"""Coupons: terms, templates, campaigns, members' coupons, exchange codes and grants."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.coupons import (
    Audience,
    CampaignKind,
    CampaignState,
    CouponOrigin,
    GrantStatus,
    ReturnRule,
)
from domain.errors import ErrorCode
from domain.pricing.inputs import CouponKind, CouponStatus, ScopeKind
from models.ids import new_id
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_CONSTRAINTS = Path(__file__).parent / "sql" / "0014_coupons.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0013_tiers")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CouponTerms",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("digest", fields.BinaryField()),
                ("name", fields.CharField(max_length=128)),
                ("name_en", fields.CharField(max_length=128)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="What a coupon gives. FREE_SHIPPING is the shipping coupon; the others are goods coupons.",
                        enum_type=CouponKind,
                        max_length=32,
                    ),
                ),
                ("amount_off_fen", fields.BigIntField()),
                ("pay_bps", fields.IntField()),
                ("max_off_fen", fields.BigIntField(null=True)),
                ("min_spend_fen", fields.BigIntField()),
                ("min_pieces", fields.IntField()),
                (
                    "scope_kind",
                    fields.CharEnumField(
                        description="What a promotion or coupon applies to.",
                        enum_type=ScopeKind,
                        max_length=32,
                    ),
                ),
                ("scope_ids", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("scope_title", fields.CharField(max_length=256)),
                ("scope_title_en", fields.CharField(max_length=256)),
                ("stacks_with_campaigns", fields.BooleanField()),
                (
                    "gift_sku",
                    fields.ForeignKeyField(
                        "models.Sku",
                        source_field="gift_sku_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "return_rule",
                    fields.CharEnumField(
                        description="What becomes of a used coupon when its whole order is refunded.",
                        enum_type=ReturnRule,
                        max_length=32,
                    ),
                ),
                ("description", fields.TextField(unique=False)),
                ("description_en", fields.TextField(unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "coupon_terms",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("digest",), name="coupon_terms_digest_key"),
                    CheckConstraint(
                        check="amount_off_fen >= 0 AND min_spend_fen >= 0 AND min_pieces >= 0 AND max_off_fen >= 1",
                        name="coupon_terms_positive_check",
                    ),
                    CheckConstraint(
                        check="pay_bps BETWEEN 1 AND 10000 AND (kind = 'PERCENT_OFF') = (pay_bps < 10000)",
                        name="coupon_terms_percent_check",
                    ),
                    CheckConstraint(
                        check="(kind = 'AMOUNT_OFF') = (amount_off_fen > 0)",
                        name="coupon_terms_amount_check",
                    ),
                    CheckConstraint(
                        check="(kind = 'GIFT') = (gift_sku_id IS NOT NULL)",
                        name="coupon_terms_gift_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "What coupons promise: the snapshot that each coupon keeps.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="CouponTemplate",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("code", fields.CharField(unique=True, max_length=64)),
                (
                    "terms",
                    fields.ForeignKeyField(
                        "models.CouponTerms",
                        source_field="terms_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("valid_days", fields.IntField(null=True)),
                ("valid_from", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "valid_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "coupon_template",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(valid_days IS NULL) = (valid_from IS NOT NULL) AND (valid_from IS NULL) = (valid_until IS NULL)",
                        name="coupon_template_form_check",
                    ),
                    CheckConstraint(
                        check="(valid_days IS NULL OR valid_days >= 1) AND (valid_from IS NULL OR valid_from < valid_until)",
                        name="coupon_template_window_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "What coupons of a campaign promise and how long: days from the claim, or a window.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="CouponCampaign",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "template",
                    fields.ForeignKeyField(
                        "models.CouponTemplate",
                        source_field="template_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="How the coupons of a campaign reach members.",
                        enum_type=CampaignKind,
                        max_length=32,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("claim_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("claim_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("quantity", fields.BigIntField(null=True)),
                ("claimed", fields.BigIntField(default=0)),
                ("per_member_limit", fields.IntField(default=1)),
                ("points_price", fields.BigIntField(default=0)),
                ("min_tier_code", fields.CharField(null=True, max_length=32)),
                (
                    "audience",
                    fields.CharEnumField(
                        default=Audience.EVERYBODY,
                        description="Whom a campaign is for. NEWCOMERS have no paid order; LISTED are named one by one.",
                        enum_type=Audience,
                        max_length=32,
                    ),
                ),
                ("event_min_paid_fen", fields.BigIntField(null=True)),
                (
                    "event_category",
                    fields.ForeignKeyField(
                        "models.Category",
                        source_field="event_category_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("event_pieces", fields.IntField(null=True)),
                ("series", fields.CharField(null=True, max_length=64)),
                (
                    "status",
                    fields.CharEnumField(
                        default=CampaignState.PUBLISHED,
                        description="Whether members may see a campaign. One that was withdrawn gives no more coupons.",
                        enum_type=CampaignState,
                        max_length=32,
                    ),
                ),
                ("source", fields.CharField(null=True, max_length=32)),
                ("source_id", fields.CharField(null=True, max_length=128)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "coupon_campaign",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("source", "source_id"), name="coupon_campaign_source_key"
                    ),
                    CheckConstraint(
                        check="claimed >= 0 AND (quantity IS NULL OR claimed <= quantity)",
                        name="coupon_campaign_claimed_check",
                    ),
                    CheckConstraint(
                        check="claim_from < claim_until", name="coupon_campaign_window_check"
                    ),
                    CheckConstraint(
                        check="per_member_limit BETWEEN 1 AND 100",
                        name="coupon_campaign_limit_check",
                    ),
                    CheckConstraint(
                        check="points_price >= 0 AND (points_price = 0 OR kind = 'CLAIM')",
                        name="coupon_campaign_price_check",
                    ),
                    CheckConstraint(
                        check="(kind = 'EVENT') = (event_min_paid_fen IS NOT NULL OR event_category_id IS NOT NULL) AND (event_category_id IS NULL) = (event_pieces IS NULL) AND (event_min_paid_fen IS NULL OR event_min_paid_fen >= 1) AND (event_pieces IS NULL OR event_pieces >= 1)",
                        name="coupon_campaign_event_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Who may have a template's coupons, when, how many, how many each, at what price in points.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="CampaignMember",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "models.CouponCampaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
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
            ],
            options={
                "table": "campaign_member",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("campaign_id", "member_id"), name="campaign_member_key"
                    )
                ],
                "indexes": [Index(fields=["member_id"])],
                "pk_attr": "id",
                "table_description": "A member that a LISTED campaign names.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="Coupon",
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
                    "terms",
                    fields.ForeignKeyField(
                        "models.CouponTerms",
                        source_field="terms_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "models.CouponCampaign",
                        source_field="campaign_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("seat", fields.SmallIntField(null=True)),
                ("code", fields.CharField(unique=True, max_length=20)),
                (
                    "status",
                    fields.CharEnumField(
                        default=CouponStatus.USABLE,
                        description="Where a member's coupon stands at the instant of the quote.",
                        enum_type=CouponStatus,
                        max_length=32,
                    ),
                ),
                ("is_for_shipping", fields.BooleanField()),
                ("valid_from", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("valid_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "order",
                    fields.ForeignKeyField(
                        "models.Order",
                        source_field="order_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("purchase_id", fields.UUIDField(null=True)),
                (
                    "origin",
                    fields.CharEnumField(
                        description="How a member came by a coupon.",
                        enum_type=CouponOrigin,
                        max_length=32,
                    ),
                ),
                ("origin_id", fields.UUIDField(null=True)),
                ("points_paid", fields.BigIntField(default=0)),
                ("merged", fields.BooleanField(default=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "reminded_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "coupon",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("campaign_id", "member_id", "seat"), name="coupon_seat_key"
                    ),
                    UniqueConstraint(fields=("origin", "origin_id"), name="coupon_origin_key"),
                    CheckConstraint(check="valid_from < valid_until", name="coupon_window_check"),
                    CheckConstraint(
                        check="status IN ('RESERVED', 'USED') OR (order_id IS NULL AND purchase_id IS NULL)",
                        name="coupon_held_check",
                    ),
                    CheckConstraint(
                        check="status <> 'RESERVED' OR order_id IS NOT NULL",
                        name="coupon_reserved_check",
                    ),
                    CheckConstraint(
                        check="(status = 'USED') = (used_at IS NOT NULL)", name="coupon_used_check"
                    ),
                    CheckConstraint(check="status <> 'NOT_YET_VALID'", name="coupon_status_check"),
                    CheckConstraint(check="points_paid >= 0", name="coupon_points_paid_check"),
                ],
                "pk_attr": "id",
                "table_description": "A member's coupon.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="CouponGrant",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "models.CouponCampaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("total", fields.BigIntField()),
                ("done", fields.BigIntField(default=0)),
                (
                    "status",
                    fields.CharEnumField(
                        default=GrantStatus.RUNNING,
                        description="Where giving a campaign's coupons to a list of members stands.",
                        enum_type=GrantStatus,
                        max_length=32,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "coupon_grant",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="done BETWEEN 0 AND total", name="coupon_grant_done_check"
                    ),
                    CheckConstraint(
                        check="(status = 'FINISHED') = (finished_at IS NOT NULL)",
                        name="coupon_grant_finished_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Giving a campaign's coupon to a list of members; `done` counts those decided so far.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="CouponGrantItem",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "grant",
                    fields.ForeignKeyField(
                        "models.CouponGrant",
                        source_field="grant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
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
                    "coupon",
                    fields.ForeignKeyField(
                        "models.Coupon",
                        source_field="coupon_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "refused",
                    fields.CharEnumField(
                        null=True,
                        description="Every code of `UserError.code`; one table for all mutations.",
                        enum_type=ErrorCode,
                        max_length=32,
                    ),
                ),
            ],
            options={
                "table": "coupon_grant_item",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("grant_id", "member_id"), name="coupon_grant_item_key"
                    ),
                    CheckConstraint(
                        check="coupon_id IS NULL OR refused IS NULL", name="coupon_grant_item_check"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A member of a grant's list: undecided, given a coupon, or refused for a reason.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="ExchangeCode",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "models.CouponCampaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.BinaryField()),
                (
                    "coupon",
                    fields.ForeignKeyField(
                        "models.Coupon",
                        source_field="coupon_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "exchange_code",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("digest",), name="exchange_code_digest_key"),
                    UniqueConstraint(fields=("coupon_id",), name="exchange_code_coupon_key"),
                    CheckConstraint(
                        check="(coupon_id IS NULL) = (used_at IS NULL)",
                        name="exchange_code_used_check",
                    ),
                ],
                "indexes": [Index(fields=["campaign_id"])],
                "pk_attr": "id",
                "table_description": "A code that gives one coupon, once; only its digest is kept.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(_CONSTRAINTS.read_text(encoding="utf-8")),
    ]
