"""Many redemptions at once, on real PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any, cast
from uuid import UUID

import pytest

from domain.errors import DomainError
from domain.orders import CancelReason
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from models.ids import new_id
from services import merging, rewards, stock
from services.cancelling import cancel_unpaid
from services.placing import DraftRefused
from services.rewards import RedeemReward
from tests.factories.orders import MCHID, OpenGate, pay
from tests.factories.rewards import (
    a_code_reward,
    a_goods_reward,
    a_redeemer,
    a_reward,
    cancelled,
    left_of,
    order_of,
    pieces_of,
    redeemed,
)
from tests.factories.shop import DATA, NOW, a_sku, stock_of
from tests.support.shopping import assert_books_agree
from tests.support.wallets import held

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def gate(redis: RedisClient) -> StockGate:
    return StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=5))


async def outcome(attempt: Awaitable[object]) -> str:
    """Return DONE, or the code of the refusal."""
    try:
        await attempt
    except DraftRefused as refused:
        return " ".join(problem.code for problem in refused.problems)
    except DomainError as error:
        return error.code
    return "DONE"


async def outcomes(attempts: Iterable[Awaitable[object]]) -> Counter[str]:
    """Make all attempts at once and count what came of them."""
    return Counter(await asyncio.gather(*map(outcome, attempts)))


async def test_fifty_redemptions_with_points_for_one() -> None:
    member_id = await a_redeemer(points=100)
    reward_ids = [await a_reward(points_price=100) for _ in range(5)]
    found = await outcomes(redeemed(member_id, reward_ids[n % 5]) for n in range(50))
    assert found == {"DONE": 1, "INSUFFICIENT_POINTS": 49}
    assert await held(member_id) == {}
    for table in ("redemption", "coupon"):
        assert await db.fetch_value(f"SELECT count(*) FROM {table}") == 1
    await assert_books_agree()


@pytest.mark.parametrize("kind", ["coupon", "code", "goods"])
async def test_thirty_members_and_five_pieces(kind: str, gate: StockGate) -> None:
    member_ids = [await a_redeemer(points=100, tier="GOLD") for _ in range(30)]
    sku = await a_sku(stock=30)
    if kind == "coupon":
        reward_id = await a_reward(quantity=5)
    elif kind == "code":
        reward_id = await a_code_reward(*(f"CODE-{number}" for number in range(5)))
    else:
        reward_id = await a_goods_reward(sku, quantity=5)

    async def attempt(member_id: UUID) -> None:
        command = RedeemReward(
            member_id=member_id, reward_id=reward_id, idempotency_key=str(new_id())
        )
        await rewards.redeem(command, gate, DATA, now=NOW)

    found = await outcomes(map(attempt, member_ids))
    assert found == {"DONE": 5, "REWARD_SOLD_OUT": 25}
    assert await left_of(reward_id) == 0
    balances = Counter([sum((await held(member_id)).values()) for member_id in member_ids])
    assert balances == {0: 5, 100: 25}
    given = await db.fetch("SELECT redemption_id FROM reward_code WHERE redemption_id IS NOT NULL")
    assert len(given) == (5 if kind == "code" else 0)
    if kind == "goods":
        assert await stock_of(sku) == {"available": 25, "reserved": 0, "sold": 5}
    await assert_books_agree()


async def test_goods_run_out_before_the_reward_does(gate: StockGate) -> None:
    member_ids = [await a_redeemer(points=100, tier="GOLD") for _ in range(20)]
    sku = await a_sku(stock=3)
    reward_id = await a_goods_reward(sku, quantity=20)

    async def attempt(member_id: UUID) -> None:
        command = RedeemReward(
            member_id=member_id, reward_id=reward_id, idempotency_key=str(new_id())
        )
        await rewards.redeem(command, gate, DATA, now=NOW)

    assert await outcomes(map(attempt, member_ids)) == {"DONE": 3, "OUT_OF_STOCK": 17}
    assert await left_of(reward_id) == 17
    assert await stock_of(sku) == {"available": 0, "reserved": 0, "sold": 3}
    await assert_books_agree()


async def test_a_limit_holds_among_a_members_own_requests() -> None:
    member_id = await a_redeemer(points=10_000)
    reward_id = await a_reward(per_member_limit=3)
    found = await outcomes(redeemed(member_id, reward_id) for _ in range(20))
    assert found == {"DONE": 3, "PURCHASE_LIMIT_REACHED": 17}
    assert await pieces_of(member_id, reward_id) == 3
    await assert_books_agree()


async def test_one_key_redeems_once() -> None:
    member_id = await a_redeemer(points=10_000)
    reward_id = await a_reward(quantity=5)
    found = await asyncio.gather(*(redeemed(member_id, reward_id, key="k") for _ in range(20)))
    assert len(set(found)) == 1
    assert (await left_of(reward_id), await pieces_of(member_id, reward_id)) == (4, 1)
    await assert_books_agree()


async def test_redeeming_while_cancelling_never_loses_a_piece_or_a_point() -> None:
    member_ids = [await a_redeemer(points=300) for _ in range(4)]
    reward_id = await a_reward(quantity=4, per_member_limit=2)
    first = [(member_id, await redeemed(member_id, reward_id)) for member_id in member_ids]
    again = [redeemed(member_id, reward_id) for member_id in member_ids * 5]
    back = [cancelled(*each) for each in first * 3]
    found = await outcomes([*back, *again])
    assert found["DONE"] >= len(back)
    standing = await db.fetch_value("SELECT count(*) FROM redemption WHERE status = 'FULFILLED'")
    assert await left_of(reward_id) == 4 - standing
    points = sum([sum((await held(member_id)).values()) for member_id in member_ids])
    assert points == 4 * 300 - 100 * standing
    await assert_books_agree()


class Wechat:
    """A WeChat that closes every number, and hears of a payment only when it is too late."""

    mchid = MCHID

    async def query(self, out_trade_no: str) -> None:
        """Know nothing of it yet."""

    async def close(self, out_trade_no: str) -> None:
        """Close it."""


async def test_paying_cancelling_and_the_timeout_meet() -> None:
    wechat = cast("Any", Wechat())
    sku = await a_sku(stock=20)
    reward_id = await a_goods_reward(sku, points_price=100, cash_price_fen=100, quantity=20)
    for _ in range(6):
        member_id = await a_redeemer(points=100)
        redemption_id = await redeemed(member_id, reward_id)
        order_id = await order_of(redemption_id)
        await outcomes(
            [
                pay(order_id),
                cancelled(member_id, redemption_id, pay=wechat),
                cancel_unpaid(order_id, wechat, OpenGate(), reason=CancelReason.TIMEOUT, now=NOW),
                cancelled(member_id, redemption_id, pay=wechat),
            ]
        )
        status = await db.fetch_value("SELECT status FROM sales_order WHERE id = $1", order_id)
        points = sum((await held(member_id)).values())
        assert (status, points) in (
            ("CANCELLED", 100),
            ("REFUNDED", 100),
            ("AWAITING_SHIPMENT", 0),
        )
        assert await pieces_of(member_id, reward_id) == (1 if points == 0 else 0)
    await assert_books_agree()


async def test_a_merge_while_redeeming_keeps_all_and_counts_both() -> None:
    reward_id = await a_reward(points_price=10, quantity=50)
    first, second = await a_redeemer(points=100), await a_redeemer(points=100)

    async def merge() -> None:
        async def once() -> None:
            async with db.in_transaction():
                await merging.merge(first, second, now=NOW)

        await db.retrying(once)

    attempts = [redeemed(member_id, reward_id) for member_id in (first, second) * 4]
    found = await outcomes([*attempts[:4], merge(), *attempts[4:]])
    assert found["DONE"] >= 1
    await assert_books_agree()
