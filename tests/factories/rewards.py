"""Rewards, and redemptions through the services; what a test asserts stands in the test."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.rewards import RewardKind
from models import database
from models.ids import new_id
from services import reward_admin, reward_cancelling, rewards
from services.reward_admin import NewReward
from services.reward_cancelling import CancelRedemption
from services.rewards import RedeemReward
from tests.factories.coupons import FIVE_OFF, a_joined_member
from tests.factories.orders import NO_WECHAT, OpenGate
from tests.factories.shop import DATA, NOW, SkuFacts, an_address


async def a_redeemer(*, points: int = 1_000, tier: str = "REGULAR") -> UUID:
    """Make a member who has joined, with points and a default address."""
    member_id = await a_joined_member(points=points, tier=tier)
    await an_address(member_id)
    return member_id


async def a_reward(
    *,
    points_price: int = 100,
    starts_at: datetime = NOW - timedelta(days=1),
    **facts: Any,
) -> UUID:
    """Make a reward that began a day before `NOW`: a coupon, 满60减5, if nothing else is said."""
    kind = facts.pop("kind", RewardKind.COUPON)
    if kind is RewardKind.COUPON:
        facts = {"terms": FIVE_OFF, "valid_days": 30, **facts}
    wanted = NewReward(
        kind=kind,
        name=facts.pop("name", "满60减5券"),
        points_price=points_price,
        starts_at=starts_at,
        **facts,
    )
    return await reward_admin.create_reward(wanted, now=NOW)


async def a_goods_reward(sku: SkuFacts, **facts: Any) -> UUID:
    """Make a reward of goods."""
    return await a_reward(kind=RewardKind.GOODS, sku_id=sku.id, name="马克杯", **facts)


async def a_code_reward(*codes: str, **facts: Any) -> UUID:
    """Make a virtual reward with these codes."""
    reward_id = await a_reward(kind=RewardKind.VIRTUAL, name="视频会员月卡", **facts)
    await reward_admin.add_codes(reward_id, codes, DATA)
    return reward_id


async def redeemed(
    member_id: UUID,
    reward_id: UUID,
    quantity: int = 1,
    *,
    key: str | None = None,
    now: datetime = NOW,
    **wish: Any,
) -> UUID:
    """Redeem a reward; `wish` is the rest of the command."""
    command = RedeemReward(
        member_id=member_id,
        reward_id=reward_id,
        quantity=quantity,
        idempotency_key=key or str(new_id()),
        **wish,
    )
    return await rewards.redeem(command, OpenGate(), DATA, now=now)


async def cancelled(
    member_id: UUID,
    redemption_id: UUID,
    *,
    key: str | None = None,
    pay: Any = NO_WECHAT,
    now: datetime = NOW,
) -> None:
    """Cancel a redemption, without WeChat if none is given."""
    command = CancelRedemption(
        member_id=member_id, redemption_id=redemption_id, idempotency_key=key or str(new_id())
    )
    await reward_cancelling.cancel(command, pay, OpenGate(), now=now)


async def left_of(reward_id: UUID) -> int | None:
    """Return what is left of a reward."""
    left: int | None = await database.fetch_value(
        "SELECT remaining FROM reward WHERE id = $1", reward_id
    )
    return left


async def pieces_of(member_id: UUID, reward_id: UUID) -> int:
    """Return how many pieces of a reward a member has."""
    pieces: int | None = await database.fetch_value(
        "SELECT pieces FROM reward_count WHERE member_id = $1 AND reward_id = $2",
        member_id,
        reward_id,
    )
    return pieces or 0


async def order_of(redemption_id: UUID) -> UUID:
    """Return the order of a redemption of goods."""
    order_id: UUID = await database.fetch_value(
        "SELECT order_id FROM redemption WHERE id = $1", redemption_id
    )
    return order_id
