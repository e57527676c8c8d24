"""What became of each reward, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import database


@dataclass(frozen=True, slots=True)
class RewardFigures:
    """A reward, and what members redeemed of it.

    `redeemed` counts pieces, `returned` those of them that came back. `points` and `cash_fen` are
    what the others took; of goods that are not paid yet, too.
    """

    id: UUID
    name: str
    kind: str
    status: str
    points_price: int
    cash_price_fen: int
    starts_at: datetime
    ends_at: datetime | None
    quantity: int | None
    remaining: int | None
    redeemed: int
    returned: int
    members: int
    points: int
    cash_fen: int


async def figures() -> list[RewardFigures]:
    """Return all rewards in their order. It reads every redemption: not for pages of members."""
    rows = await database.fetch(
        """
        SELECT reward.id, reward.name, reward.kind, reward.status, reward.points_price,
               reward.cash_price_fen, reward.starts_at, reward.ends_at, reward.quantity,
               reward.remaining, coalesce(given.redeemed, 0) AS redeemed,
               coalesce(given.returned, 0) AS returned, coalesce(given.members, 0) AS members,
               coalesce(given.points, 0) AS points, coalesce(given.cash_fen, 0) AS cash_fen
        FROM reward
        LEFT JOIN (
            SELECT reward_id, sum(quantity) AS redeemed, sum(returned) AS returned,
                   count(DISTINCT member_id) FILTER (WHERE returned < quantity) AS members,
                   sum(points / quantity * (quantity - returned))::bigint AS points,
                   sum(cash_fen / quantity * (quantity - returned))::bigint AS cash_fen
            FROM redemption GROUP BY reward_id
        ) AS given ON given.reward_id = reward.id
        ORDER BY reward.position DESC, reward.id DESC
        """
    )
    return [RewardFigures(**dict(row)) for row in rows]
