"""Campaigns and teams as one viewer sees them, and those that other things lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

import strawberry
from asyncpg import Record

from domain.group_buys import TeamViewer
from executor.fields import BatchInfo
from loaders.group_buys import group_buy_by_product_id, team_by_order_id
from models.order_rows import ORDER_COLUMNS

if TYPE_CHECKING:
    from resolvers.member.group_buys.teams import GroupBuyTeam
    from resolvers.member.group_buys.types import GroupBuy

_ORDER_ID = ORDER_COLUMNS.index("id")


@dataclass(slots=True)
class GroupBuyView:
    """A campaign's row; its items, and the viewer's part in it, once they are read."""

    row: Record
    items: Sequence[Record] | None = None
    viewer: TeamViewer | None = None

    @property
    def pieces_left(self) -> int:
        """Return how many pieces of the items that were read are left in all."""
        return sum(item["remaining"] for item in self.items or ())


class SeatView(NamedTuple):
    """A seat's row. `is_open`: whoever looks is in the team, and sees who the others are."""

    row: Record
    is_leader: bool
    is_open: bool


@dataclass(slots=True)
class TeamView:
    """A team's row; its seats, its campaign and its product, once they are read."""

    row: Record
    seats: Sequence[Record] | None = None
    campaign: GroupBuyView | None = None
    product: Record | None = None


def shown_campaign(row: Record) -> GroupBuy:
    """Return what stands for a campaign."""
    return cast("GroupBuy", GroupBuyView(row))


def shown_team(row: Record) -> GroupBuyTeam:
    """Return what stands for a team."""
    return cast("GroupBuyTeam", TeamView(row))


async def group_buys_of_products(
    products: Sequence[Any], info: BatchInfo
) -> list[Annotated[GroupBuy, strawberry.lazy("resolvers.member.group_buys.types")] | None]:
    """Resolve `Product.groupBuy`: the campaign that is on, or else the next one."""
    context = info.context
    ids = [product.row["id"] for product in products]
    rows = await context.loaders.read(group_buy_by_product_id, ids, now=context.now)
    return [None if row is None else shown_campaign(row) for row in rows]


async def teams_of_orders(
    orders: Sequence[Any], info: BatchInfo
) -> list[Annotated[GroupBuyTeam, strawberry.lazy("resolvers.member.group_buys.teams")] | None]:
    """Resolve `Order.groupBuyTeam`."""
    ids = [order[_ORDER_ID] for order in orders]
    rows = await info.context.loaders.read(team_by_order_id, ids)
    return [None if row is None else shown_team(row) for row in rows]
