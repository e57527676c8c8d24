"""Rewards with what a member's redemption is judged by, read for services that need it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.errors import AccountBlocked, ConsentRequired, NotFound
from domain.members import MemberStatus
from domain.rewards import Redeemer, RewardFacts, RewardState
from models import database
from models.member_rows import member_columns


def facts_of(row: Any) -> RewardFacts:
    """Return what a judgement needs to know of a reward."""
    return RewardFacts(
        state=RewardState(row["status"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        remaining=row["remaining"],
        per_member_limit=row["per_member_limit"],
        min_tier_code=row["min_tier_code"],
        points_price=row["points_price"],
    )


def redeemer_of(row: Any) -> Redeemer:
    """Return what a judgement needs to know of the member that a row was read for."""
    return Redeemer(
        has_joined=row["has_joined"],
        tier_code=row["tier_code"],
        points=row["points"],
        redeemed=row["redeemed"],
    )


async def reward_for(member_id: UUID, reward_id: UUID, *, now: datetime) -> Record:
    """Return a reward with the member who would like it.

    Raises:
        AccountBlocked: the member's account isn't active.
        ConsentRequired: they are a visitor.
        NotFound: there is no such reward.
    """
    row = await database.fetch_one(_FOR_MEMBER, member_id, now, reward_id)
    if row is None or row["member_status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    if not row["has_joined"]:
        raise ConsentRequired
    if row["id"] is None:
        raise NotFound(thing="reward", path=("rewardId",))
    return row


_FOR_MEMBER = f"""
SELECT reward.id, reward.kind, reward.status, reward.starts_at, reward.ends_at, reward.remaining,
       reward.per_member_limit, reward.min_tier_code, reward.points_price, reward.cash_price_fen,
       reward.sku_id, reward.terms_id, reward.valid_days,
       member.status AS member_status, member.tier_code, {member_columns(["has_joined"])},
       coalesce(own.pieces, 0) AS redeemed,
       (SELECT coalesce(sum(lot.remaining), 0)::bigint FROM points_lot AS lot
        WHERE lot.member_id = member.id AND NOT lot.is_pending AND lot.written_off_at IS NULL
            AND lot.remaining > 0 AND lot.expires_at > $2) AS points
FROM member
LEFT JOIN reward ON reward.id = $3
LEFT JOIN reward_count AS own ON own.member_id = member.id AND own.reward_id = reward.id
WHERE member.id = $1
"""
