"""Reading a member's orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from domain.orders import OrderStatus
from models import database
from models.order_rows import ORDER_COLUMNS
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

CURSOR_KINDS = (datetime, UUID)
MAX_KEYWORD_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which of a member's orders are wanted; without statuses, all.

    `keyword` is part of a product's name, or of an order number.
    """

    member_id: UUID
    statuses: frozenset[OrderStatus] = frozenset()
    keyword: str = ""


async def list_orders(
    wanted: OrderQuery, request: PageRequest, *, columns: str = ORDER_COLUMNS
) -> Page[Record]:
    """Return a page of a member's orders, newest first, in one statement."""
    matching = _conditions(wanted)
    here = Conditions(matching)
    if request.after is not None:
        here.add("(o.placed_at, o.id) < ({}, {})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT {columns} FROM sales_order AS o
        WHERE {here.sql}
        ORDER BY o.placed_at DESC, o.id DESC LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        found: int = await database.fetch_value(
            f"SELECT count(*) FROM sales_order AS o WHERE {matching.sql}", *matching.values
        )
        return found

    return make_page(request, rows, lambda row: (row["placed_at"], row["id"]), count)


def _conditions(wanted: OrderQuery) -> Conditions:
    found = Conditions()
    found.add("o.member_id = {}", wanted.member_id)
    if wanted.statuses:
        found.add("o.status = ANY({})", sorted(wanted.statuses))
    if wanted.keyword:
        found.add(
            "(strpos(o.order_no, {0}) > 0 OR EXISTS (SELECT FROM order_line AS line"
            " WHERE line.order_id = o.id AND strpos(lower(line.product_name), lower({0})) > 0))",
            wanted.keyword,
        )
    return found
