"""What is left of rewards, and how many pieces of them a member has (docs/rules.md, section 1).

A member's count moves with their redemption, before stock and the wallet are locked. The reward's
own row, which everybody who redeems it waits for, is touched last in a transaction, or by its
commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.rewards import RedemptionStatus, RewardLimitReached, RewardSoldOut
from models import database
from models.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRedemption:
    """A redemption to be written; points and cash are for all pieces. Goods have an order."""

    id: UUID
    member_id: UUID
    reward_id: UUID
    quantity: int
    points: int
    created_at: datetime
    cash_fen: int = 0
    order_id: UUID | None = None
    coupon_id: UUID | None = None


async def record(redemption: NewRedemption, *, limit: int | None) -> None:
    """Write a redemption and count its pieces towards the member's limit.

    Raises:
        RewardLimitReached: they would be more than each member may have; `path` is the caller's.
    """
    recorded = await database.fetch_value(
        _RECORD,
        new_id(),
        redemption.member_id,
        redemption.reward_id,
        redemption.quantity,
        limit,
        redemption.id,
        redemption.points,
        redemption.cash_fen,
        redemption.order_id,
        redemption.coupon_id,
        RedemptionStatus.FULFILLED if redemption.order_id is None else None,
        redemption.created_at,
    )
    if recorded is None:
        raise RewardLimitReached(path=("rewardId",), limit=limit)


_RECORD = """
WITH counted AS (
    INSERT INTO reward_count AS own (id, member_id, reward_id, pieces)
    SELECT $1, $2, $3, $4::int WHERE $4 <= coalesce($5::int, $4)
    ON CONFLICT (member_id, reward_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    WHERE own.pieces + excluded.pieces <= coalesce($5, own.pieces + excluded.pieces)
    RETURNING 1
)
INSERT INTO redemption (id, member_id, reward_id, quantity, returned, points, cash_fen, order_id,
                        coupon_id, status, created_at)
SELECT $6, $2, $3, $4, 0, $7, $8, $9, $10, $11, $12 FROM counted
RETURNING id
"""


async def take(reward_id: UUID, pieces: int) -> None:
    """Take pieces off what is left of a reward.

    Raises:
        RewardSoldOut: there are fewer; the caller's transaction must be undone.
    """
    taken = await database.fetch_value(
        """
        WITH taken AS (
            UPDATE reward SET remaining = remaining - $2::int
            WHERE id = $1 AND remaining >= $2 RETURNING 1
        )
        SELECT EXISTS (SELECT FROM taken) OR quantity IS NULL FROM reward WHERE id = $1
        """,
        reward_id,
        pieces,
    )
    if not taken:
        raise RewardSoldOut(path=("rewardId",))


def take_at_commit(reward_id: UUID) -> None:
    """Take a piece off what is left of a reward, in the round trip that commits.

    Where none is left the commit fails: `is_sold_out` tells it from other failures.
    """
    database.at_commit(
        "UPDATE reward SET remaining = remaining - 1"
        f" WHERE id = '{reward_id}' AND remaining IS NOT NULL"
    )


def is_sold_out(error: asyncpg.CheckViolationError) -> bool:
    """Tell whether a piece was to be taken off a reward of which none was left."""
    return bool(error.constraint_name == "reward_remaining_check")


@dataclass(frozen=True, slots=True)
class Back:
    """Pieces of a reward that came back, still to be put where they can be redeemed."""

    reward_id: UUID
    pieces: int


async def uncount_order(
    order_id: UUID, pieces: int | None = None, *, cancelled_at: datetime | None = None
) -> Back | None:
    """Take pieces of an order, all that are left if none are named, off its member's count.

    In the order's transaction, before its stock is given back; `put_back` follows at its end.
    None where the order is no redemption.
    """
    return await _uncount("order_id", order_id, pieces, cancelled_at, None)


async def uncount(redemption_id: UUID, *, cancelled_at: datetime) -> Back | None:
    """Cancel a redemption without an order and take its piece off the member's count.

    None when it was cancelled before.
    """
    return await _uncount("id", redemption_id, None, cancelled_at, RedemptionStatus.CANCELLED)


async def _uncount(
    column: str,
    id_: UUID,
    pieces: int | None,
    cancelled_at: datetime | None,
    status: RedemptionStatus | None,
) -> Back | None:
    row = await database.fetch_one(
        f"""
        WITH due AS (
            SELECT id, member_id, reward_id, coalesce($2::int, quantity - returned) AS pieces
            FROM redemption WHERE {column} = $1 AND returned < quantity
            FOR UPDATE
        ), returned AS (
            UPDATE redemption
            SET returned = returned + due.pieces, status = coalesce($4, redemption.status),
                cancelled_at = coalesce($3, redemption.cancelled_at)
            FROM due WHERE redemption.id = due.id
        )
        UPDATE reward_count AS own SET pieces = own.pieces - due.pieces
        FROM due WHERE own.member_id = due.member_id AND own.reward_id = due.reward_id
        RETURNING own.reward_id, due.pieces
        """,
        id_,
        pieces,
        cancelled_at,
        status,
    )
    return None if row is None else Back(row["reward_id"], row["pieces"])


async def put_back(back: Back | None) -> None:
    """Let pieces that came back be redeemed again; the last step of a transaction."""
    if back is not None:
        await database.execute(
            "UPDATE reward SET remaining = remaining + $2 WHERE id = $1 AND remaining IS NOT NULL",
            back.reward_id,
            back.pieces,
        )
