"""Flash sales and group buys, and the stock that SKUs set aside for them."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.flash_sales import FlashSaleState, TicketReason, TicketStatus
from domain.group_buys import GroupBuyState, SeatStatus, TeamStatus
from models.ids import new_id
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_CONSTRAINTS = Path(__file__).parent / "sql" / "0021_campaigns.sql"


class Migration(migrations.Migration):
    dependencies = [("models", "0020_messages")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CampaignStock",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "sku",
                    fields.ForeignKeyField(
                        "models.Sku",
                        source_field="sku_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("set_aside", fields.BigIntField()),
                ("available", fields.BigIntField()),
                ("reserved", fields.BigIntField(default=0)),
                ("sold", fields.BigIntField(default=0)),
                ("returned", fields.BigIntField(default=0)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "campaign_stock",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="set_aside = available + reserved + sold + returned",
                        name="campaign_stock_equation_check",
                    ),
                    CheckConstraint(
                        check="set_aside >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0 AND returned >= 0",
                        name="campaign_stock_positive_check",
                    ),
                    CheckConstraint(
                        check="closed_at IS NULL OR available = 0",
                        name="campaign_stock_closed_check",
                    ),
                ],
                "indexes": [Index(fields=["sku_id"])],
                "pk_attr": "id",
                "table_description": "What a SKU has set aside for a flash sale's or group buy's item (docs/rules.md, section 6).",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FlashSale",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                ("name", fields.CharField(max_length=128)),
                ("name_en", fields.CharField(default="", max_length=128)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="What operators have done with a sale; its window says whether it runs.",
                        enum_type=FlashSaleState,
                        max_length=32,
                    ),
                ),
                ("needs_captcha", fields.BooleanField(default=False)),
                ("config_version", fields.IntField(default=1)),
                (
                    "published_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "close_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "flash_sale",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="starts_at < ends_at", name="flash_sale_window_check"),
                    CheckConstraint(
                        check="(state = 'DRAFT') = (published_at IS NULL)",
                        name="flash_sale_published_check",
                    ),
                    CheckConstraint(
                        check="(state IN ('DRAFT', 'CLOSED')) = (close_due_at IS NULL)",
                        name="flash_sale_close_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A session: its items can be claimed in its window while it is PUBLISHED.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FlashSaleItem",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "sale",
                    fields.ForeignKeyField(
                        "models.FlashSale",
                        source_field="sale_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "sku",
                    fields.ForeignKeyField(
                        "models.Sku",
                        source_field="sku_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "stock",
                    fields.ForeignKeyField(
                        "models.CampaignStock",
                        source_field="stock_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("price_fen", fields.BigIntField()),
                ("quantity", fields.IntField()),
                ("per_member_limit", fields.IntField()),
                ("min_tier_code", fields.CharField(null=True, max_length=32)),
                ("buckets", fields.SmallIntField(default=1)),
                ("position", fields.IntField(default=0)),
            ],
            options={
                "table": "flash_sale_item",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("sale_id", "sku_id"), name="flash_sale_item_sku_key"),
                    UniqueConstraint(fields=("stock_id",), name="flash_sale_item_stock_key"),
                    CheckConstraint(
                        check="price_fen BETWEEN 0 AND 9007199254740991",
                        name="flash_sale_item_price_check",
                    ),
                    CheckConstraint(check="quantity >= 1", name="flash_sale_item_quantity_check"),
                    CheckConstraint(
                        check="per_member_limit BETWEEN 1 AND 99",
                        name="flash_sale_item_limit_check",
                    ),
                    CheckConstraint(
                        check="buckets BETWEEN 1 AND 64", name="flash_sale_item_buckets_check"
                    ),
                ],
                "indexes": [Index(fields=["sku_id"])],
                "pk_attr": "id",
                "table_description": "A SKU in a flash sale: price, pieces, and how many of them one member may claim.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FlashQuota",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "item",
                    fields.ForeignKeyField(
                        "models.FlashSaleItem",
                        source_field="item_id",
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
                ("pieces", fields.IntField()),
            ],
            options={
                "table": "flash_quota",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("item_id", "member_id"), name="flash_quota_key"),
                    CheckConstraint(check="pieces >= 0", name="flash_quota_pieces_check"),
                ],
                "pk_attr": "id",
                "table_description": "How many pieces of an item a member has: unpaid ones count, what came back doesn't.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FlashReminder",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "item",
                    fields.ForeignKeyField(
                        "models.FlashSaleItem",
                        source_field="item_id",
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
                ("told_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "flash_reminder",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("item_id", "member_id"), name="flash_reminder_key")
                ],
                "pk_attr": "id",
                "table_description": "A member wants to hear before an item can be claimed; told once.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="FlashTicket",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "item",
                    fields.ForeignKeyField(
                        "models.FlashSaleItem",
                        source_field="item_id",
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
                ("quantity", fields.IntField()),
                ("claimed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "status",
                    fields.CharEnumField(
                        description="Where a ticket stands. QUEUED is what nobody has decided yet: it is never stored.",
                        enum_type=TicketStatus,
                        max_length=32,
                    ),
                ),
                (
                    "reason",
                    fields.CharEnumField(
                        null=True,
                        description="Why a ticket was rejected; its pieces went back to the sale.",
                        enum_type=TicketReason,
                        max_length=32,
                    ),
                ),
                ("decided_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "flash_ticket",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="quantity BETWEEN 1 AND 99", name="flash_ticket_quantity_check"
                    ),
                    CheckConstraint(
                        check="status IN ('ORDERED', 'REJECTED')", name="flash_ticket_status_check"
                    ),
                    CheckConstraint(
                        check="(status = 'REJECTED') = (reason IS NOT NULL)",
                        name="flash_ticket_reason_check",
                    ),
                ],
                "indexes": [Index(fields=["item_id", "member_id", "claimed_at"])],
                "pk_attr": "id",
                "table_description": "What became of a claim, decided once: its id is the claim's (`flash_tickets.claim_id_of`).",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuy",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "product",
                    fields.ForeignKeyField(
                        "models.Product",
                        source_field="product_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=128)),
                ("name_en", fields.CharField(default="", max_length=128)),
                ("starts_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("team_size", fields.SmallIntField()),
                ("team_hours", fields.SmallIntField()),
                ("per_member_limit", fields.IntField()),
                ("new_members_only", fields.BooleanField(default=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="What operators have done with a campaign; its window says whether it runs.",
                        enum_type=GroupBuyState,
                        max_length=32,
                    ),
                ),
                (
                    "close_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "group_buy",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="starts_at < ends_at", name="group_buy_window_check"),
                    CheckConstraint(
                        check="team_size BETWEEN 2 AND 100 AND team_hours BETWEEN 1 AND 168",
                        name="group_buy_team_check",
                    ),
                    CheckConstraint(check="per_member_limit >= 1", name="group_buy_limit_check"),
                    CheckConstraint(
                        check="(state = 'CLOSED') = (close_due_at IS NULL)",
                        name="group_buy_close_check",
                    ),
                ],
                "indexes": [Index(fields=["product_id"])],
                "pk_attr": "id",
                "table_description": "A campaign over a product; teams of `team_size` have `team_hours` to come together.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuyCount",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "group_buy",
                    fields.ForeignKeyField(
                        "models.GroupBuy",
                        source_field="group_buy_id",
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
                ("pieces", fields.IntField()),
            ],
            options={
                "table": "group_buy_count",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("group_buy_id", "member_id"), name="group_buy_count_key"
                    ),
                    CheckConstraint(check="pieces >= 0", name="group_buy_count_pieces_check"),
                ],
                "pk_attr": "id",
                "table_description": "How many pieces of a campaign a member has: unpaid ones count, what came back doesn't.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuyItem",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "group_buy",
                    fields.ForeignKeyField(
                        "models.GroupBuy",
                        source_field="group_buy_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "sku",
                    fields.ForeignKeyField(
                        "models.Sku",
                        source_field="sku_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "stock",
                    fields.ForeignKeyField(
                        "models.CampaignStock",
                        source_field="stock_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("price_fen", fields.BigIntField()),
                ("position", fields.IntField(default=0)),
            ],
            options={
                "table": "group_buy_item",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("group_buy_id", "sku_id"), name="group_buy_item_sku_key"
                    ),
                    UniqueConstraint(fields=("stock_id",), name="group_buy_item_stock_key"),
                    CheckConstraint(
                        check="price_fen BETWEEN 0 AND 9007199254740991",
                        name="group_buy_item_price_check",
                    ),
                ],
                "indexes": [Index(fields=["sku_id"])],
                "pk_attr": "id",
                "table_description": "A SKU's price for teams. Without a shelf of its own it is sold from the SKU's.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuyNewcomer",
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
                    "order",
                    fields.ForeignKeyField(
                        "models.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "group_buy_newcomer",
                "app": "models",
                "constraints": [
                    UniqueConstraint(fields=("member_id",), name="group_buy_newcomer_member_key"),
                    UniqueConstraint(fields=("order_id",), name="group_buy_newcomer_order_key"),
                ],
                "pk_attr": "id",
                "table_description": "The one seat for newcomers that a member may have, in all campaigns, by its order.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuyTeam",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "group_buy",
                    fields.ForeignKeyField(
                        "models.GroupBuy",
                        source_field="group_buy_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "leader",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="leader_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("size", fields.SmallIntField()),
                ("paid_seats", fields.SmallIntField(default=0)),
                (
                    "status",
                    fields.CharEnumField(
                        description="Where a team stands; what has ended stays as it is.",
                        enum_type=TeamStatus,
                        max_length=32,
                    ),
                ),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "group_buy_team",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="paid_seats BETWEEN 0 AND size", name="group_buy_team_seats_check"
                    ),
                    CheckConstraint(
                        check="(status = 'SUCCEEDED') = (paid_seats = size)",
                        name="group_buy_team_succeeded_check",
                    ),
                    CheckConstraint(
                        check="(status = 'FORMING') = (due_at IS NOT NULL) AND (status = 'FORMING') = (ended_at IS NULL)",
                        name="group_buy_team_forming_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A team: it succeeds when `size` seats are paid, and fails at its deadline.",
            },
            bases=["Table"],
        ),
        ops.CreateModel(
            name="GroupBuySeat",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True),
                ),
                (
                    "team",
                    fields.ForeignKeyField(
                        "models.GroupBuyTeam",
                        source_field="team_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.SmallIntField()),
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
                    "order",
                    fields.ForeignKeyField(
                        "models.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="A seat is held by an order that awaits payment, then paid.",
                        enum_type=SeatStatus,
                        max_length=32,
                    ),
                ),
                ("held_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("joined_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("paid_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "refund_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("merged", fields.BooleanField(default=False)),
            ],
            options={
                "table": "group_buy_seat",
                "app": "models",
                "constraints": [
                    UniqueConstraint(
                        fields=("team_id", "position"), name="group_buy_seat_position_key"
                    ),
                    UniqueConstraint(fields=("order_id",), name="group_buy_seat_order_key"),
                    CheckConstraint(check="position >= 0", name="group_buy_seat_position_check"),
                    CheckConstraint(
                        check="(status = 'PAID') = (paid_at IS NOT NULL)",
                        name="group_buy_seat_paid_check",
                    ),
                    CheckConstraint(
                        check="refund_due_at IS NULL OR paid_at IS NOT NULL",
                        name="group_buy_seat_refund_check",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A place in a team, from 0, held by an unpaid order until `held_until`, or paid.",
            },
            bases=["Table"],
        ),
        ops.AddField(
            model_name="OrderLine",
            name="campaign_stock",
            field=fields.ForeignKeyField(
                "models.CampaignStock",
                source_field="campaign_stock_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name=False,
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.RunSQL(_CONSTRAINTS.read_text(encoding="utf-8")),
    ]
