"""Members and what they said to agreements, by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from asyncpg import Record

from loaders.orders import CART_PIECES_COLUMN, ORDER_COUNTS_COLUMNS, ORDER_COUNTS_JOINS
from loaders.points import POINTS_COLUMNS, POINTS_JOINS
from models import database
from models.member_rows import MEMBER_COLUMNS

POINTS = "points"
"""`POINTS_COLUMNS`: for the member's points and standing."""

ORDERS = "orders"
"""`ORDER_COUNTS_COLUMNS`: the open orders."""

CART = "cart"
"""`CART_PIECES_COLUMN`: the pieces in the cart."""

MemberParts = frozenset[str]
"""What is read of a member along with their own row, when it is known that it will be asked for."""


async def member_by_id(
    ids: Sequence[UUID], *, now: datetime, parts: MemberParts
) -> list[Record | None]:
    """Return members by id, in one statement: the columns of `member_row`, then the parts."""
    rows = await database.fetch(_member_statement(parts), ids, now)
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


@cache
def _member_statement(parts: MemberParts) -> str:
    columns, joins = [MEMBER_COLUMNS], []
    if POINTS in parts:
        columns.append(POINTS_COLUMNS)
        joins.append(POINTS_JOINS)
    if ORDERS in parts:
        columns.append(ORDER_COUNTS_COLUMNS)
        joins.append(ORDER_COUNTS_JOINS)
    if CART in parts:
        columns.append(CART_PIECES_COLUMN)
    return f"SELECT {', '.join(columns)} FROM member {' '.join(joins)} WHERE member.id = ANY($1)"


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


async def invited_count_by_member_id(ids: Sequence[UUID]) -> list[int]:
    """Return how many came by each member's invitation; who was merged away counts no more."""
    rows = await database.fetch(
        """
        SELECT invited_by_id, count(*) FROM member
        WHERE invited_by_id = ANY($1) AND status <> 'MERGED' GROUP BY invited_by_id
        """,
        ids,
    )
    counts: dict[UUID, int] = dict(map(tuple, rows))
    return [counts.get(id_, 0) for id_ in ids]
