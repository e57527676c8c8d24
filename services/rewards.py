"""Redeeming rewards: points, or points and cash, for goods, a coupon or a code.

Points, the reward's pieces and what it brings are taken in one transaction or not at all. Locks are
taken in the house's order: the key, the order, the member's count, stock, the wallet; the reward's
own row, which everybody waits for, comes last, with the commit where there is no order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.coupons import CouponOrigin, valid_days_end
from domain.errors import DomainError, InvalidInput
from domain.ledger import EntryReason, SourceKind
from domain.orders import DeliveryMethod
from domain.rewards import RewardKind, RewardLimitReached, RewardSoldOut, judge
from domain.rules import Rules
from models import database
from models.ids import new_id
from services import coupons, idempotency, points, reward_stock
from services import rules as rule_versions
from services.coupons import Issue
from services.personal_data import PersonalData
from services.placing import DraftRefused
from services.reward_orders import GoodsWanted, redeem_goods
from services.reward_rows import facts_of, redeemer_of, reward_for
from services.reward_stock import NewRedemption
from services.stock import StockGate

OPERATION = "redeemReward"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemReward:
    """A member's wish for a reward. `expected_payable_fen` is the cash and shipping they saw."""

    member_id: UUID
    reward_id: UUID
    idempotency_key: str
    quantity: int = 1
    delivery: DeliveryMethod = DeliveryMethod.EXPRESS
    address_id: UUID | None = None
    store_id: UUID | None = None
    expected_payable_fen: int | None = None

    @property
    def request(self) -> object:
        """Return what must be equal for two wishes under one key to be the same."""
        return (
            self.reward_id,
            self.quantity,
            self.delivery,
            self.address_id,
            self.store_id,
            self.expected_payable_fen,
        )


async def redeem(
    command: RedeemReward, gate: StockGate, data: PersonalData, *, now: datetime
) -> UUID:
    """Redeem a reward, once per idempotency key, and return the redemption's id.

    Raises:
        DraftRefused: its order can't be made, with every problem; paths are those of the input.
        PriceChanged: it takes another amount of money than the member saw.
        NotFound, CampaignNotStarted, CampaignEnded, RewardSoldOut, ConsentRequired, TierTooLow,
        RewardLimitReached, InsufficientPoints, AccountBlocked, InvalidInput, IdempotencyKeyReused
    """
    idempotency.check_key(command.idempotency_key)
    try:
        return await _redeem(command, gate, data, now)
    except (DomainError, DraftRefused):
        # Its own first attempt may have taken the last piece, or the points, before this repeat.
        earlier = await idempotency.recall(
            command.member_id, OPERATION, command.idempotency_key, command.request
        )
        if earlier is None:
            raise
        return earlier


async def _redeem(
    command: RedeemReward, gate: StockGate, data: PersonalData, now: datetime
) -> UUID:
    rules = (await rule_versions.in_force(now=now)).rules
    row = await reward_for(command.member_id, command.reward_id, now=now)
    kind = RewardKind(row["kind"])
    # How many pieces of goods there may be is its order's to say.
    if kind is not RewardKind.GOODS and command.quantity != 1:
        raise InvalidInput(path=("quantity",), problem="One piece at a time is redeemed.")
    _require(command, row, rules, now)
    if kind is RewardKind.GOODS:
        wanted = GoodsWanted(
            member_id=command.member_id,
            reward_id=command.reward_id,
            sku_id=row["sku_id"],
            quantity=command.quantity,
            points_price=row["points_price"],
            cash_price_fen=row["cash_price_fen"],
            per_member_limit=row["per_member_limit"],
            delivery=command.delivery,
            address_id=command.address_id,
            store_id=command.store_id,
            expected_payable_fen=command.expected_payable_fen,
            operation=OPERATION,
            idempotency_key=command.idempotency_key,
            request=command.request,
        )
        return await redeem_goods(wanted, gate, data, now=now)
    try:
        return await database.retrying(lambda: _redeem_at_once(command, row, now))
    except asyncpg.CheckViolationError as error:
        if reward_stock.is_sold_out(error):
            raise RewardSoldOut(path=("rewardId",)) from error
        raise


def _require(command: RedeemReward, row: Any, rules: Rules, now: datetime) -> None:
    refusal = judge(facts_of(row), redeemer_of(row), rules, now=now, pieces=command.quantity)
    if refusal is not None:
        about_pieces = isinstance(refusal, RewardLimitReached | RewardSoldOut)
        refusal.path = ("quantity",) if about_pieces and command.quantity > 1 else ("rewardId",)
        raise refusal


async def _redeem_at_once(command: RedeemReward, row: Any, now: datetime) -> UUID:
    """Redeem a coupon or a code: it is the member's when the transaction ends."""
    redemption_id = new_id()
    async with database.in_transaction():
        claim = await idempotency.claim(
            command.member_id,
            OPERATION,
            command.idempotency_key,
            command.request,
            result_id=redemption_id,
            now=now,
        )
        if not claim.is_new:
            return claim.result_id
        coupon_id = None
        if row["kind"] == RewardKind.COUPON:
            coupon_id = await _give_coupon(command.member_id, row, redemption_id, now)
        redemption = NewRedemption(
            id=redemption_id,
            member_id=command.member_id,
            reward_id=command.reward_id,
            quantity=1,
            points=row["points_price"],
            coupon_id=coupon_id,
            created_at=now,
        )
        await reward_stock.record(redemption, limit=row["per_member_limit"])
        await points.spend(
            command.member_id,
            row["points_price"],
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.REDEMPTION, redemption_id),
            now=now,
            path=("rewardId",),
        )
        if row["kind"] == RewardKind.VIRTUAL:
            await _give_code(command.reward_id, redemption_id)
        reward_stock.take_at_commit(command.reward_id)
        return redemption_id


async def _give_coupon(member_id: UUID, row: Any, redemption_id: UUID, now: datetime) -> UUID:
    given = Issue(
        member_id=member_id,
        terms_id=row["terms_id"],
        valid_from=now,
        valid_until=valid_days_end(now, row["valid_days"]),
        origin=CouponOrigin.REWARD,
        origin_id=redemption_id,
    )
    [coupon_id] = await coupons.issue([given], now=now)
    return coupon_id


async def _give_code(reward_id: UUID, redemption_id: UUID) -> None:
    """Give the redemption a code that nobody has; who redeems at the same time takes the next."""
    given = await database.execute(
        """
        UPDATE reward_code SET redemption_id = $2
        WHERE id = (
            SELECT id FROM reward_code WHERE reward_id = $1 AND redemption_id IS NULL
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        """,
        reward_id,
        redemption_id,
    )
    if not given:
        raise RewardSoldOut(path=("rewardId",))
