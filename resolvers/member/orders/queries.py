"""order, Member.orders, Member.counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

import strawberry
from asyncpg import Record

from domain.orders import OrderStatus
from executor.fields import BatchInfo
from executor.hints import signed_in
from loaders.members import MemberShape
from loaders.orders import counts_by_member_id
from models.order_rows import ORDER_CARD, ORDER_COLUMNS
from resolvers.common.asked import asked_below
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


ON_ITS_PAGE = (
    *("goodsTotal", "discountTotal", "shipping", "pointsSpent", "pointsOff", "pointsEarned"),
    *("refunded", "discounts", "address", "remark", "completedAt", "finalAt", "cancelReason"),
    "pickupCode",
)
"""The fields of an order that take more than `ORDER_CARD`."""


class HasMemberRow(Protocol):
    """A member as far as their orders go; `record` may hold counts already."""

    record: Record
    shape: MemberShape


async def orders_of_members(
    members: Sequence[HasMemberRow],
    info: BatchInfo,
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
) -> list[Connection[Order]]:
    """Resolve `Member.orders`: newest first."""
    request = read_page(DEFAULT_FIRST if first is None else first, after, *CURSOR_KINDS)
    typed, stand_at = _keyword(keyword), frozenset(statuses or ())
    columns = ORDER_COLUMNS if asked_below(info).for_any(*ON_ITS_PAGE) else ORDER_CARD
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        wanted = OrderQuery(member_id=member.record["id"], statuses=stand_at, keyword=typed)
        page = await orders.list_orders(wanted, request, columns=columns)
        found.append(Connection.of(page, lambda row: Order(row=row, context=info.context)))
    return found


def _keyword(typed: str | None) -> str:
    keyword = (typed or "").strip()
    if len(keyword) > MAX_KEYWORD_LENGTH or "\x00" in keyword:
        raise bad_request(
            f"keyword: at most {MAX_KEYWORD_LENGTH} characters are expected.", argument="keyword"
        )
    return keyword


async def counts_of_members(members: Sequence[HasMemberRow], info: BatchInfo) -> list[MemberCounts]:
    """Resolve `Member.counts`: one statement for all of them, if they weren't read before."""
    if all(member.shape.has_order_counts or member.shape.has_cart_pieces for member in members):
        # What is asked of the counts decides which were read along: see `member_shape`.
        return [MemberCounts(row=member.record) for member in members]
    ids = [member.record["id"] for member in members]
    found = await info.context.loaders.read(counts_by_member_id, ids)
    return [MemberCounts(row=row) for row in found]
