"""Rewards: what points buy (docs/rules.md, section 1), and who may redeem one now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.campaigns import CampaignEnded, CampaignNotStarted, TierTooLow
from domain.errors import (
    ConsentRequired,
    DomainError,
    ErrorCode,
    InsufficientPoints,
    NotAllowed,
)
from domain.money import MAX_FEN
from domain.orders import OrderStatus
from domain.rules import Rules


class RewardKind(StrEnum):
    """What a redemption brings: goods by an order, a coupon, or a code to be used elsewhere."""

    GOODS = "GOODS"
    COUPON = "COUPON"
    VIRTUAL = "VIRTUAL"


class RewardState(StrEnum):
    """Whether members may see a reward. What was redeemed of one that was withdrawn stands."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class RedemptionStatus(StrEnum):
    """Where a redemption stands: that of goods follows their order."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


STATUS_OF_ORDER: dict[OrderStatus, RedemptionStatus] = {
    OrderStatus.AWAITING_PAYMENT: RedemptionStatus.AWAITING_PAYMENT,
    OrderStatus.AWAITING_TEAM: RedemptionStatus.AWAITING_SHIPMENT,
    OrderStatus.AWAITING_SHIPMENT: RedemptionStatus.AWAITING_SHIPMENT,
    OrderStatus.AWAITING_PICKUP: RedemptionStatus.AWAITING_SHIPMENT,
    OrderStatus.SHIPPED: RedemptionStatus.FULFILLED,
    OrderStatus.COMPLETED: RedemptionStatus.FULFILLED,
    OrderStatus.CANCELLED: RedemptionStatus.CANCELLED,
    OrderStatus.REFUNDED: RedemptionStatus.REFUNDED,
}
"""Where a redemption of goods stands, by its order; one that its member cancelled is CANCELLED."""


class RewardSoldOut(DomainError):
    """There is nothing left of it."""

    code = ErrorCode.REWARD_SOLD_OUT
    message = "All of this reward has been redeemed."


class RewardLimitReached(DomainError):
    """The member would have more of it than each may have."""

    code = ErrorCode.PURCHASE_LIMIT_REACHED
    message = "Each member can redeem {limit} of this."


class RedemptionNotCancellable(NotAllowed):
    """It was shipped, used or told: it can't come back by cancelling."""

    message = "This redemption can't be cancelled any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardFacts:
    """What there is to know of a reward, whoever looks; `remaining` None is no end of it."""

    state: RewardState
    starts_at: datetime
    ends_at: datetime | None
    remaining: int | None
    per_member_limit: int | None
    min_tier_code: str | None
    points_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemer:
    """Who would like a reward; `redeemed` counts the pieces of it they have."""

    has_joined: bool
    tier_code: str
    points: int
    redeemed: int


def judge(
    reward: RewardFacts,
    redeemer: Redeemer | None,
    rules: Rules,
    *,
    now: datetime,
    pieces: int = 1,
) -> DomainError | None:
    """Return why so many pieces can't be redeemed now, the first reason of all; None when they can.

    Of a viewer who isn't known, only what holds for everybody is told.
    """
    if redeemer is not None and not redeemer.has_joined:
        return ConsentRequired()
    return _refusal_to_all(reward, pieces, now) or (
        None if redeemer is None else _refusal_to(reward, redeemer, rules, pieces)
    )


def _refusal_to_all(reward: RewardFacts, pieces: int, now: datetime) -> DomainError | None:
    has_ended = reward.ends_at is not None and now >= reward.ends_at
    if reward.state is not RewardState.PUBLISHED or has_ended:
        return CampaignEnded()
    if now < reward.starts_at:
        return CampaignNotStarted()
    is_short = reward.remaining is not None and reward.remaining < pieces
    return RewardSoldOut() if is_short else None


def _refusal_to(
    reward: RewardFacts, redeemer: Redeemer, rules: Rules, pieces: int
) -> DomainError | None:
    if reward.min_tier_code is not None:
        least = rules.tier(reward.min_tier_code)
        if rules.tier(redeemer.tier_code).level < least.level:
            return TierTooLow(tier=least.name, tier_en=least.name_en)
    limit = reward.per_member_limit
    if limit is not None and redeemer.redeemed + pieces > limit:
        return RewardLimitReached(limit=limit)
    return InsufficientPoints() if redeemer.points < reward.points_price * pieces else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsPrice:
    """What pieces of a reward cost as a line of an order, in fen; points pay what cash doesn't.

    A piece stands at its list price, or at the cash it takes where that is more.
    """

    quantity: int
    unit_price_fen: int
    cash_price_fen: int

    @classmethod
    def of(cls, *, quantity: int, list_price_fen: int, cash_price_fen: int) -> GoodsPrice:
        """Return the price of so many pieces."""
        return cls(
            quantity=quantity,
            unit_price_fen=max(list_price_fen, cash_price_fen),
            cash_price_fen=cash_price_fen,
        )

    @property
    def goods_total_fen(self) -> int:
        """Return the pieces at their price."""
        return self.quantity * self.unit_price_fen

    @property
    def unit_off_fen(self) -> int:
        """Return what points take off one piece."""
        return self.unit_price_fen - self.cash_price_fen

    @property
    def points_off_fen(self) -> int:
        """Return what points take off all of them."""
        return self.quantity * self.unit_off_fen

    @property
    def cash_fen(self) -> int:
        """Return the cash for all of them."""
        return self.quantity * self.cash_price_fen


MAX_NAME_LENGTH = 128
MAX_CODE_LENGTH = 256


class RewardInvalid(ValueError):
    """A reward that can't be; `problems` are one line each, all found at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def price_problems(points_price: int, cash_price_fen: int) -> list[str]:
    """Return what can't hold of a reward's price; empty when it can."""
    checks = (
        (1 <= points_price <= MAX_FEN, "points_price: 1 or more"),
        (0 <= cash_price_fen <= MAX_FEN, "cash_price_fen: 0 or more"),
    )
    return [problem for holds, problem in checks if not holds]
