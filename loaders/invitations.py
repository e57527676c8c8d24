"""What members' invitations came to, by member."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from models import database


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


async def rewarded_points_by_member_id(ids: Sequence[UUID]) -> list[int]:
    """Return the points that each member's invitations have brought them, and left them."""
    rows = await database.fetch(
        """
        SELECT inviter_id, sum(inviter_points)::bigint FROM invitation_reward
        WHERE inviter_id = ANY($1) AND taken_back_at IS NULL GROUP BY inviter_id
        """,
        ids,
    )
    sums: dict[UUID, int] = dict(map(tuple, rows))
    return [sums.get(id_, 0) for id_ in ids]
