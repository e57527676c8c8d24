"""flashSaleTicketChanged."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

import strawberry

from domain.errors import NotFound
from domain.flash_sales import TicketStatus
from resolvers.common.context import Info
from resolvers.common.live import Followed, follow
from resolvers.member.flash_sales.tickets import FlashSaleTicket, find_ticket
from services.flash_claims import TicketRow, topic_of


@strawberry.type
class FlashSalesSubscription:
    @strawberry.subscription(
        description=(
            "A ticket of the viewer's as it stands now, and when it has become an order or was "
            "rejected, which is the last event."
        )
    )
    async def flash_sale_ticket_changed(
        self,
        info: Info,
        ticket_id: Annotated[strawberry.ID, strawberry.argument(description="The ticket's id.")],
    ) -> AsyncGenerator[FlashSaleTicket, None]:
        context = info.context
        context.require_member()

        async def look() -> FlashSaleTicket | None:
            context.renew()  # Whether a ticket is lost goes by the time of the look.
            return await find_ticket(context, ticket_id)

        ticket = await look()
        if ticket is None:
            raise NotFound(thing="ticket", path=("ticketId",))
        followed = Followed(
            topic=topic_of(_row(ticket).claim_id),
            stamp=look,
            read=look,
            is_over=lambda seen: _row(seen).status is not TicketStatus.QUEUED,
        )
        return await follow(context, followed, thing="ticket", argument="ticketId")


def _row(ticket: FlashSaleTicket) -> TicketRow:
    """Return what stands for a ticket."""
    return cast("TicketRow", ticket)
