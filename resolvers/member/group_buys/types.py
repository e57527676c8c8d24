"""Group buys: a campaign over a product, with a price for each SKU."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.campaigns import CampaignStatus
from executor.costs import cost
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.catalog import product_by_id
from loaders.group_buys import items_by_group_buy_id
from models.public_changes import PublicTag
from resolvers.common import enums as _enums  # noqa: F401 (names CampaignStatus in the schema)
from resolvers.common.context import Context
from resolvers.common.errors import UserError
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.problems import problem_told
from resolvers.common.public import CLOCK_SECONDS, KEPT_SECONDS, STOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.member.catalog.products import Product, Sku, kept_skus
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.group_buys.views import GroupBuyView, shown_team
from services import group_lists
from services.group_lists import TEAM_CURSOR, viewers_by_group_buy_id

if TYPE_CHECKING:
    from resolvers.member.group_buys.teams import GroupBuyTeam

MAX_ITEMS = 100
"""SKUs of a campaign; `services.group_admin` takes no more."""
OPEN_TEAMS = 10
"""How many teams to join are shown unless more are asked for."""

_STATUS = public(PublicTag.CAMPAIGNS, seconds=KEPT_SECONDS)
_LEFT = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.STOCK, seconds=STOCK_SECONDS)
_JUDGED = public(
    *(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.STOCK, PublicTag.RULES),
    seconds=STOCK_SECONDS,
)
_GOODS = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.RULES)


@strawberry.type(description="A SKU of a group buy.")
class GroupBuyItem:
    """Its source is a row of `items_by_group_buy_id`."""

    price: Money = item("price_fen", description="What a piece costs in a team.")
    remaining: int = derived(
        lambda row, _context: row["remaining"],
        metadata=_LEFT,
        description="Pieces that can be had at this price now.",
    )

    @batched(metadata=_GOODS, description="What is sold.")
    @staticmethod
    async def sku(items: Sequence[Record], info: BatchInfo) -> list[Sku]:
        return await kept_skus(info, [row["sku_id"] for row in items])


async def read_items(campaigns: Sequence[GroupBuyView], info: BatchInfo) -> None:
    """Read the items of campaigns, once."""
    unread = [each for each in campaigns if each.items is None]
    if unread:
        ids = [each.row["id"] for each in unread]
        found = await info.context.loaders.read(items_by_group_buy_id, ids)
        for each, items in zip(unread, found, strict=True):
            each.items = items


async def read_facts(campaigns: Sequence[GroupBuyView], info: BatchInfo) -> None:
    """Read what opening or joining a team is judged by: rules, items, the viewer's part in it."""
    context: Context = info.context
    await viewpoint(context)
    await read_items(campaigns, info)
    if context.member_id is None:
        return
    unread = [each for each in campaigns if each.viewer is None]
    ids = [each.row["id"] for each in unread]
    found = await context.loaders.read(
        viewers_by_group_buy_id, ids, viewer_id=context.member_id, now=context.now
    )
    for each, viewer in zip(unread, found, strict=True):
        each.viewer = viewer


def _name(shown: GroupBuyView, context: Context) -> str:
    row = shown.row
    name: str = (context.language == "en" and row["name_en"]) or row["name"]
    return name


def _status(shown: GroupBuyView, context: Context) -> CampaignStatus:
    return group_lists.status_of(shown.row, now=context.now)


def _problem(shown: GroupBuyView, context: Context) -> UserError | None:
    refusal = group_lists.problem_of(
        shown.row,
        None,
        shown.viewer,
        view_of(context).rules.orders,
        pieces_left=shown.pieces_left,
        now=context.now,
    )
    return problem_told(refusal, context.language)


@strawberry.type(description="A product at a lower price for teams that come together in time.")
class GroupBuy:
    """Its source is a `GroupBuyView`."""

    id: strawberry.ID = item("id", of="row", convert=str, description="The campaign's id.")
    name: str = derived(_name, metadata=public(), description="Its name.")
    status: CampaignStatus = derived(_status, metadata=_STATUS, description="Where it stands.")
    starts_at: datetime = item(
        "starts_at", of="row", description="From when on teams can be opened."
    )
    ends_at: datetime = item(
        "ends_at",
        of="row",
        description="Until when, exclusive; a team that was opened in time keeps its deadline.",
    )
    team_size: int = item("team_size", of="row", description="How many a team needs.")
    team_hours: int = item(
        "team_hours", of="row", description="How many hours a team has to come together."
    )
    per_member_limit: int = item(
        "per_member_limit", of="row", description="Pieces for each member, over all their teams."
    )
    new_members_only: bool = item(
        "new_members_only",
        of="row",
        description="Whether only who has no paid order yet can join; anybody can open a team.",
    )
    items: list[GroupBuyItem] = derived(
        lambda shown, _context: shown.items,
        needs=read_items,
        metadata={**_LEFT, **cost(items=MAX_ITEMS)},
        description="The SKUs with their prices, in their order.",
    )
    problem: UserError | None = derived(
        _problem,
        needs=read_facts,
        metadata=_JUDGED,
        description="Why this member can't open a team now; null when they can.",
    )

    @batched(metadata=_GOODS, description="What it is about.")
    @staticmethod
    async def product(campaigns: Sequence[GroupBuyView], info: BatchInfo) -> list[Product]:
        await viewpoint(info.context)
        ids = [UUID(str(each.row["product_id"])) for each in campaigns]
        rows = await info.context.loaders.read(product_by_id, ids)
        return [Product.of(row, info.context) for row in rows]

    @batched(
        metadata=public(PublicTag.CAMPAIGNS, seconds=CLOCK_SECONDS),
        description="Teams that can be joined, what ends soonest first; the viewer's own are left"
        " out, and those of nobody who has paid.",
    )
    @staticmethod
    async def open_teams(
        campaigns: Sequence[GroupBuyView],
        info: BatchInfo,
        *,
        first: First = OPEN_TEAMS,
        after: After = None,
    ) -> list[
        Connection[Annotated[GroupBuyTeam, strawberry.lazy("resolvers.member.group_buys.teams")]]
    ]:
        context: Context = info.context
        view = await viewpoint(context)
        pages = await group_lists.open_teams(
            [each.row["id"] for each in campaigns],
            read_page(first, after, *TEAM_CURSOR, default=OPEN_TEAMS),
            viewer_id=context.member_id,
            rules=view.rules.orders,
            now=context.now,
        )
        return [cast("Any", Connection.of(page, shown_team)) for page in pages]
