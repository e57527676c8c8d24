"""What is left of rewards, and how many pieces of them a member has (docs/rules.md, section 1).

Both are counters under a CHECK and are moved together, last in a transaction: after the member's
wallet, since everybody who redeems a reward waits for its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.rewards import RewardLimitReached, RewardSoldOut
from models import database
from models.ids import new_id


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether pieces of a reward were taken: both must hold, or the caller refuses."""

    within_limit: bool
    in_stock: bool


async def take(member_id: UUID, reward_id: UUID, pieces: int) -> Taken:
    """Count pieces towards the member's limit and take them off what is left of the reward.

    When one of the two fails, the caller's transaction must be undone: the other may have been
    written.
    """
    row = await database.fetch_one(_TAKE, new_id(), member_id, reward_id, pieces)
    assert row is not None, "a reward that is redeemed is there"
    return Taken(within_limit=row["within_limit"], in_stock=row["in_stock"])


def require_taken(taken: Taken, *, limit: int | None, path: tuple[str, ...]) -> None:
    """Refuse what could not be taken.

    Raises:
        RewardLimitReached, RewardSoldOut
    """
    if not taken.within_limit:
        raise RewardLimitReached(path=path, limit=limit)
    if not taken.in_stock:
        raise RewardSoldOut(path=path)


_TAKE = """
WITH counted AS (
    INSERT INTO reward_count AS own (id, member_id, reward_id, pieces)
    SELECT $1, $2, reward.id, $4::bigint FROM reward
    WHERE reward.id = $3 AND $4::bigint <= coalesce(reward.per_member_limit, $4::bigint)
    ON CONFLICT (member_id, reward_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    WHERE own.pieces + excluded.pieces
        <= coalesce((SELECT per_member_limit FROM reward WHERE id = $3),
                    own.pieces + excluded.pieces)
    RETURNING 1
), taken AS (
    UPDATE reward SET remaining = remaining - $4::bigint
    WHERE id = $3 AND remaining >= $4::bigint AND EXISTS (SELECT FROM counted)
    RETURNING 1
)
SELECT EXISTS (SELECT FROM counted) AS within_limit,
       quantity IS NULL OR EXISTS (SELECT FROM taken) AS in_stock
FROM reward WHERE id = $3
"""


async def release_order(order_id: UUID, *, now: datetime) -> None:
    """Give back the pieces of a redemption order that was cancelled, in its transaction."""
    await database.execute(_GIVE_BACK, order_id, None, now)


async def give_back_units(order_id: UUID, pieces: int) -> None:
    """Give back pieces of a redemption order that were refunded, in the refund's transaction."""
    await database.execute(_GIVE_BACK, order_id, pieces, None)


# The reward's row comes last: `counted` is what it waits for.
_GIVE_BACK = """
WITH due AS (
    SELECT id, member_id, reward_id, coalesce($2::int, quantity - returned) AS pieces
    FROM redemption WHERE order_id = $1 AND returned < quantity
    FOR UPDATE
), returned AS (
    UPDATE redemption
    SET returned = returned + due.pieces, cancelled_at = coalesce($3, redemption.cancelled_at)
    FROM due WHERE redemption.id = due.id
), counted AS (
    UPDATE reward_count AS own SET pieces = own.pieces - due.pieces
    FROM due WHERE own.member_id = due.member_id AND own.reward_id = due.reward_id
    RETURNING own.reward_id, due.pieces
)
UPDATE reward SET remaining = remaining + counted.pieces
FROM counted WHERE reward.id = counted.reward_id AND reward.remaining IS NOT NULL
"""


async def give_back(redemption_id: UUID, *, now: datetime) -> bool:
    """Cancel a redemption without an order and give back its piece; tells whether it did so now."""
    reward_id = await database.fetch_value(
        """
        WITH cancelled AS (
            UPDATE redemption SET returned = quantity, status = 'CANCELLED', cancelled_at = $2
            WHERE id = $1 AND status = 'FULFILLED'
            RETURNING member_id, reward_id, quantity
        )
        UPDATE reward_count AS own SET pieces = own.pieces - cancelled.quantity
        FROM cancelled
        WHERE own.member_id = cancelled.member_id AND own.reward_id = cancelled.reward_id
        RETURNING own.reward_id
        """,
        redemption_id,
        now,
    )
    if reward_id is None:
        return False
    await database.execute(
        """
        UPDATE reward SET remaining = remaining + (SELECT quantity FROM redemption WHERE id = $2)
        WHERE id = $1 AND remaining IS NOT NULL
        """,
        reward_id,
        redemption_id,
    )
    return True
