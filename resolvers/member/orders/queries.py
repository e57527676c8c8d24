"""order, Member.orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

import strawberry

from domain.orders import OrderStatus
from executor.fields import BatchInfo
from executor.hints import signed_in
from loaders.members import ONLY_THEIR_ID, MemberShape, member_with_orders
from loaders.orders import OrdersShape, OrdersWanted, Row, count_orders, lines_by_order_id
from models.order_rows import ORDER_COLUMNS, SNAPSHOT
from resolvers.common.asked import Asked, asked_below
from resolvers.common.context import Context, Info
from resolvers.common.errors import bad_request, unauthenticated
from resolvers.common.ids import find_id
from resolvers.common.pages import Connection, read_page
from resolvers.member.orders.types import Order, line_columns_for, order_columns_for
from services.pages import make_page

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


CURSOR_KINDS = (datetime, UUID)
MAX_KEYWORD_LENGTH = 64


class HasMemberRow(Protocol):
    """A member, whose row the list of their orders reads along if nobody has read it yet."""

    id: UUID
    shape: MemberShape
    record: Any


@lru_cache(maxsize=1_024)
def _columns_for(asked: Asked) -> tuple[int, int]:
    """Return how many columns of orders and of their lines are read; no lines are 0."""
    of_orders, of_lines = asked.of_nodes(), asked.of_nodes_within("lines")
    columns = order_columns_for(of_orders, of_lines=of_lines)
    return columns, line_columns_for(of_lines) if "lines" in of_orders else 0


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
    typed = _keyword(keyword)
    wanted = OrdersWanted(request.first, request.after, statuses or (), typed)
    shape = wanted.shape(*_columns_for(asked_below(info)))
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        rows = await _read_orders(member, info.context, wanted, shape)
        count = partial(count_orders, member.id, wanted)
        page = make_page(request, rows, _cursor_key, count)
        found.append(Connection(nodes=cast("list[Order]", page.rows), page=page))
    return found


async def _read_orders(
    member: HasMemberRow, context: Context, wanted: OrdersWanted, shape: OrdersShape
) -> list[Row]:
    """Return the rows of a page and one more; the member's own row is read along, and the lines."""
    found = await member_with_orders(
        member.id,
        now=context.now,
        shape=member.shape if member.record is None else ONLY_THEIR_ID,
        wanted=wanted,
        of=shape,
    )
    if found is None:
        raise unauthenticated()
    if member.record is None:
        member.record = found.record
    if shape.line_columns:
        # Their field may ask for fewer of their columns.
        for columns in {SNAPSHOT, shape.line_columns}:
            context.loaders.know(lines_by_order_id, found.lines, columns=columns)
    return found.orders


_PLACED_AT, _ID = ORDER_COLUMNS.index("placed_at"), ORDER_COLUMNS.index("id")


def _cursor_key(order: Row) -> tuple[Any, ...]:
    return order[_PLACED_AT], order[_ID]


def _keyword(typed: str | None) -> str:
    keyword = (typed or "").strip()
    if len(keyword) > MAX_KEYWORD_LENGTH or "\x00" in keyword:
        raise bad_request(
            f"keyword: at most {MAX_KEYWORD_LENGTH} characters are expected.", argument="keyword"
        )
    return keyword
