"""`python -m benchmarks.claims`: coupons a second over the service, in this one process.

All members claim from one campaign with a quantity, so that they meet at its row, many on their way
at a time; then from one without; then for points; then everybody comes too late. At last a list of
members is given coupons by the job. Everything runs on a PostgreSQL of our own; `--durable` has it
wait for the disk at every commit.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any
from uuid import UUID

import uvloop

from benchmarks.checkin import a_database
from domain.coupon_claims import CouponSoldOut
from domain.coupons import CampaignKind
from models import database
from services import coupon_claims, coupon_grants, points, verification
from services.coupon_claims import ClaimCoupon
from tests.factories.coupons import a_campaign, a_joined_member
from tests.factories.shop import NOW


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--at-once", type=int, default=200, help="claims on their way at a time")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--listed", type=int, default=100_000, help="members of the grant's list")
    parser.add_argument("--durable", action="store_true")
    uvloop.run(_run(parser.parse_args()))


async def _run(given: argparse.Namespace) -> None:
    async with a_database(given.connections, durable=given.durable):
        members = [await a_joined_member(points=50) for _ in range(given.members)]
        cases: dict[str, dict[str, Any]] = {
            "one campaign with a quantity": {"quantity": given.members},
            "one campaign without": {},
            "for points": {"points_price": 10, "quantity": given.members},
            "sold out": {"quantity": 0},
        }
        for name, facts in cases.items():
            campaign_id = await a_campaign(**facts)
            rate, slowest, made = await _claim_all(members, campaign_id, given.at_once)
            assert made == (0 if facts.get("quantity") == 0 else len(members)), name
            print(f"{name}: {rate:,.0f} claims a second, 99 of 100 within {slowest:.0f} ms")
        assert await points.spendable(members[0], now=NOW) == 40
        await _grant(given.listed)
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


async def _claim_all(
    members: Sequence[UUID], campaign_id: UUID, at_once: int
) -> tuple[float, float, int]:
    """Have all members claim, so many at a time: the rate, the 99th percentile, the coupons."""
    waiting = iter(members)
    taken: list[float] = []
    made = 0

    async def one_after_the_other() -> None:
        nonlocal made
        for member_id in waiting:
            began = time.perf_counter()
            wish = ClaimCoupon(member_id, campaign_id, str(campaign_id))
            try:
                await coupon_claims.claim(wish, now=NOW)
                made += 1
            except CouponSoldOut:
                pass
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    rate = len(members) / (time.perf_counter() - began)
    return rate, quantiles(taken, n=100)[-1] * 1_000, made


async def _grant(listed: int) -> None:
    """Give a list of members coupons, batch by batch."""
    await database.execute(_MEMBERS, listed, NOW)
    rows = await database.fetch("SELECT id FROM member WHERE member_no LIKE 'list-%'")
    campaign_id = await a_campaign(kind=CampaignKind.GRANT, quantity=listed)
    began = time.perf_counter()
    await coupon_grants.start(campaign_id, [row["id"] for row in rows], name="list", now=NOW)
    started = time.perf_counter() - began
    batches = 0
    while await coupon_grants.run_due(now=NOW):
        batches += 1
    rate = listed / (time.perf_counter() - began)
    print(f"a list of {listed:,}: written in {started:.1f} s, {rate:,.0f} coupons a second with it")
    assert batches == -(-listed // 1_000)


_MEMBERS = """
INSERT INTO member (id, member_no, status, nickname, gender, invite_code, joined_at, tier_code,
                    tier_since, lifetime_growth, created_at, updated_at)
SELECT gen_random_uuid(), 'list-' || number, 'ACTIVE', '', 'UNKNOWN', 'list-' || number, $2,
       'REGULAR', $2, 0, $2, $2
FROM generate_series(1, $1::int) AS number
"""

if __name__ == "__main__":
    main()
