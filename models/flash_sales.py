"""Flash sales: few pieces at a price for a window, and what became of those who wanted them."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.flash_sales import FlashSaleState, TicketReason, TicketStatus
from models.fields import Table, belongs_to, fen, word


class FlashSale(Table):
    """A session: its items can be claimed in its window while it is PUBLISHED.

    `config_version` grows with each change that Redis has to hear of. `close_due_at` is when what
    is left goes back to the SKUs; it falls due once, and a CLOSED sale has none.
    """

    name = fields.CharField(max_length=128)
    name_en = fields.CharField(max_length=128, default="")
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    state = word(FlashSaleState)
    needs_captcha = fields.BooleanField(default=False)
    config_version = fields.IntField(default=1)
    published_at = fields.DatetimeField(null=True)
    close_due_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "flash_sale"
        constraints = (
            CheckConstraint(check="starts_at < ends_at", name="flash_sale_window_check"),
            CheckConstraint(
                check="(state = 'DRAFT') = (published_at IS NULL)",
                name="flash_sale_published_check",
            ),
            CheckConstraint(
                check="(state IN ('DRAFT', 'CLOSED')) = (close_due_at IS NULL)",
                name="flash_sale_close_check",
            ),
        )


class FlashSaleItem(Table):
    """A SKU in a flash sale: price, pieces, and how many of them one member may claim.

    Its price and quantity never change once the sale is published; then it has a shelf. A hot
    item's pieces are spread over `buckets` in Redis.
    """

    sale = belongs_to("FlashSale")
    sku = belongs_to("Sku")
    stock = belongs_to("CampaignStock", null=True)
    price_fen = fen()
    quantity = fields.IntField()
    per_member_limit = fields.IntField()
    min_tier_code = fields.CharField(max_length=32, null=True)
    buckets = fields.SmallIntField(default=1)
    position = fields.IntField(default=0)

    class Meta:
        table = "flash_sale_item"
        indexes = (("sku_id",),)
        constraints = (
            UniqueConstraint(fields=("sale_id", "sku_id"), name="flash_sale_item_sku_key"),
            UniqueConstraint(fields=("stock_id",), name="flash_sale_item_stock_key"),
            CheckConstraint(
                check="price_fen BETWEEN 0 AND 9007199254740991", name="flash_sale_item_price_check"
            ),
            CheckConstraint(check="quantity >= 1", name="flash_sale_item_quantity_check"),
            CheckConstraint(
                check="per_member_limit BETWEEN 1 AND 99", name="flash_sale_item_limit_check"
            ),
            CheckConstraint(check="buckets BETWEEN 1 AND 64", name="flash_sale_item_buckets_check"),
        )


class FlashTicket(Table):
    """What became of a claim, decided once: its id is the claim's (`flash_tickets.claim_id_of`).

    The order of an ORDERED ticket has the same id. A ticket that nobody has decided has no row.
    """

    item = belongs_to("FlashSaleItem")
    member = belongs_to("Member")
    quantity = fields.IntField()
    claimed_at = fields.DatetimeField()
    status = word(TicketStatus)
    reason = word(TicketReason, null=True)
    decided_at = fields.DatetimeField()

    class Meta:
        table = "flash_ticket"
        indexes = (("item_id", "member_id", "claimed_at"),)
        constraints = (
            CheckConstraint(check="quantity BETWEEN 1 AND 99", name="flash_ticket_quantity_check"),
            CheckConstraint(
                check="status IN ('ORDERED', 'REJECTED')", name="flash_ticket_status_check"
            ),
            CheckConstraint(
                check="(status = 'REJECTED') = (reason IS NOT NULL)",
                name="flash_ticket_reason_check",
            ),
        )


class FlashQuota(Table):
    """How many pieces of an item a member has: unpaid ones count, what came back doesn't."""

    item = belongs_to("FlashSaleItem")
    member = belongs_to("Member")
    pieces = fields.IntField()

    class Meta:
        table = "flash_quota"
        constraints = (
            UniqueConstraint(fields=("item_id", "member_id"), name="flash_quota_key"),
            CheckConstraint(check="pieces >= 0", name="flash_quota_pieces_check"),
        )


class FlashReminder(Table):
    """A member wants to hear before an item can be claimed; told once."""

    item = belongs_to("FlashSaleItem")
    member = belongs_to("Member")
    told_at = fields.DatetimeField(null=True)

    class Meta:
        table = "flash_reminder"
        constraints = (
            UniqueConstraint(fields=("item_id", "member_id"), name="flash_reminder_key"),
        )
