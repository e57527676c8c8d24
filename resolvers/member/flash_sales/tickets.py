"""Tickets of flash sales: claims on their way to an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import strawberry

from domain.flash_sales import TicketStatus
from executor.fields import BatchInfo, batched, derived
from executor.hints import public
from loaders.flash_sales import item_by_id
from models.public_changes import PublicTag
from resolvers.common.context import Context
from resolvers.common.errors import UserError
from resolvers.common.problems import problem_told
from resolvers.common.public import CLOCK_SECONDS
from resolvers.member.flash_sales.types import FlashSaleItem
from resolvers.member.flash_sales.views import shown_item
from resolvers.member.orders.types import Order, orders_by_ids
from services import flash_claims
from services.flash_claims import TicketRow

strawberry.enum(TicketStatus, name="FlashSaleTicketStatus", description="Where a ticket stands.")

_TICKET = public(PublicTag.CAMPAIGNS, PublicTag.CATALOG, seconds=CLOCK_SECONDS)
"""Nobody but its member ever gets one."""


def _id(ticket: TicketRow, _context: Context) -> str:
    return ticket.id


@strawberry.type(
    description="A claim of a flash sale's pieces, which becomes an order or is rejected within"
    " seconds."
)
class FlashSaleTicket:
    """Its source is a `TicketRow`."""

    id: strawberry.ID = derived(_id, metadata=public(), description="The ticket's id.")
    status: TicketStatus = derived(
        lambda ticket, _context: ticket.status, metadata=public(), description="Where it stands."
    )
    quantity: int = derived(
        lambda ticket, _context: ticket.quantity, metadata=public(), description="Pieces."
    )
    created_at: datetime = derived(
        lambda ticket, _context: ticket.claimed_at,
        metadata=public(),
        description="When they were claimed.",
    )

    @batched(metadata=_TICKET, description="What was claimed.")
    @staticmethod
    async def item(tickets: Sequence[TicketRow], info: BatchInfo) -> list[FlashSaleItem]:
        rows = await info.context.loaders.read(item_by_id, [each.item_id for each in tickets])
        return [shown_item(row) for row in rows]

    @batched(description="ORDERED: the order that it became.")
    @staticmethod
    async def order(tickets: Sequence[TicketRow], info: BatchInfo) -> list[Order | None]:
        ids: list[UUID] = [each.order_id for each in tickets if each.order_id is not None]
        if not ids:
            return [None] * len(tickets)
        found = dict(zip(ids, await orders_by_ids(info.context, ids), strict=True))
        return [found.get(each.claim_id) for each in tickets]

    @batched(
        metadata=_TICKET, description="REJECTED: why; its pieces went back to the sale before."
    )
    @staticmethod
    async def problem(tickets: Sequence[TicketRow], info: BatchInfo) -> list[UserError | None]:
        context: Context = info.context
        rejected = [each for each in tickets if each.status is TicketStatus.REJECTED]
        if not rejected:
            return [None] * len(tickets)
        rows = await context.loaders.read(item_by_id, [each.item_id for each in rejected])
        items = {row["id"]: row for row in rows if row is not None}
        return [_problem(each, items, context) for each in tickets]

    @staticmethod
    def of(ticket: TicketRow) -> FlashSaleTicket:
        """Return what stands for a ticket."""
        return cast("FlashSaleTicket", ticket)


def _problem(ticket: TicketRow, items: dict[UUID, object], context: Context) -> UserError | None:
    if ticket.status is not TicketStatus.REJECTED:
        return None
    row = cast("dict[str, object]", items[ticket.item_id])
    refusal = ticket.problem(
        limit=cast("int", row["per_member_limit"]), product=cast("str", row["product_name"])
    )
    return problem_told(refusal, context.language)


async def find_ticket(context: Context, ticket_id: str) -> FlashSaleTicket | None:
    """Return the viewer's ticket of an id; another's is None, as one that isn't there.

    One that is in no queue any more is REJECTED from now on.
    """
    if context.member_id is None:
        return None
    found = await flash_claims.ticket(
        ticket_id, context.member_id, context.ports.flash, now=context.now
    )
    return None if found is None else FlashSaleTicket.of(found)
