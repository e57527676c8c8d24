"""The cart: its lines as they stand now, and what the selected ones cost."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import strawberry

from domain.carts import line_problem
from executor.fields import BatchInfo, batched
from loaders.carts import cart_lines_by_member_id
from models.order_rows import CartLineRow
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.common.messages import Language
from resolvers.common.problems import user_error
from resolvers.common.scalars import Money
from resolvers.member.catalog.products import Sku, kept_skus
from resolvers.member.members.view import MemberView
from resolvers.member.pricing.types import OrderQuote
from services import quoting


@strawberry.type(description="A SKU in the cart.")
class CartLine:
    id: strawberry.ID = strawberry.field(description="The line's id.")
    quantity: int = strawberry.field(description="Pieces, 1 to 99.")
    selected: bool = strawberry.field(description="Whether it would be ordered.")
    problem: UserError | None = strawberry.field(
        description="Why this member can't have it now; null when they can."
    )
    price_when_added: Money = strawberry.field(description="The list price when it was added.")
    sku_id: strawberry.Private[UUID]

    @batched(description="What it is, as it stands now.")
    @staticmethod
    async def sku(lines: Sequence[CartLine], info: BatchInfo) -> list[Sku]:
        return await kept_skus(info, [line.sku_id for line in lines])

    @classmethod
    def from_row(cls, row: CartLineRow, language: Language) -> CartLine:
        """Show a line."""
        problem = line_problem(
            product=row.product_name,
            quantity=row.quantity,
            is_for_sale=row.is_for_sale,
            available=row.available,
            purchase_limit=row.purchase_limit,
            purchased=row.purchased,
        )
        return cls(
            id=strawberry.ID(str(row.id)),
            quantity=row.quantity,
            selected=row.selected,
            problem=user_error(problem, language) if problem else None,
            price_when_added=Money(row.price_when_added_fen),
            sku_id=row.sku_id,
        )


@strawberry.type(description="What a member has set aside for buying.")
class Cart:
    lines: list[CartLine] = strawberry.field(description="At most 200, newest first.")
    pieces: int = strawberry.field(description="The pieces of all lines.")
    member_id: strawberry.Private[UUID]

    @strawberry.field(
        description="Of the selected lines, with the best coupons and the default address."
    )
    async def quote(self, info: Info) -> OrderQuote:
        priced = await quoting.quote_cart(self.member_id, now=info.context.now)
        return OrderQuote.of(priced, info.context.language, has_input=False)

    @classmethod
    async def load(cls, info: Info, member_id: UUID) -> Cart:
        """Read a member's cart."""
        (found,) = await carts_by_member_ids(info.context, [member_id])
        return found


async def carts_by_member_ids(context: Context, ids: Sequence[UUID]) -> list[Cart]:
    """Return each member's cart; an empty one is a cart too."""
    found = await context.loaders.read(cart_lines_by_member_id, ids)
    return [
        Cart(
            lines=[CartLine.from_row(row, context.language) for row in rows],
            pieces=sum(row.quantity for row in rows),
            member_id=member_id,
        )
        for member_id, rows in zip(ids, found, strict=True)
    ]


async def carts_of_members(members: Sequence[MemberView], info: BatchInfo) -> list[Cart]:
    """Resolve `Member.cart`."""
    return await carts_by_member_ids(info.context, [member.id for member in members])


@strawberry.type(description="The cart after a change.")
class CartPayload:
    cart: Cart | None = strawberry.field(default=None, description="Null when nothing was changed.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )


@strawberry.input(description="What to put into the cart.")
class AddToCartInput:
    sku_id: strawberry.ID = strawberry.field(description="The SKU.")
    quantity: int = strawberry.field(
        default=1, description="Pieces, 1 to 99 with those in the cart already."
    )
    idempotency_key: str = strawberry.field(description="One key for one adding.")


@strawberry.input(description="What changes on a line: what is absent stays.")
class CartLineChangeInput:
    line_id: strawberry.ID = strawberry.field(description="The line.")
    sku_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Changes the options: the pieces go to a line that this SKU has already.",
    )
    quantity: int | None = strawberry.field(default=None, description="0 to 99; 0 removes it.")
    selected: bool | None = strawberry.field(
        default=None, description="Whether it would be ordered."
    )


@strawberry.input(description="Changes of the cart: all of them or none.")
class UpdateCartInput:
    select_all: bool | None = strawberry.field(
        default=None, description="Selects every line, or none; before `lines`."
    )
    lines: list[CartLineChangeInput] | None = strawberry.field(
        default=None, description="At most 100 changes, one after the other."
    )
