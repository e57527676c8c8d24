"""What points buy, and who bought it."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.rewards import RedemptionStatus, RewardKind, RewardState
from models.fields import Table, belongs_to, fen, word


class Reward(Table):
    """Something that points buy, or points and cash: goods, a coupon, or a code.

    Without a `quantity` there is no end of it; else `remaining` of it are left. Codes are counted
    as they are loaded. A coupon can be used for `valid_days` from its redemption.
    """

    kind = word(RewardKind)
    name = fields.CharField(max_length=128)
    image_url = fields.CharField(max_length=512, null=True)
    description_html = fields.TextField()
    sku = belongs_to("Sku", null=True)
    terms = belongs_to("CouponTerms", null=True)
    valid_days = fields.IntField(null=True)
    points_price = fields.BigIntField()
    cash_price_fen = fen(default=0)
    quantity = fields.BigIntField(null=True)
    remaining = fields.BigIntField(null=True)
    per_member_limit = fields.IntField(null=True)
    min_tier_code = fields.CharField(max_length=32, null=True)
    position = fields.IntField(default=0)
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField(null=True)
    status = word(RewardState, default=RewardState.PUBLISHED)
    created_at = fields.DatetimeField()

    class Meta:
        table = "reward"
        constraints = (
            CheckConstraint(
                check="(kind = 'GOODS') = (sku_id IS NOT NULL)", name="reward_goods_check"
            ),
            CheckConstraint(
                check="(kind = 'COUPON') = (terms_id IS NOT NULL)"
                " AND (terms_id IS NULL) = (valid_days IS NULL)"
                " AND (valid_days IS NULL OR valid_days >= 1)",
                name="reward_coupon_check",
            ),
            CheckConstraint(
                check="points_price >= 1 AND cash_price_fen >= 0"
                " AND (cash_price_fen = 0 OR kind = 'GOODS')",
                name="reward_price_check",
            ),
            CheckConstraint(
                check="(quantity IS NULL) = (remaining IS NULL)"
                " AND (quantity IS NULL OR remaining BETWEEN 0 AND quantity)",
                name="reward_remaining_check",
            ),
            CheckConstraint(
                check="kind <> 'VIRTUAL' OR quantity IS NOT NULL", name="reward_virtual_check"
            ),
            CheckConstraint(
                check="per_member_limit IS NULL OR per_member_limit >= 1", name="reward_limit_check"
            ),
            CheckConstraint(
                check="ends_at IS NULL OR starts_at < ends_at", name="reward_window_check"
            ),
        )


class RewardCount(Table):
    """How many pieces of a reward a member has redeemed and not given back."""

    member = belongs_to("Member")
    reward = belongs_to("Reward")
    pieces = fields.BigIntField()

    class Meta:
        table = "reward_count"
        constraints = (
            UniqueConstraint(fields=("member_id", "reward_id"), name="reward_count_key"),
            CheckConstraint(check="pieces >= 0", name="reward_count_pieces_check"),
        )


class Redemption(Table):
    """A reward that a member redeemed, for so many points and so much cash in all.

    Goods go with an order, and stand where it stands; others have a `status` of their own.
    `returned` of the pieces came back.
    """

    member = belongs_to("Member")
    reward = belongs_to("Reward")
    quantity = fields.IntField()
    returned = fields.IntField(default=0)
    points = fields.BigIntField()
    cash_fen = fen()
    order = belongs_to("Order", null=True)
    coupon = belongs_to("Coupon", null=True)
    status = word(RedemptionStatus, null=True)
    created_at = fields.DatetimeField()
    cancelled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "redemption"
        constraints = (
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
                check="(order_id IS NULL) = (status IS NOT NULL)"
                " AND (status IS NULL OR status IN ('FULFILLED', 'CANCELLED'))",
                name="redemption_status_check",
            ),
            CheckConstraint(
                check="status IS NULL"
                " OR (status = 'CANCELLED') = (cancelled_at IS NOT NULL)"
                " AND (status = 'CANCELLED') = (returned = quantity)",
                name="redemption_cancelled_check",
            ),
        )


class RewardCode(Table):
    """A code of a VIRTUAL reward, sealed; each is given once."""

    reward = belongs_to("Reward")
    code_encrypted = fields.BinaryField()
    digest = fields.BinaryField()
    redemption = belongs_to("Redemption", null=True)

    class Meta:
        table = "reward_code"
        constraints = (
            UniqueConstraint(fields=("digest",), name="reward_code_digest_key"),
            UniqueConstraint(fields=("redemption_id",), name="reward_code_redemption_key"),
        )
