"""Members and what they said to agreements, by id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from models import database
from models.member_rows import MemberRow, members_by_id


async def member_by_id(ids: Sequence[UUID], *, now: datetime) -> list[MemberRow | None]:
    """Return members by id."""
    rows = await members_by_id(ids, now=now)
    return [rows.get(id_) for id_ in ids]


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
