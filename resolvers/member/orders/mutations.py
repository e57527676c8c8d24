"""placeOrder, changeOrderAddress."""

from __future__ import annotations

import strawberry

from domain.errors import DomainError
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import parse_id
from resolvers.common.problems import user_errors
from resolvers.common.scalars import Money
from resolvers.member.orders.types import Order, OrderPayload
from resolvers.member.pricing.types import OrderDraftInput, OrderQuote
from services import order_addresses, placing
from services.order_addresses import ChangeOrderAddress
from services.placing import DraftRefused, PlaceOrder, PriceChanged


@strawberry.input(description="An order to place.")
class PlaceOrderInput:
    draft: OrderDraftInput = strawberry.field(description="What is ordered.")
    expected_payable: Money | None = strawberry.field(
        default=None,
        description="The total the member saw; another total is PRICE_CHANGED,"
        " with nothing placed.",
    )
    remark: str | None = strawberry.field(
        default=None, description="The member's words to the shop; at most 200 characters."
    )
    invite_code: str | None = strawberry.field(
        default=None, description="Who brought a visitor here; a bad code never fails an order."
    )
    idempotency_key: str = strawberry.field(description="One key for one order.")


@strawberry.type(description="The order, or why there is none.")
class PlaceOrderPayload:
    order: Order | None = strawberry.field(default=None, description="The order.")
    quote: OrderQuote | None = strawberry.field(
        default=None, description="The new price when it is PRICE_CHANGED."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Everything that stands in the way; empty when it worked."
    )


@strawberry.input(description="Where an unpaid order shall go.")
class ChangeOrderAddressInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    address_id: strawberry.ID = strawberry.field(description="The address.")


@strawberry.type
class OrdersMutation:
    @strawberry.mutation(
        description="Places an order: its pieces are reserved, and it awaits payment."
        " An order of 0 fen is paid at once."
    )
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderPayload:
        context = info.context
        ports, language = context.ports, context.language
        command = PlaceOrder(
            member_id=context.require_member(),
            draft=input.draft.draft(),
            expected_payable_fen=input.expected_payable,
            remark=input.remark,
            invite_code=input.invite_code,
            idempotency_key=input.idempotency_key,
        )
        try:
            order_id = await placing.place_order(
                command, ports.gate, ports.personal_data, now=context.now
            )
        except DraftRefused as refused:
            return PlaceOrderPayload(user_errors=user_errors(refused.problems, language, "draft"))
        except PriceChanged as changed:
            return PlaceOrderPayload(
                quote=OrderQuote.of(changed.priced, language),
                user_errors=[UserError.of(changed, language)],
            )
        except DomainError as error:
            return PlaceOrderPayload(user_errors=[UserError.of(error, language)])
        context.loaders.forget()
        return PlaceOrderPayload(order=await Order.load(info, order_id))

    @strawberry.mutation(
        description="Sends an unpaid order elsewhere; its shipping and total follow the address."
    )
    async def change_order_address(
        self, info: Info, input: ChangeOrderAddressInput
    ) -> OrderPayload:
        context = info.context
        member_id = context.require_member()
        try:
            command = ChangeOrderAddress(
                member_id=member_id,
                order_id=parse_id(input.order_id, "order", "orderId"),
                address_id=parse_id(input.address_id, "address", "addressId"),
            )
            await order_addresses.change_order_address(
                command, context.ports.pay, context.ports.personal_data, now=context.now
            )
        except DomainError as error:
            return OrderPayload(user_errors=[UserError.of(error, context.language)])
        context.loaders.forget()
        return OrderPayload(order=await Order.load(info, command.order_id))
