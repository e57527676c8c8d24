"""addToCart, updateCart, clearCart."""

from __future__ import annotations

import strawberry

from domain.carts import LineChange
from domain.drafts import NO_ID
from domain.errors import DomainError
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import find_id, parse_id
from resolvers.member.carts.types import (
    AddToCartInput,
    Cart,
    CartLineChangeInput,
    CartPayload,
    UpdateCartInput,
)
from services import carts
from services.carts import AddToCart, UpdateCart


@strawberry.type
class CartsMutation:
    @strawberry.mutation(description="Puts pieces into the cart; they add to what is there.")
    async def add_to_cart(self, info: Info, input: AddToCartInput) -> CartPayload:
        member_id = info.context.require_member()
        try:
            command = AddToCart(
                member_id=member_id,
                sku_id=parse_id(input.sku_id, "SKU", "skuId"),
                quantity=input.quantity,
                idempotency_key=input.idempotency_key,
            )
            await carts.add_to_cart(command, now=info.context.now)
        except DomainError as error:
            return _refused(error, info)
        return await _changed(info)

    @strawberry.mutation(
        description="Changes the cart: selectAll first, then the lines; all of it or nothing."
    )
    async def update_cart(self, info: Info, input: UpdateCartInput) -> CartPayload:
        member_id = info.context.require_member()
        command = UpdateCart(
            member_id=member_id,
            select_all=input.select_all,
            lines=tuple(_change(line) for line in input.lines or ()),
        )
        try:
            await carts.update_cart(command, now=info.context.now)
        except DomainError as error:
            return _refused(error, info)
        return await _changed(info)

    @strawberry.mutation(description="Takes everything out of the cart.")
    async def clear_cart(self, info: Info) -> CartPayload:
        await carts.clear_cart(info.context.require_member())
        return await _changed(info)


def _change(given: CartLineChangeInput) -> LineChange:
    return LineChange(
        line_id=find_id(given.line_id) or NO_ID,
        sku_id=None if given.sku_id is None else find_id(given.sku_id) or NO_ID,
        quantity=given.quantity,
        selected=given.selected,
    )


def _refused(error: DomainError, info: Info) -> CartPayload:
    return CartPayload(user_errors=[UserError.of(error, info.context.language)])


async def _changed(info: Info) -> CartPayload:
    info.context.loaders.forget()
    return CartPayload(cart=await Cart.load(info, info.context.require_member()))
