"""`python -m benchmarks.quotes`: quotes with few and many coupons, orders from place to finality.

Everything runs in this process, one call after the other, on a PostgreSQL of our own that doesn't
wait for the disk: what is measured is the work. A quote chooses the best pair of coupons and the
most points.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from cli.embedded import acquire, prepare_home
from cli.migrations import apply_migrations
from domain.drafts import OrderDraft
from domain.pricing import FullReduction, QuantityDiscount, QuantityRule, Rung
from domain.promotions import Scheduled
from models import database
from models.ids import new_id
from services import finality, promotions, quoting, verification
from services.reversal import Reversal, reverse
from tests.factories.coupons import FREE_SHIPPING, a_coupon
from tests.factories.orders import a_draft, bought, lines_of
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku

COUPONS = (0, 5, 50, 200)
"""How many goods coupons a member holds; a quarter as many for shipping."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quotes", description=__doc__)
    parser.add_argument("--quotes", type=int, default=300)
    parser.add_argument("--orders", type=int, default=300)
    given = parser.parse_args()
    asyncio.run(_run(given.quotes, given.orders))


@asynccontextmanager
async def _database() -> AsyncIterator[None]:
    with TemporaryDirectory(prefix="mall-quotes-") as folder:
        home = prepare_home(Path(folder), fallback_is_temporary=True)
        with acquire(home, with_valkey=False, durable=False) as servers:
            await apply_migrations(servers.database_url)
            await database.connect(servers.database_url)
            try:
                yield
            finally:
                await database.close()


async def _run(quotes: int, orders: int) -> None:
    async with _database():
        skus = [await a_sku(900 + 37 * number, stock=1_000_000) for number in range(20)]
        await _promote()
        for number in COUPONS:
            member_id = await _a_member(number)
            for lines in (3, 20):
                draft = _draft(skus[:lines])
                took = await _timed(
                    quoting.quote_draft(member_id, draft, now=NOW) for _ in range(quotes)
                )
                print(f"quote of {lines} lines with {number} coupons: {took}", flush=True)
        await _orders("plain", skus, orders)
        await _orders(
            "with coupon and points", skus, orders, best_coupons=True, use_max_points=True
        )
        broken = [each.check.name for each in await verification.verify() if not each.is_clean]
        assert not broken, broken


async def _promote() -> None:
    for promotion in (
        QuantityDiscount(
            id=new_id(),
            title="第2件半价",
            rule=QuantityRule.EVERY_NTH_PIECE,
            pieces=2,
            pay_bps=5_000,
        ),
        FullReduction(id=new_id(), title="满100减10", rungs=(Rung(10_000, 1_000),)),
    ):
        day = timedelta(days=1)
        scheduled = Scheduled(promotion=promotion, starts_at=NOW - day, ends_at=NOW + day)
        await promotions.publish(scheduled, now=NOW)


async def _a_member(coupons: int) -> UUID:
    member_id = await a_buyer(points=100_000)
    amounts = random.Random(coupons)
    for _ in range(coupons):
        await a_coupon(
            member_id,
            amount_off_fen=amounts.randint(100, 2_000),
            min_spend_fen=amounts.choice([0, 5_000, 20_000]),
        )
    for _ in range(coupons // 4):
        await a_coupon(member_id, FREE_SHIPPING, max_off_fen=amounts.choice([None, 300]))
    return member_id


def _draft(skus: list[SkuFacts]) -> OrderDraft:
    lines = [(sku, 1 + place % 3) for place, sku in enumerate(skus)]
    return a_draft(*lines, best_coupons=True, use_max_points=True)


async def _orders(name: str, skus: list[SkuFacts], orders: int, **choices: Any) -> None:
    """Place and pay orders, make them final, and refund a piece of each."""
    members = [await a_buyer(points=1_000) for _ in range(orders)]
    if choices:
        for member_id in members:
            await a_coupon(member_id, min_spend_fen=0)
    lines = [(sku, 1) for sku in skus[:3]]
    took = await _timed(bought(member_id, *lines, **choices) for member_id in members)
    print(f"placed and paid, {name}: {took}")
    made = [row["id"] for row in await database.fetch(_UNFINISHED)]
    for order_id in made:
        await finality.receive(order_id, at=NOW)
    later = NOW + timedelta(days=9)
    began = time.perf_counter()
    while await finality.finalize_due(later):
        pass
    print(f"  final: {orders / (time.perf_counter() - began):,.0f} a second")
    refunds = [
        Reversal(
            refund_id=new_id(),
            order_id=order_id,
            quantities={(await lines_of(order_id))[0]: 1},
            before_shipment=False,
        )
        for order_id in made
    ]
    took = await _timed(reverse(refund, now=later) for refund in refunds)
    print(f"  refunded in part: {took}", flush=True)


_UNFINISHED = "SELECT id FROM sales_order WHERE finalized_at IS NULL"


async def _timed(calls: Iterable[Awaitable[object]]) -> str:
    """Make calls one after the other; returns how long one takes."""
    took = []
    for call in calls:
        began = time.perf_counter()
        await call
        took.append(time.perf_counter() - began)
    took.sort()
    return f"{median(took) * 1_000:.2f} ms (99 % {took[len(took) * 99 // 100] * 1_000:.2f})"


if __name__ == "__main__":
    main()
