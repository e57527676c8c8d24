"""Members and what they said to agreements, by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from asyncpg import Record

from loaders.checkin import CHECK_IN_COLUMNS, CHECK_IN_JOINS
from loaders.coupons import COUPON_COUNTS_COLUMNS, COUPON_COUNTS_JOINS
from loaders.messages import UNREAD_COLUMN
from loaders.orders import (
    CART_PIECES_COLUMN,
    ORDER_COUNTS_COLUMNS,
    ORDER_COUNTS_JOINS,
    OrdersShape,
    OrdersWanted,
    Row,
    by_order_id,
    orders_columns,
    orders_joins,
    rows_of_arrays,
)
from loaders.points import POINTS_COLUMNS, POINTS_JOINS
from loaders.tiers import TIER_TERM_COLUMNS, TIER_TERM_JOINS
from models import database
from models.member_rows import member_columns


@dataclass(frozen=True, slots=True)
class MemberShape:
    """What is read of a member in one statement: columns, and what hangs on them."""

    columns: frozenset[str]
    has_points: bool = False
    """`POINTS_COLUMNS`: for the member's points and standing."""
    has_order_counts: bool = False
    """`ORDER_COUNTS_COLUMNS`: the open orders."""
    has_cart_pieces: bool = False
    """`CART_PIECES_COLUMN`: the pieces in the cart."""
    has_unread_messages: bool = False
    """`UNREAD_COLUMN`: the messages not read yet."""
    has_check_in: bool = False
    """`CHECK_IN_COLUMNS`: the streak, and today."""
    has_coupon_counts: bool = False
    """`COUPON_COUNTS_COLUMNS`: the coupons by state."""
    has_tier_term: bool = False
    """`TIER_TERM_COLUMNS`: the growth of the tier's term."""


ONLY_THEIR_ID = MemberShape(frozenset())


async def member_by_id(
    ids: Sequence[UUID], *, now: datetime, shape: MemberShape
) -> list[Record | None]:
    """Return members by id, in one statement."""
    rows = await database.fetch(_member_statement(shape), ids, now)
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


@dataclass(slots=True)
class MemberWithOrders:
    """A member's row, a page of their orders and one more, and the lines of the page's."""

    record: Record
    orders: list[Row]
    lines: dict[UUID, list[Row]]


async def member_with_orders(
    member_id: UUID, *, now: datetime, shape: MemberShape, wanted: OrdersWanted, of: OrdersShape
) -> MemberWithOrders | None:
    """Return a member together with some of their orders, in one statement."""
    rows = await database.fetch(_member_statement(shape, of), member_id, now, *wanted.page_values())
    if not rows:
        return None
    (record,) = rows
    end = len(record) - of.line_columns
    orders = rows_of_arrays(record[end - of.columns : end])
    lines: dict[UUID, list[Row]] = {}
    if of.line_columns:
        ids = [order[0] for order in orders[: wanted.first]]
        lines = dict(zip(ids, by_order_id(ids, rows_of_arrays(record[end:])), strict=True))
    return MemberWithOrders(record, orders, lines)


@lru_cache(maxsize=1_024)
def _member_statement(shape: MemberShape, orders: OrdersShape | None = None) -> str:
    parts = [
        (True, member_columns(sorted(shape.columns | {"id"})), ""),
        (shape.has_points, POINTS_COLUMNS, POINTS_JOINS),
        (shape.has_order_counts, ORDER_COUNTS_COLUMNS, ORDER_COUNTS_JOINS),
        (shape.has_cart_pieces, CART_PIECES_COLUMN, ""),
        (shape.has_unread_messages, UNREAD_COLUMN, ""),
        (shape.has_check_in, CHECK_IN_COLUMNS, CHECK_IN_JOINS),
        (shape.has_coupon_counts, COUPON_COUNTS_COLUMNS, COUPON_COUNTS_JOINS),
        (shape.has_tier_term, TIER_TERM_COLUMNS, TIER_TERM_JOINS),
        # The instant is told even where nothing asks for it: each statement has it as a value.
        (True, "$2::timestamptz AS told_at", ""),
    ]
    if orders is not None:
        parts.append((True, orders_columns(orders), orders_joins(orders)))
    shown = ", ".join(columns for has, columns, _ in parts if has and columns)
    joins = " ".join(join for has, _, join in parts if has)
    which = "= ANY($1)" if orders is None else "= $1"
    return f"SELECT {shown} FROM member {joins} WHERE member.id {which}"


async def consents_by_member_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return each member's latest answer to every agreement they were asked about."""
    rows = await database.fetch(
        """
        SELECT DISTINCT ON (member_id, kind) member_id, kind, version, given, given_at
        FROM consent WHERE member_id = ANY($1)
        ORDER BY member_id, kind, given_at DESC, id DESC
        """,
        ids,
    )
    grouped: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        grouped[row["member_id"]].append(row)
    return [grouped[id_] for id_ in ids]
