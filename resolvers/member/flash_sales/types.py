"""Flash sales and their items: prices, what is left, and what the viewer has of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry
from asyncpg import Record

from domain.campaigns import CampaignStatus
from domain.flash_offers import Onlooker
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from loaders.flash_sales import (
    last_ticket_by_item_id,
    pieces_by_item_id,
    reminder_by_item_id,
)
from models.public_changes import PublicTag
from resolvers.common import enums as _enums  # noqa: F401 (names CampaignStatus in the schema)
from resolvers.common.context import Context
from resolvers.common.errors import UserError
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.problems import problem_told
from resolvers.common.public import CLOCK_SECONDS
from resolvers.common.scalars import Money
from resolvers.member.catalog.products import Sku, kept_skus
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.flash_sales.views import FlashItemView, shown_item
from services import flash_lists
from services.campaigns import viewers_by_id
from services.flash_gate import ItemPlace
from services.flash_lists import ITEM_CURSOR, shown_by_place

if TYPE_CHECKING:
    from resolvers.member.flash_sales.tickets import FlashSaleTicket

_CLOCK = public(PublicTag.CAMPAIGNS, seconds=CLOCK_SECONDS)
"""Sales begin and end by the second, and claims tell nobody of what is left."""
_JUDGED = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.RULES, seconds=CLOCK_SECONDS)
_GOODS = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, PublicTag.RULES)


def _name(sale: Record, context: Context) -> str:
    name: str = (context.language == "en" and sale["name_en"]) or sale["name"]
    return name


def _status(sale: Record, context: Context) -> CampaignStatus:
    return flash_lists.status_of(sale, now=context.now)


@strawberry.type(description="Few pieces at a low price, for a window of time.")
class FlashSale:
    """Its source is a sale's row, or that of one of its items."""

    id: strawberry.ID = item("sale_id", convert=str, description="The sale's id.")
    name: str = derived(_name, metadata=public(), description="Its name.")
    status: CampaignStatus = derived(_status, metadata=_CLOCK, description="Where it stands.")
    starts_at: datetime = item(
        "starts_at", description="From when on members can claim; some tiers a little earlier."
    )
    ends_at: datetime = item("ends_at", description="Until when, exclusive.")

    @batched(
        metadata=public(PublicTag.CAMPAIGNS, PublicTag.CATALOG), description="What is sold in it."
    )
    @staticmethod
    async def items(
        sales: Sequence[Record], info: BatchInfo, *, first: First = 20, after: After = None
    ) -> list[Connection[FlashSaleItem]]:
        del info
        request = read_page(first, after, *ITEM_CURSOR)
        pages = await flash_lists.items_of([sale["sale_id"] for sale in sales], request)
        return [Connection.of(page, shown_item) for page in pages]


async def _look(items: Sequence[FlashItemView], info: BatchInfo) -> None:
    """Ask the gate for what is left of items that can be claimed, and for the viewer's part."""
    context: Context = info.context
    rules = (await viewpoint(context)).rules
    unseen = [each for each in items if not each.is_seen]
    early = timedelta(minutes=max(tier.priority_minutes for tier in rules.tiers))
    claimable = [each for each in unseen if _can_be_claimed(each.row, context.now, early)]
    if claimable:
        seen = await context.loaders.read(
            shown_by_place,
            [ItemPlace(each.row["id"], each.row["buckets"]) for each in claimable],
            gate=cast("Hashable", context.ports.flash),
            viewer_id=context.member_id,
        )
        for each, shown in zip(claimable, seen, strict=True):
            each.shown = shown
    for each in unseen:
        each.is_seen = True


def _can_be_claimed(row: Record, now: datetime, early: timedelta) -> bool:
    """Tell whether anybody can claim pieces: before, and after, PostgreSQL knows all there is."""
    status = flash_lists.status_of(row, now=now)
    return status is not CampaignStatus.ENDED and now >= row["starts_at"] - early


async def _look_at_mine(items: Sequence[FlashItemView], info: BatchInfo) -> None:
    """Read how many pieces the viewer has: of the gate, or of PostgreSQL where it can't say."""
    await _look(items, info)
    context: Context = info.context
    for each in items:
        if each.shown is not None:
            each.mine = each.shown.mine
    unknown = [each for each in items if each.mine is None]
    if context.member_id is None or not unknown:
        return
    ids = [each.row["id"] for each in unknown]
    pieces = await context.loaders.read(pieces_by_item_id, ids, viewer_id=context.member_id)
    for each, mine in zip(unknown, pieces, strict=True):
        each.mine = mine


async def _facts(items: Sequence[FlashItemView], info: BatchInfo) -> None:
    """Read what a claim is judged by."""
    await _look_at_mine(items, info)
    context: Context = info.context
    if context.member_id is None:
        return
    [viewer] = await context.loaders.read(viewers_by_id, [context.member_id], now=context.now)
    for each in items:
        each.viewer = viewer


def _remaining(shown: FlashItemView, context: Context) -> int:
    """Return what can still be claimed; when a sale is over, nothing."""
    if flash_lists.status_of(shown.row, now=context.now) is CampaignStatus.ENDED:
        return 0
    left: int = shown.row["available"]
    return left if shown.shown is None else shown.shown.remaining


def _problem(shown: FlashItemView, context: Context) -> UserError | None:
    onlooker = None
    if context.member_id is not None:
        viewer = shown.viewer
        onlooker = Onlooker(
            is_active=viewer is not None,
            tier_code=viewer.tier_code if viewer else "",
            claimed=shown.mine or 0,
        )
    refusal = flash_lists.problem_of(
        shown.row,
        onlooker,
        view_of(context).rules,
        remaining=_remaining(shown, context),
        now=context.now,
    )
    return problem_told(refusal, context.language)


@strawberry.type(description="A SKU in a flash sale.")
class FlashSaleItem:
    """Its source is a `FlashItemView`."""

    id: strawberry.ID = item("id", of="row", convert=str, description="The item's id.")
    flash_sale: FlashSale = derived(
        lambda shown, _context: shown.row, metadata=public(), description="The sale it is in."
    )
    price: Money = item("price_fen", of="row", description="What a piece costs in the sale.")
    quantity: int = item("quantity", of="row", description="How many pieces there are in all.")
    remaining: int = derived(
        _remaining,
        needs=_look,
        metadata=_JUDGED,
        description="How many can be claimed now; what isn't paid for in time comes back.",
    )
    per_member_limit: int = item(
        "per_member_limit", of="row", description="Pieces for each member."
    )
    claimed_by_me: int = derived(
        lambda shown, _context: shown.mine or 0,
        needs=_look_at_mine,
        metadata=_CLOCK,
        description="Pieces that the viewer has: waiting in the queue, to be paid, or paid.",
    )
    problem: UserError | None = derived(
        _problem,
        needs=_facts,
        metadata=_JUDGED,
        description="Why this member can't claim a piece now; null when they can. What isn't open"
        " to them yet says in how many seconds it is.",
    )

    @batched(metadata=_GOODS, description="What is sold.")
    @staticmethod
    async def sku(items: Sequence[FlashItemView], info: BatchInfo) -> list[Sku]:
        return await kept_skus(info, [each.row["sku_id"] for each in items])

    @batched(metadata=_CLOCK, description="The viewer's last ticket of it.")
    @staticmethod
    async def my_ticket(
        items: Sequence[FlashItemView], info: BatchInfo
    ) -> list[
        Annotated[FlashSaleTicket, strawberry.lazy("resolvers.member.flash_sales.tickets")] | None
    ]:
        context: Context = info.context
        if context.member_id is None:
            return [None] * len(items)
        await _look(items, info)
        ids = [each.row["id"] for each in items]
        decided = await context.loaders.read(
            last_ticket_by_item_id, ids, viewer_id=context.member_id
        )
        latest = [each.shown.ticket if each.shown else None for each in items]
        tickets = await flash_lists.last_tickets(decided, latest, context.ports.flash)
        return cast("list[Any]", tickets)

    @batched(metadata=_CLOCK, description="Whether the viewer will hear before they can claim.")
    @staticmethod
    async def reminder_set(items: Sequence[FlashItemView], info: BatchInfo) -> list[bool]:
        context: Context = info.context
        if context.member_id is None:
            return [False] * len(items)
        ids = [each.row["id"] for each in items]
        return cast(
            "list[bool]",
            await context.loaders.read(reminder_by_item_id, ids, viewer_id=context.member_id),
        )
