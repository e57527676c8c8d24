"""Promotions, and rewards for points."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.pricing.inputs import ScopeKind
from domain.promotions import PromotionKind
from domain.rewards import RedemptionStatus, RewardKind, RewardState
from models.ids import new_id
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_CONSTRAINTS = Path(__file__).parent / "sql" / "0015_promotions.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0014_coupons")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Promotion",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="The steps of the price that promotions take part in.",
                        enum_type=PromotionKind,
                        max_length=32,
                    ),
                ),
                ("title", fields.CharField(max_length=128)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "scope_kind",
                    fields.CharEnumField(
                        description="What a promotion or coupon applies to.",
                        enum_type=ScopeKind,
                        max_length=32,
                    ),
                ),
                ("scope_ids", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("tier_codes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("priority", fields.IntField(default=0)),
                ("terms", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "promotion",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="starts_at < ends_at", name="promotion_window_check"),
                    CheckConstraint(
                        check="(scope_kind = 'ALL') = (jsonb_array_length(scope_ids) = 0)",
                        name="promotion_scope_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A limited-time price, quantity discount or full reduction, as it was published.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="Reward",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="What a redemption brings: goods by an order, a coupon, or a code to be used elsewhere.",
                        enum_type=RewardKind,
                        max_length=32,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("image_url", fields.CharField(null=True, max_length=512)),
                ("description_html", fields.TextField(unique=False)),
                (
                    "sku",
                    fields.ForeignKeyField(
                        "models.Sku",
                        source_field="sku_id",
                        null=True,
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
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("valid_days", fields.IntField(null=True)),
                ("points_price", fields.BigIntField()),
                ("cash_price_fen", fields.BigIntField(default=0)),
                ("quantity", fields.BigIntField(null=True)),
                ("remaining", fields.BigIntField(null=True)),
                ("per_member_limit", fields.IntField(null=True)),
                ("min_tier_code", fields.CharField(null=True, max_length=32)),
                ("position", fields.IntField(default=0)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "status",
                    fields.CharEnumField(
                        default=RewardState.PUBLISHED,
                        description="Whether members may see a reward. What was redeemed of one that was withdrawn stands.",
                        enum_type=RewardState,
                        max_length=32,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "reward",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="(kind = 'GOODS') = (sku_id IS NOT NULL)", name="reward_goods_check"
                    ),
                    CheckConstraint(
                        check="(kind = 'COUPON') = (terms_id IS NOT NULL) AND (terms_id IS NULL) = (valid_days IS NULL) AND (valid_days IS NULL OR valid_days >= 1)",
                        name="reward_coupon_check",
                    ),
                    CheckConstraint(
                        check="points_price >= 1 AND cash_price_fen >= 0 AND (cash_price_fen = 0 OR kind = 'GOODS')",
                        name="reward_price_check",
                    ),
                    CheckConstraint(
                        check="(quantity IS NULL) = (remaining IS NULL) AND (quantity IS NULL OR remaining BETWEEN 0 AND quantity)",
                        name="reward_remaining_check",
                    ),
                    CheckConstraint(
                        check="kind <> 'VIRTUAL' OR quantity IS NOT NULL",
                        name="reward_virtual_check",
                    ),
                    CheckConstraint(
                        check="per_member_limit IS NULL OR per_member_limit >= 1",
                        name="reward_limit_check",
                    ),
                    CheckConstraint(
                        check="ends_at IS NULL OR starts_at < ends_at", name="reward_window_check"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Something that points buy, or points and cash: goods, a coupon, or a code.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="Redemption",
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
                    "reward",
                    fields.ForeignKeyField(
                        "models.Reward",
                        source_field="reward_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("quantity", fields.IntField()),
                ("returned", fields.IntField(default=0)),
                ("points", fields.BigIntField()),
                ("cash_fen", fields.BigIntField()),
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
                    "status",
                    fields.CharEnumField(
                        null=True,
                        description="Where a redemption stands: that of goods follows their order.",
                        enum_type=RedemptionStatus,
                        max_length=32,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "cancelled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "redemption",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("order_id",), name="redemption_order_key"),
                    UniqueConstraint(fields=("coupon_id",), name="redemption_coupon_key"),
                    CheckConstraint(
                        check="quantity BETWEEN 1 AND 99 AND returned BETWEEN 0 AND quantity",
                        name="redemption_quantity_check",
                    ),
                    CheckConstraint(
                        check="points >= 1 AND cash_fen >= 0 AND (cash_fen = 0 OR order_id IS NOT NULL)",
                        name="redemption_price_check",
                    ),
                    CheckConstraint(
                        check="(order_id IS NULL) = (status IS NOT NULL) AND (status IS NULL OR status IN ('FULFILLED', 'CANCELLED'))",
                        name="redemption_status_check",
                    ),
                    CheckConstraint(
                        check="status IS NULL OR (status = 'CANCELLED') = (cancelled_at IS NOT NULL) AND (status = 'CANCELLED') = (returned = quantity)",
                        name="redemption_cancelled_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A reward that a member redeemed, for so many points and so much cash in all.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="RewardCode",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "reward",
                    fields.ForeignKeyField(
                        "models.Reward",
                        source_field="reward_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code_encrypted", fields.BinaryField()),
                ("digest", fields.BinaryField()),
                (
                    "redemption",
                    fields.ForeignKeyField(
                        "models.Redemption",
                        source_field="redemption_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "reward_code",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("digest",), name="reward_code_digest_key"),
                    UniqueConstraint(fields=("redemption_id",), name="reward_code_redemption_key"),
                ],
                "pk_attr": "id",
                "table_description": "A code of a VIRTUAL reward, sealed; each is given once.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="RewardCount",
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
                    "reward",
                    fields.ForeignKeyField(
                        "models.Reward",
                        source_field="reward_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("pieces", fields.BigIntField()),
            ],
            options={
                "table": "reward_count",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("member_id", "reward_id"), name="reward_count_key"),
                    CheckConstraint(check="pieces >= 0", name="reward_count_pieces_check"),
                ],
                "pk_attr": "id",
                "table_description": "How many pieces of a reward a member has redeemed and not given back.",
            },
            bases=["Table"],
        ),
        ops.RunSQL(_CONSTRAINTS.read_text(encoding="utf-8")),
    ]
