"""Members and what they said to agreements, by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any
from uuid import UUID

from asyncpg import Record

from loaders.along import Along, Row
from loaders.checkin import CHECK_IN_COLUMNS, CHECK_IN_JOINS
from loaders.coupons import COUPON_COUNTS_COLUMNS, COUPON_COUNTS_JOINS
from loaders.messages import UNREAD_COLUMN
from loaders.orders import (
    CART_PIECES_COLUMN,
    ORDER_COUNTS_COLUMNS,
    ORDER_COUNTS_JOINS,
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


async def member_along(
    member_id: UUID,
    *,
    now: datetime,
    shape: MemberShape,
    along: Sequence[Along],
    values: Sequence[Sequence[Any]],
) -> tuple[Record, list[Row]] | None:
    """Return a member, and of each list with its values the arrays that it reads along."""
    firsts = accumulate((len(each) for each in values), initial=_FIRST_VALUE)
    lists = tuple(zip(along, firsts, strict=False))
    statement = _member_statement(shape, lists)
    rows = await database.fetch(statement, member_id, now, *chain.from_iterable(values))
    if not rows:
        return None
    (record,) = rows
    start = len(record) - sum(each.width for each in along)
    arrays: list[Row] = []
    for each in along:
        arrays.append(record[start : start + each.width])
        start += each.width
    return record, arrays


_FIRST_VALUE = 3
"""$1 is the member, $2 is now."""


@lru_cache(maxsize=1_024)
def _member_statement(
    shape: MemberShape, along: tuple[tuple[Along, int], ...] | None = None
) -> str:
    """Return the statement for many members, or for one with lists and their first values."""
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
    for number, (each, first) in enumerate(along or ()):
        title = f"list_{number}"
        parts.append((True, each.columns(title), each.joins(title, first)))
    shown = ", ".join(columns for has, columns, _ in parts if has and columns)
    joins = " ".join(join for has, _, join in parts if has)
    which = "= ANY($1)" if along is None else "= $1"
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
