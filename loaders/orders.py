"""Orders, a member's list of them, and what hangs on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Record

from domain.orders import OrderStatus
from domain.rules import Rules, from_document
from loaders.along import Row, columns_of, in_arrays
from models import database
from models.order_rows import ORDER_COLUMNS, ORDER_LINE_COLUMNS, WHOLE_LINE

_AN_ORDER = ", ".join(f"o.{name}" for name in ORDER_COLUMNS)
_ORDERS_BY_ID = f"""
    SELECT {_AN_ORDER} FROM sales_order AS o WHERE o.id = ANY($1) AND o.member_id = $2
"""


async def order_by_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Row | None]:
    """Return the viewer's own orders by id; another's is None, as one that isn't there."""
    rows = await database.fetch(_ORDERS_BY_ID, ids, viewer_id)
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def lines_by_order_id(ids: Sequence[UUID], *, columns: int = WHOLE_LINE) -> list[list[Row]]:
    """Return the first so many `ORDER_LINE_COLUMNS` of orders' lines, in their order."""
    return by_order_id(ids, await database.fetch(_lines_statement(columns), ids))


def by_order_id(ids: Iterable[UUID], lines: Iterable[Row]) -> list[list[Row]]:
    """Return the lines of each order; the order's id stands first in a line's row."""
    found: dict[UUID, list[Row]] = {id_: [] for id_ in ids}
    for line in lines:
        found[line[0]].append(line)
    return list(found.values())


@lru_cache
def _lines_statement(columns: int) -> str:
    return f"""
        SELECT {", ".join(ORDER_LINE_COLUMNS[:columns])} FROM order_line
        WHERE order_id = ANY($1) ORDER BY order_id, position
    """


class OrdersShape(NamedTuple):
    """What is read of a member's list of orders, along with the member (`Along`).

    `order_columns` are the first so many `ORDER_COLUMNS`, `line_columns` of `ORDER_LINE_COLUMNS`,
    with 0 for no lines: those of the page's orders, which are one fewer than are read.
    """

    order_columns: int
    line_columns: int
    goes_on: bool
    is_by_status: bool
    is_by_keyword: bool

    @property
    def width(self) -> int:
        """How many columns it adds to the row."""
        return self.order_columns + self.line_columns

    def columns(self, title: str) -> str:
        """Return these columns, the orders' first."""
        orders = columns_of(ORDER_COLUMNS[: self.order_columns], title)
        if not self.line_columns:
            return orders
        return f"{orders}, {columns_of(ORDER_LINE_COLUMNS[: self.line_columns], f'{title}_lines')}"

    def joins(self, title: str, value: int) -> str:
        """Return what they come from; `OrdersWanted.page_values` stand from $`value` on."""
        limit, matching = value, value + 1
        going_on = ""
        if self.goes_on:
            going_on = f"AND (o.placed_at, o.id) < (${value + 1}, ${value + 2})"
            matching += 2
        names = ORDER_COLUMNS[: self.order_columns]
        orders = f"""
            SELECT {", ".join(f"o.{name}" for name in names)} FROM sales_order AS o
            WHERE o.member_id = member.id {going_on} {_matching(self, matching)}
            ORDER BY o.placed_at DESC, o.id DESC LIMIT ${limit}
        """
        joins = in_arrays(names, orders, title)
        if self.line_columns:
            names = ORDER_LINE_COLUMNS[: self.line_columns]
            lines = f"""
                SELECT {", ".join(names)} FROM order_line
                WHERE order_id = ANY({title}.id[: ${limit} - 1]) ORDER BY order_id, position
            """
            joins += in_arrays(names, lines, f"{title}_lines")
        return joins


class OrdersWanted(NamedTuple):
    """Which of a member's orders are wanted, newest first; without statuses, all.

    `keyword` is part of a product's name, or of an order number. `after` is the place of the last
    order that was seen: (placed_at, id).
    """

    first: int
    after: tuple[Any, ...] | None = None
    statuses: Collection[OrderStatus] = ()
    keyword: str = ""

    def shape(self, columns: int, line_columns: int) -> OrdersShape:
        """Return the shape of the statement that reads so many columns of them."""
        goes_on = self.after is not None
        return OrdersShape(columns, line_columns, goes_on, bool(self.statuses), bool(self.keyword))

    def page_values(self) -> list[Any]:
        """Return the list's values; one order more tells whether more follow."""
        return [self.first + 1, *(self.after or ()), *self.values()]

    def values(self) -> list[Any]:
        """Return the values of the conditions."""
        values: list[Any] = [sorted(self.statuses)] if self.statuses else []
        return [*values, self.keyword] if self.keyword else values


def _matching(shape: OrdersShape, place: int) -> str:
    """Return the conditions, whose values stand from a place on."""
    conditions = ""
    if shape.is_by_status:
        conditions += f" AND o.status = ANY(${place})"
        place += 1
    if shape.is_by_keyword:
        conditions += (
            f" AND (strpos(o.order_no, ${place}) > 0 OR EXISTS (SELECT FROM order_line AS line"
            f" WHERE line.order_id = o.id"
            f" AND strpos(lower(line.product_name), lower(${place})) > 0))"
        )
    return conditions


async def count_orders(member_id: UUID, wanted: OrdersWanted) -> int:
    """Return how many orders match, on all pages."""
    matching = _matching(wanted.shape(0, 0), 2)
    found: int = await database.fetch_value(
        f"SELECT count(*) FROM sales_order AS o WHERE o.member_id = $1 {matching}",
        member_id,
        *wanted.values(),
    )
    return found


async def events_by_order_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return the timelines of orders, oldest step first."""
    rows = await database.fetch(
        """
        SELECT order_id, kind, happened_at FROM order_event
        WHERE order_id = ANY($1) ORDER BY order_id, happened_at, id
        """,
        ids,
    )
    events: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        events[row["order_id"]].append(row)
    return [events[id_] for id_ in ids]


async def payment_by_order_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return the payment that paid each order: a late or second one is a case, not this."""
    rows = await database.fetch(
        """
        SELECT payment.order_id, payment.out_trade_no, payment.transaction_id
        FROM payment
        WHERE payment.order_id = ANY($1) AND payment.status = 'SUCCEEDED'
            AND NOT EXISTS (SELECT FROM payment_case WHERE payment_case.payment_id = payment.id)
        """,
        ids,
    )
    found = {row["order_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def rules_by_version_id(ids: Sequence[UUID]) -> list[Rules]:
    """Return the rules that orders were placed under; a version never changes, so it is kept."""
    unknown = [id_ for id_ in ids if id_ not in _versions]
    if unknown:
        rows = await database.fetch(
            "SELECT id, document FROM rule_version WHERE id = ANY($1)", unknown
        )
        if len(_versions) + len(rows) > MAX_KEPT_VERSIONS:
            _versions.clear()
        _versions.update((row["id"], from_document(row["document"])) for row in rows)
    return [_versions[id_] for id_ in ids]


MAX_KEPT_VERSIONS = 128
"""A brand publishes a handful a year; reading one takes a millisecond."""

_versions: dict[UUID, Rules] = {}


async def store_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return stores by id, open or closed."""
    rows = await database.fetch(
        """
        SELECT id, name, address, phone, latitude, longitude, opening_hours, supports_pickup
        FROM store WHERE id = ANY($1)
        """,
        ids,
    )
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


ORDER_COUNTS_COLUMNS = """
    open_orders.awaiting_payment, open_orders.awaiting_shipment, open_orders.awaiting_receipt
"""
ORDER_COUNTS_JOINS = """
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'AWAITING_PAYMENT') AS awaiting_payment,
               count(*) FILTER (WHERE status = 'AWAITING_SHIPMENT') AS awaiting_shipment,
               count(*) FILTER (WHERE status IN ('SHIPPED', 'AWAITING_PICKUP'))
                   AS awaiting_receipt
        FROM sales_order WHERE sales_order.member_id = member.id
    ) AS open_orders
"""
"""A member's orders by where they stand, for a statement that calls the member `member`."""

CART_PIECES_COLUMN = """
    (SELECT coalesce(sum(quantity), 0)::bigint FROM cart_line
     WHERE cart_line.member_id = member.id) AS cart_pieces
"""
"""The pieces in a member's cart, for such a statement."""
