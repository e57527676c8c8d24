"""order, Member.orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Annotated, Any, NamedTuple, cast
from uuid import UUID

import strawberry

from domain.orders import OrderStatus
from executor.fields import BatchInfo
from executor.hints import signed_in
from loaders.along import Row, rows_of_arrays
from loaders.orders import (
    OrdersShape,
    OrdersWanted,
    by_order_id,
    count_orders,
    lines_by_order_id,
)
from models.order_rows import ORDER_COLUMNS, SNAPSHOT
from resolvers.common.asked import Asked, asked_below
from resolvers.common.context import Context, Info
from resolvers.common.errors import bad_request
from resolvers.common.ids import find_id
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.member.members.view import MemberView, WantedList, arrays_of
from resolvers.member.orders.types import Order, line_columns_for, order_columns_for
from services.pages import PageRequest, make_page

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


@lru_cache(maxsize=1_024)
def _columns_for(asked: Asked) -> tuple[int, int]:
    """Return how many columns of orders and of their lines are read; no lines are 0."""
    of_orders, of_lines = asked.of_nodes(), asked.of_nodes_within("lines")
    columns = order_columns_for(of_orders, of_lines=of_lines)
    return columns, line_columns_for(of_lines) if "lines" in of_orders else 0


Statuses = Annotated[
    list[OrderStatus] | None,
    strawberry.argument(description="Those that stand at one of these; all when empty."),
]
Keyword = Annotated[
    str | None,
    strawberry.argument(description="Part of a product's name, or of an order number."),
]


class _Call(NamedTuple):
    """One asking for members' orders: what is read, and each member's list."""

    request: PageRequest
    wanted: OrdersWanted
    shape: OrdersShape
    lists: list[WantedList]


def orders_ahead(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: list[OrderStatus] | None = None,
    keyword: str | None = None,
    first: int | None = DEFAULT_FIRST,
    after: str | None = None,
) -> _Call:
    """Say what `orders_of_members` will read, that anything else of the members' can read it."""
    request = read_page(first, after, *CURSOR_KINDS)
    wanted = OrdersWanted(request.first, request.after, statuses or (), _keyword(keyword))
    shape = wanted.shape(*_columns_for(asked_below(info)))
    values = wanted.page_values()
    return _Call(request, wanted, shape, [member.want(shape, values) for member in members])


async def orders_of_members(
    members: Sequence[MemberView],
    info: BatchInfo,
    *,
    statuses: Statuses = None,
    keyword: Keyword = None,
    first: First = DEFAULT_FIRST,
    after: After = None,
) -> list[Connection[Order]]:
    """Resolve `Member.orders`: newest first."""
    call: _Call = info.prepared or orders_ahead(
        members, info, statuses=statuses, keyword=keyword, first=first, after=after
    )
    found = []
    for member, listed in zip(members, call.lists, strict=True):
        rows = await _read_orders(member, info.context, call, listed)
        count = partial(count_orders, member.id, call.wanted)
        page = make_page(call.request, rows, _cursor_key, count)
        found.append(Connection(nodes=cast("list[Order]", page.rows), page=page))
    return found


async def _read_orders(
    member: MemberView, context: Context, call: _Call, listed: WantedList
) -> list[Row]:
    """Return the rows of a page and one more; their lines are known from then on."""
    shape = call.shape
    arrays = await arrays_of(member, listed, context)
    orders = rows_of_arrays(arrays[: shape.order_columns])
    if shape.line_columns:
        ids = [order[_ID] for order in orders[: call.wanted.first]]
        rows = rows_of_arrays(arrays[shape.order_columns :])
        lines = dict(zip(ids, by_order_id(ids, rows), strict=True))
        # Their field may ask for fewer of their columns.
        for columns in {SNAPSHOT, shape.line_columns}:
            context.loaders.know(lines_by_order_id, lines, columns=columns)
    return orders


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
