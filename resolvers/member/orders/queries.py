"""order, Member.orders, Member.counts."""

from __future__ import annotations

from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.orders import OrderStatus
from executor.hints import signed_in
from loaders.orders import counts_by_member_id
from resolvers.common.context import Info
from resolvers.common.errors import bad_request
from resolvers.common.ids import find_id
from resolvers.common.pages import Connection, read_page
from resolvers.member.orders.types import MemberCounts, Order
from services import orders
from services.orders import CURSOR_KINDS, MAX_KEYWORD_LENGTH, OrderQuery

DEFAULT_FIRST = 20


@strawberry.type
class OrdersQuery:
    @strawberry.field(
        metadata=signed_in(), description="An order of the viewer's; null when there is none."
    )
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> Order | None:
        order_id = find_id(id)
        if order_id is None or info.context.member_id is None:
            return None
        return await Order.load(info, order_id)


class HasId(Protocol):
    """A member as far as their orders go."""

    id: strawberry.ID


async def orders_of_member(
    self: HasId,
    info: Info,
    *,
    statuses: Annotated[
        list[OrderStatus] | None,
        strawberry.argument(description="Those that stand at one of these; all when empty."),
    ] = None,
    keyword: Annotated[
        str | None,
        strawberry.argument(description="Part of a product's name, or of an order number."),
    ] = None,
    first: Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")] = 20,
    after: Annotated[
        str | None, strawberry.argument(description="The cursor to go on from.")
    ] = None,
) -> Connection[Order]:
    """Resolve `Member.orders`: newest first."""
    request = read_page(DEFAULT_FIRST if first is None else first, after, *CURSOR_KINDS)
    wanted = OrderQuery(
        member_id=UUID(self.id),
        statuses=frozenset(statuses or ()),
        keyword=_keyword(keyword),
    )
    page = await orders.list_orders(wanted, request)
    return Connection.of(page, lambda row: Order.from_row(row, info.context.language))


def _keyword(typed: str | None) -> str:
    keyword = (typed or "").strip()
    if len(keyword) > MAX_KEYWORD_LENGTH or "\x00" in keyword:
        raise bad_request(
            f"keyword: at most {MAX_KEYWORD_LENGTH} characters are expected.", argument="keyword"
        )
    return keyword


async def counts_of_member(self: HasId, info: Info) -> MemberCounts:
    """Resolve `Member.counts`: one statement for all of them."""
    counts = await info.context.loaders.of(counts_by_member_id).load(UUID(self.id))
    return MemberCounts(
        orders_awaiting_payment=counts.awaiting_payment,
        orders_awaiting_shipment=counts.awaiting_shipment,
        orders_awaiting_receipt=counts.awaiting_receipt,
        cart_pieces=counts.cart_pieces,
    )
