"""Members and what they said to agreements, by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from asyncpg import Record

from loaders.orders import CART_PIECES_COLUMN, ORDER_COUNTS_COLUMNS, ORDER_COUNTS_JOINS
from loaders.points import POINTS_COLUMNS, POINTS_JOINS
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


async def member_by_id(
    ids: Sequence[UUID], *, now: datetime, shape: MemberShape
) -> list[Record | None]:
    """Return members by id, in one statement."""
    rows = await database.fetch(_member_statement(shape), ids, now)
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


@lru_cache(maxsize=1_024)
def _member_statement(shape: MemberShape) -> str:
    columns, joins = [member_columns(sorted(shape.columns | {"id"}))], []
    if shape.has_points:
        columns.append(POINTS_COLUMNS)
        joins.append(POINTS_JOINS)
    if shape.has_order_counts:
        columns.append(ORDER_COUNTS_COLUMNS)
        joins.append(ORDER_COUNTS_JOINS)
    if shape.has_cart_pieces:
        columns.append(CART_PIECES_COLUMN)
    shown = ", ".join(columns)
    # The instant is told even where nothing asks for it: a statement has two values.
    return f"""
        SELECT {shown}, $2::timestamptz AS told_at FROM member {" ".join(joins)}
        WHERE member.id = ANY($1)
    """


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
