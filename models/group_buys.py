"""Group buys: a price for a team that comes together, with a row for each seat."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.group_buys import GroupBuyState, SeatStatus, TeamStatus
from models.fields import Table, belongs_to, fen, word


class GroupBuy(Table):
    """A campaign over a product; teams of `team_size` have `team_hours` to come together.

    `per_member_limit` is in pieces, over all of a member's teams. A team that was opened in time
    keeps its deadline after the campaign has ended.
    """

    product = belongs_to("Product")
    name = fields.CharField(max_length=128)
    name_en = fields.CharField(max_length=128, default="")
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    team_size = fields.SmallIntField()
    team_hours = fields.SmallIntField()
    per_member_limit = fields.IntField()
    new_members_only = fields.BooleanField(default=False)
    state = word(GroupBuyState)
    close_due_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "group_buy"
        indexes = (("product_id",),)
        constraints = (
            CheckConstraint(check="starts_at < ends_at", name="group_buy_window_check"),
            CheckConstraint(
                check="team_size BETWEEN 2 AND 100 AND team_hours BETWEEN 1 AND 168",
                name="group_buy_team_check",
            ),
            CheckConstraint(check="per_member_limit >= 1", name="group_buy_limit_check"),
            CheckConstraint(
                check="(state = 'CLOSED') = (close_due_at IS NULL)", name="group_buy_close_check"
            ),
        )


class GroupBuyItem(Table):
    """A SKU's price for teams. Without a shelf of its own it is sold from the SKU's."""

    group_buy = belongs_to("GroupBuy")
    sku = belongs_to("Sku")
    stock = belongs_to("CampaignStock", null=True)
    price_fen = fen()
    position = fields.IntField(default=0)

    class Meta:
        table = "group_buy_item"
        indexes = (("sku_id",),)
        constraints = (
            UniqueConstraint(fields=("group_buy_id", "sku_id"), name="group_buy_item_sku_key"),
            UniqueConstraint(fields=("stock_id",), name="group_buy_item_stock_key"),
            CheckConstraint(
                check="price_fen BETWEEN 0 AND 9007199254740991", name="group_buy_item_price_check"
            ),
        )


class GroupBuyTeam(Table):
    """A team: it succeeds when `size` seats are paid, and fails at its deadline.

    Its id says nothing of when it was made, so that nobody finds one by trying. While it forms its
    row is the lock of its seats, and `due_at` is when somebody has to look.
    """

    group_buy = belongs_to("GroupBuy")
    leader = belongs_to("Member")
    size = fields.SmallIntField()
    paid_seats = fields.SmallIntField(default=0)
    status = word(TeamStatus)
    opened_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    due_at = fields.DatetimeField(null=True)

    class Meta:
        table = "group_buy_team"
        indexes = (("leader_id",),)
        constraints = (
            CheckConstraint(
                check="paid_seats BETWEEN 0 AND size", name="group_buy_team_seats_check"
            ),
            CheckConstraint(
                check="(status = 'SUCCEEDED') = (paid_seats = size)",
                name="group_buy_team_succeeded_check",
            ),
            CheckConstraint(
                check="(status = 'FORMING') = (due_at IS NOT NULL)"
                " AND (status = 'FORMING') = (ended_at IS NULL)",
                name="group_buy_team_forming_check",
            ),
        )


class GroupBuySeat(Table):
    """A place in a team, from 0, held by an unpaid order until `held_until`, or paid.

    A seat that lapses or whose order is cancelled is deleted: the order tells the story.
    `refund_due_at` asks for a failed team's order to be refunded.
    """

    team = belongs_to("GroupBuyTeam")
    position = fields.SmallIntField()
    member = belongs_to("Member")
    order = belongs_to("Order")
    status = word(SeatStatus)
    held_until = fields.DatetimeField()
    joined_at = fields.DatetimeField()
    paid_at = fields.DatetimeField(null=True)
    refund_due_at = fields.DatetimeField(null=True)
    merged = fields.BooleanField(default=False)

    class Meta:
        table = "group_buy_seat"
        constraints = (
            UniqueConstraint(fields=("team_id", "position"), name="group_buy_seat_position_key"),
            UniqueConstraint(fields=("order_id",), name="group_buy_seat_order_key"),
            CheckConstraint(check="position >= 0", name="group_buy_seat_position_check"),
            CheckConstraint(
                check="(status = 'PAID') = (paid_at IS NOT NULL)", name="group_buy_seat_paid_check"
            ),
            CheckConstraint(
                check="refund_due_at IS NULL OR paid_at IS NOT NULL",
                name="group_buy_seat_refund_check",
            ),
        )


class GroupBuyCount(Table):
    """How many pieces of a campaign a member has: unpaid ones count, what came back doesn't."""

    group_buy = belongs_to("GroupBuy")
    member = belongs_to("Member")
    pieces = fields.IntField()

    class Meta:
        table = "group_buy_count"
        constraints = (
            UniqueConstraint(fields=("group_buy_id", "member_id"), name="group_buy_count_key"),
            CheckConstraint(check="pieces >= 0", name="group_buy_count_pieces_check"),
        )


class GroupBuyNewcomer(Table):
    """The one seat for newcomers that a member may have, in all campaigns, by its order."""

    member = belongs_to("Member")
    order = belongs_to("Order")

    class Meta:
        table = "group_buy_newcomer"
        constraints = (
            UniqueConstraint(fields=("member_id",), name="group_buy_newcomer_member_key"),
            UniqueConstraint(fields=("order_id",), name="group_buy_newcomer_order_key"),
        )
