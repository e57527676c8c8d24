"""flashSales, flashSale, flashSaleTicket, Member.flashSaleTickets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import strawberry

from domain.campaigns import CampaignStatus
from executor.fields import BatchInfo
from executor.hints import public, signed_in
from loaders.flash_sales import sale_by_id
from models.public_changes import PublicTag
from resolvers.common.context import Context, Info
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import CLOCK_SECONDS
from resolvers.member.flash_sales.tickets import FlashSaleTicket, find_ticket
from resolvers.member.flash_sales.types import FlashSale
from resolvers.member.members.view import MemberView
from services import campaign_pages, flash_lists

DEFAULT_FIRST = 10

_SALES = public(PublicTag.CAMPAIGNS, seconds=CLOCK_SECONDS)


@strawberry.type
class FlashSalesQuery:
    @strawberry.field(
        metadata=_SALES,
        description="Flash sales page by page: those that are on, what ends first; then what comes;"
        " then what is over.",
    )
    async def flash_sales(
        self,
        info: Info,
        statuses: Annotated[
            list[CampaignStatus] | None,
            strawberry.argument(description="Those that stand at one of these; all when empty."),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> Connection[FlashSale]:
        request = read_page(first, after, *campaign_pages.CURSOR_KINDS, default=DEFAULT_FIRST)
        page = await flash_lists.list_sales(statuses or (), request, now=info.context.now)
        return Connection(nodes=cast("list[FlashSale]", page.rows), page=page)

    @strawberry.field(
        metadata=_SALES, description="A flash sale, on or over; null when there is none."
    )
    async def flash_sale(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The sale's id.")],
    ) -> FlashSale | None:
        sale_id = find_id(id)
        if sale_id is None:
            return None
        [row] = await info.context.loaders.read(sale_by_id, [sale_id])
        return cast("FlashSale | None", row)

    @strawberry.field(
        metadata=signed_in(), description="A ticket of the viewer's; null when there is none."
    )
    async def flash_sale_ticket(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The ticket's id.")],
    ) -> FlashSaleTicket | None:
        return await find_ticket(info.context, id)


async def tickets_of_members(
    members: Sequence[MemberView], info: BatchInfo, *, first: First = 20, after: After = None
) -> list[Connection[FlashSaleTicket]]:
    """Resolve `Member.flashSaleTickets`: the latest first."""
    context: Context = info.context
    request = read_page(first, after, *flash_lists.TICKET_CURSOR)
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        page = await flash_lists.tickets_of(member.id, request)
        tickets = [flash_lists.decided_ticket(row, context.ports.flash) for row in page.rows]
        found.append(Connection(nodes=cast("list[FlashSaleTicket]", tickets), page=page))
    return found
