"""Carts, orders, payments, and what WeChat told us of them."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.orders import (
    CancelReason,
    DeliveryMethod,
    OrderEventKind,
    OrderKind,
    OrderStatus,
    PaymentCaseKind,
    PaymentCaseStatus,
    PaymentMethod,
    PaymentStatus,
)
from models.fields import Table, belongs_to, fen, word


class CartLine(Table):
    """A SKU in a member's cart; the price it had then is shown when it changes."""

    member = belongs_to("Member")
    sku = belongs_to("Sku")
    quantity = fields.IntField()
    selected = fields.BooleanField(default=True)
    price_when_added_fen = fen()
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "cart_line"
        constraints = (
            UniqueConstraint(fields=("member_id", "sku_id"), name="cart_line_sku_key"),
            CheckConstraint(check="quantity BETWEEN 1 AND 99", name="cart_line_quantity_check"),
        )


class Order(Table):
    """An order. Amounts in fen; `payable` is what WeChat is asked for.

    What it earned becomes the member's at `final_at`, and has done so since `finalized_at`; not
    while one of `refunds_open` is. `events_due_at` asks for what its payment gives beside points.
    A group buy's order keeps its `team`, whatever becomes of its seat there.
    """

    order_no = fields.CharField(max_length=32, unique=True)
    member = belongs_to("Member")
    kind = word(OrderKind, default=OrderKind.NORMAL)
    status = word(OrderStatus)
    delivery = word(DeliveryMethod)
    store = belongs_to("Store", null=True)
    address_encrypted = fields.BinaryField(null=True)
    region_code = fields.CharField(max_length=6, null=True)
    remark = fields.CharField(max_length=256, null=True)
    goods_total_fen = fen()
    discount_total_fen = fen()
    shipping_fen = fen()
    points_spent = fields.BigIntField()
    points_off_fen = fen()
    payable_fen = fen()
    paid_fen = fen(default=0)
    refunded_fen = fen(default=0)
    points_earned = fields.BigIntField(default=0)
    growth_earned = fields.BigIntField(default=0)
    discounts: Any = fields.JSONField(default=list)
    tier_code = fields.CharField(max_length=32)
    rule_version = belongs_to("RuleVersion", null=True)
    placed_at = fields.DatetimeField()
    pay_before = fields.DatetimeField()
    timeout_due_at = fields.DatetimeField(null=True)
    paid_at = fields.DatetimeField(null=True)
    shipped_at = fields.DatetimeField(null=True)
    received_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    final_at = fields.DatetimeField(null=True)
    finality_due_at = fields.DatetimeField(null=True)
    finalized_at = fields.DatetimeField(null=True)
    events_due_at = fields.DatetimeField(null=True)
    refunds_open = fields.SmallIntField(default=0, db_default=0)
    cancelled_at = fields.DatetimeField(null=True)
    cancel_reason = word(CancelReason, null=True)
    cancel_note = fields.CharField(max_length=256, null=True)
    pickup_code = fields.CharField(max_length=16, null=True)
    team = belongs_to("GroupBuyTeam", null=True)

    class Meta:
        table = "sales_order"
        constraints = (
            CheckConstraint(
                check="goods_total_fen >= 0 AND discount_total_fen >= 0 AND shipping_fen >= 0"
                " AND points_spent >= 0 AND points_off_fen >= 0 AND payable_fen >= 0"
                " AND points_earned >= 0 AND growth_earned >= 0",
                name="sales_order_positive_check",
            ),
            CheckConstraint(
                check="payable_fen = goods_total_fen - discount_total_fen - points_off_fen"
                " + shipping_fen",
                name="sales_order_payable_check",
            ),
            CheckConstraint(
                check="refunded_fen BETWEEN 0 AND paid_fen", name="sales_order_refunded_check"
            ),
            CheckConstraint(
                check="payable_fen <= 9007199254740991", name="sales_order_bound_check"
            ),
            CheckConstraint(
                check="(status = 'AWAITING_PAYMENT') = (timeout_due_at IS NOT NULL)",
                name="sales_order_timeout_check",
            ),
            CheckConstraint(check="refunds_open >= 0", name="sales_order_refunds_check"),
            CheckConstraint(
                check="finality_due_at IS NULL OR final_at IS NOT NULL AND finalized_at IS NULL",
                name="sales_order_finality_check",
            ),
            CheckConstraint(
                check="(kind = 'GROUP_BUY') = (team_id IS NOT NULL)",
                name="sales_order_team_check",
            ),
        )


class OrderLine(Table):
    """A line of an order: a snapshot of what was bought, and each unit's shares.

    `units` holds, per unit, what each discount, the coupon and the points gave it, and what
    points and growth it earns; refunds take from it and nothing is recomputed from totals.
    `withdrawn_quantity` of the refunded pieces never left the house: they are on the shelf again.
    The shelf is the SKU's, or the `campaign_stock` that a campaign has set aside.
    """

    order = belongs_to("Order")
    position = fields.SmallIntField()
    sku = belongs_to("Sku", null=True)
    product_id = fields.UUIDField(null=True)
    product_name = fields.CharField(max_length=256)
    sku_name = fields.CharField(max_length=256)
    image_url = fields.CharField(max_length=512, null=True)
    quantity = fields.IntField()
    refunded_quantity = fields.IntField(default=0)
    withdrawn_quantity = fields.IntField(default=0, db_default=0)
    campaign_stock = belongs_to("CampaignStock", null=True)
    unit_price_fen = fen()
    discount_total_fen = fen()
    points_off_fen = fen()
    payable_fen = fen()
    refunded_fen = fen(default=0)
    discounts: Any = fields.JSONField()
    units: Any = fields.JSONField()

    class Meta:
        table = "order_line"
        constraints = (
            UniqueConstraint(fields=("order_id", "position"), name="order_line_position_key"),
            CheckConstraint(check="quantity BETWEEN 1 AND 99", name="order_line_quantity_check"),
            CheckConstraint(
                check="refunded_quantity BETWEEN 0 AND quantity",
                name="order_line_refunded_quantity_check",
            ),
            CheckConstraint(
                check="withdrawn_quantity BETWEEN 0 AND refunded_quantity",
                name="order_line_withdrawn_quantity_check",
            ),
            CheckConstraint(
                check="payable_fen = unit_price_fen * quantity - discount_total_fen"
                " - points_off_fen AND payable_fen >= 0 AND discount_total_fen >= 0"
                " AND points_off_fen >= 0",
                name="order_line_payable_check",
            ),
            CheckConstraint(
                check="refunded_fen BETWEEN 0 AND payable_fen", name="order_line_refunded_check"
            ),
        )
        indexes = (("sku_id",),)


class OrderReversal(Table):
    """What a refund took back and gave back; its id is the refund's, so that it happens once.

    `lines` holds [order line, pieces] pairs. `points_taken` and `growth_taken` are the pieces'
    shares of what the order earned; what became of the points is in the book.
    """

    order = belongs_to("Order")
    lines: Any = fields.JSONField()
    goods_fen = fen()
    shipping_fen = fen()
    points_returned = fields.BigIntField()
    points_taken = fields.BigIntField()
    growth_taken = fields.BigIntField()
    coupon_returned = fields.BooleanField()
    before_shipment = fields.BooleanField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "order_reversal"
        indexes = (("order_id",),)
        constraints = (
            CheckConstraint(
                check="goods_fen >= 0 AND shipping_fen >= 0 AND points_returned >= 0"
                " AND points_taken >= 0 AND growth_taken >= 0",
                name="order_reversal_positive_check",
            ),
        )


class OrderEvent(Table):
    """A step on an order's timeline."""

    order = belongs_to("Order")
    kind = word(OrderEventKind)
    happened_at = fields.DatetimeField()

    class Meta:
        table = "order_event"
        indexes = (("order_id", "happened_at"),)


class Payment(Table):
    """One attempt at paying an order, under one out_trade_no for its life."""

    order = belongs_to("Order")
    out_trade_no = fields.CharField(max_length=32, unique=True)
    method = word(PaymentMethod)
    appid = fields.CharField(max_length=64)
    payer_openid = fields.CharField(max_length=128, null=True)
    amount_fen = fen()
    status = word(PaymentStatus)
    prepay_id = fields.CharField(max_length=128, null=True)
    h5_url = fields.CharField(max_length=1024, null=True)
    transaction_id = fields.CharField(max_length=64, null=True)
    paid_at = fields.DatetimeField(null=True)
    query_due_at = fields.DatetimeField(null=True)
    queries = fields.IntField(default=0)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "payment"
        indexes = (("order_id",),)
        constraints = (
            UniqueConstraint(fields=("transaction_id",), name="payment_transaction_key"),
            CheckConstraint(check="amount_fen > 0", name="payment_amount_check"),
            CheckConstraint(
                check="(status = 'SUCCEEDED') = (transaction_id IS NOT NULL)",
                name="payment_succeeded_check",
            ),
        )


class PaymentCase(Table):
    """Money that can't pay for its order, and its refund (rules, section 10)."""

    order = belongs_to("Order")
    payment = belongs_to("Payment")
    kind = word(PaymentCaseKind)
    status = word(PaymentCaseStatus)
    transaction_id = fields.CharField(max_length=64)
    amount_fen = fen()
    out_refund_no = fields.CharField(max_length=64, unique=True)
    refund_due_at = fields.DatetimeField(null=True, db_index=True)
    attempts = fields.IntField(default=0)
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "payment_case"
        indexes = (("order_id",),)
        constraints = (
            UniqueConstraint(fields=("transaction_id",), name="payment_case_transaction_key"),
            CheckConstraint(check="amount_fen > 0", name="payment_case_amount_check"),
        )


class WechatEvent(Table):
    """The callback inbox: a verified notification as it came, until a sweep has settled it."""

    notification_id = fields.CharField(max_length=64)
    event_type = fields.CharField(max_length=64)
    body = fields.BinaryField()
    received_at = fields.DatetimeField()
    due_at = fields.DatetimeField(null=True)
    attempts = fields.IntField(default=0)
    processed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "wechat_event"
        constraints = (
            UniqueConstraint(fields=("notification_id",), name="wechat_event_notification_key"),
        )


class IdempotencyKey(Table):
    """A success that is remembered: who asked for what under which key, and what came of it."""

    actor_id = fields.UUIDField()
    operation = fields.CharField(max_length=64)
    key = fields.CharField(max_length=128)
    request_hash = fields.BinaryField()
    result_id = fields.UUIDField(null=True)
    created_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "idempotency_key"
        constraints = (
            UniqueConstraint(fields=("actor_id", "operation", "key"), name="idempotency_key_key"),
        )


class RuleVersion(Table):
    """One version of the rules document, from its effective time on."""

    number = fields.IntField(unique=True)
    document: Any = fields.JSONField()
    effective_at = fields.DatetimeField(db_index=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "rule_version"
        constraints = (CheckConstraint(check="number > 0", name="rule_version_number_check"),)


class ImportRun(Table):
    """How far an import has come, so that it can be taken up again."""

    source = fields.CharField(max_length=32)
    part = fields.CharField(max_length=32)
    done = fields.BigIntField(default=0)
    finished_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "import_run"
        constraints = (UniqueConstraint(fields=("source", "part"), name="import_run_key"),)
