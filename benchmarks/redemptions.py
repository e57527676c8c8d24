"""`python -m benchmarks.redemptions`: redemptions a second over the service, in this one process.

All members redeem one reward with a quantity, so that they meet at its row, many on their way at a
time; then one without; then codes; then goods, each an order that is paid with points; then
everybody comes too late. Everything runs on a PostgreSQL of our own; `--durable` has it wait for
the disk at every commit.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles
from uuid import UUID

import uvloop

from benchmarks.checkin import a_database
from domain.rewards import RewardSoldOut
from services import points, verification
from tests.factories.rewards import (
    a_code_reward,
    a_goods_reward,
    a_redeemer,
    a_reward,
    redeemed,
)
from tests.factories.shop import NOW, a_sku


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redemptions", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=100, help="redemptions on their way")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--durable", action="store_true")
    uvloop.run(_run(parser.parse_args()))


async def _run(given: argparse.Namespace) -> None:
    async with a_database(given.connections, durable=given.durable):
        members = [await a_redeemer(points=100, tier="GOLD") for _ in range(given.members)]
        sku = await a_sku(stock=given.members)
        codes = (f"CODE-{number}" for number in range(given.members))
        cases = {
            "a coupon with a quantity": await a_reward(points_price=10, quantity=given.members),
            "a coupon without": await a_reward(points_price=10),
            "codes": await a_code_reward(*codes, points_price=10),
            "goods": await a_goods_reward(sku, points_price=10),
        }
        for name, reward_id in cases.items():
            rate, slowest, made = await _redeem_all(members, reward_id, given.at_once)
            assert made == len(members), name
            print(f"{name}: {rate:,.0f} redemptions a second, 99 of 100 within {slowest:.0f} ms")
        gone = cases["codes"]
        rate, _, made = await _redeem_all(members, gone, given.at_once, key="late")
        assert made == 0
        print(f"sold out: {rate:,.0f} refusals a second")
        assert await points.spendable(members[0], now=NOW) == 100 - 10 * len(cases)
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


async def _redeem_all(
    members: Sequence[UUID], reward_id: UUID, at_once: int, *, key: str = ""
) -> tuple[float, float, int]:
    """Have all members redeem, so many at a time: the rate, the 99th percentile, how many did."""
    waiting = iter(members)
    taken: list[float] = []
    made = 0

    async def one_after_the_other() -> None:
        nonlocal made
        for member_id in waiting:
            began = time.perf_counter()
            try:
                await redeemed(member_id, reward_id, key=f"{key}{reward_id}")
                made += 1
            except RewardSoldOut:
                pass
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    rate = len(members) / (time.perf_counter() - began)
    return rate, quantiles(taken, n=100)[-1] * 1_000, made


if __name__ == "__main__":
    main()
