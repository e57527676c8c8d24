"""claimFlashSale and setFlashSaleReminder."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.drafts import NO_ID
from domain.errors import DomainError
from domain.orders import DeliveryMethod
from loaders.flash_sales import item_by_id
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.common.ids import find_id, parse_id
from resolvers.member.flash_sales.tickets import FlashSaleTicket
from resolvers.member.flash_sales.types import FlashSaleItem
from resolvers.member.flash_sales.views import shown_item
from services import flash_claims, flash_reminders
from services.flash_claims import ClaimFlashSale


@strawberry.input(description="Pieces of a flash sale's item to claim.")
class ClaimFlashSaleInput:
    item_id: strawberry.ID = strawberry.field(description="The item.")
    quantity: int = strawberry.field(default=1, description="Pieces.")
    address_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="EXPRESS: where they go; the default address when absent. Without any, the"
        " order asks for one before it is paid.",
    )
    idempotency_key: str = strawberry.field(description="One key for one claim.")
    delivery: DeliveryMethod | None = strawberry.field(
        default=DeliveryMethod.EXPRESS, description="How the goods reach the member."
    )
    store_id: strawberry.ID | None = strawberry.field(default=None, description="PICKUP: where.")
    captcha_token: str | None = strawberry.field(
        default=None, description="Proof of a person, where the sale asks for it."
    )

    def command(self, member_id: UUID, client_ip: str) -> ClaimFlashSale:
        """Return the wish of a member.

        Raises:
            NotFound: the item's id can't be one.
        """
        return ClaimFlashSale(
            member_id=member_id,
            item_id=parse_id(self.item_id, "flash sale item", "itemId"),
            quantity=self.quantity,
            address_id=_id(self.address_id),
            delivery=self.delivery or DeliveryMethod.EXPRESS,
            store_id=_id(self.store_id),
            captcha_token=self.captcha_token,
            idempotency_key=self.idempotency_key,
            client_ip=client_ip,
        )


def _id(text: str | None) -> UUID | None:
    return None if text is None else find_id(text) or NO_ID


@strawberry.type(description="The place in the queue, or why there is none.")
class ClaimFlashSalePayload:
    ticket: FlashSaleTicket | None = strawberry.field(default=None, description="The ticket.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )


@strawberry.input(description="An item to be reminded of, or no longer.")
class SetFlashSaleReminderInput:
    item_id: strawberry.ID = strawberry.field(description="The item.")
    on: bool = strawberry.field(description="Whether to be reminded.")


@strawberry.type(description="The item after the change.")
class FlashSaleItemPayload:
    item: FlashSaleItem | None = strawberry.field(default=None, description="The item.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )


@strawberry.type
class FlashSalesMutation:
    @strawberry.mutation(
        description="Takes a place in the queue for pieces of a flash sale. Follow the ticket: it"
        " becomes an order, to be paid in time, or says why not. The same key finds the same"
        " ticket."
    )
    async def claim_flash_sale(
        self, info: Info, input: ClaimFlashSaleInput
    ) -> ClaimFlashSalePayload:
        context = info.context
        member_id = context.require_member()
        try:
            command = input.command(member_id, context.client_ip)
            ticket_id = await flash_claims.claim(
                command, context.ports.flash, context.ports.captcha, now=context.now
            )
            ticket = await _ticket(ticket_id, context)
        except DomainError as error:
            return ClaimFlashSalePayload(user_errors=[UserError.of(error, context.language)])
        return ClaimFlashSalePayload(ticket=ticket)

    @strawberry.mutation(
        description="Has the viewer hear a few minutes before they can claim an item, or no longer."
    )
    async def set_flash_sale_reminder(
        self, info: Info, input: SetFlashSaleReminderInput
    ) -> FlashSaleItemPayload:
        context = info.context
        member_id = context.require_member()
        try:
            item_id = parse_id(input.item_id, "flash sale item", "itemId")
            await flash_reminders.set_reminder(member_id, item_id, input.on, now=context.now)
        except DomainError as error:
            return FlashSaleItemPayload(user_errors=[UserError.of(error, context.language)])
        context.loaders.forget()
        [row] = await context.loaders.read(item_by_id, [item_id])
        return FlashSaleItemPayload(item=None if row is None else shown_item(row))


async def _ticket(ticket_id: str, context: Context) -> FlashSaleTicket | None:
    """Return a claim's ticket. A new one is QUEUED: PostgreSQL needn't be asked."""
    told = context.ports.flash.ticket_of(ticket_id)
    assert told is not None, "the gate signs its tickets"
    if (context.now - told.claimed_at).total_seconds() < _NEW_SECONDS:
        return FlashSaleTicket.of(flash_claims.row_of(ticket_id, told, None))
    found = await flash_claims.ticket(
        ticket_id, context.require_member(), context.ports.flash, now=context.now
    )
    return None if found is None else FlashSaleTicket.of(found)


_NEW_SECONDS = 0.001
"""A ticket knows its millisecond: an older one has been given before, under the same key."""
