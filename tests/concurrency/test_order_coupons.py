"""Orders that meet over coupons, points and refunds, on real PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.errors import AccountBlocked, DomainError
from domain.orders import PaymentStatus
from domain.payments import OrderAlreadyPaid
from models import database as db
from models.ids import new_id
from services import finality, merging, settling
from services.placing import DraftRefused
from services.points import spendable
from services.reversal import Reversal, reverse
from tests.factories.coupons import FREE_SHIPPING, a_coupon
from tests.factories.orders import MCHID, a_payment, bought, cancelled, lines_of, pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_member, a_sku, stock_of
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def outcome(member_id: UUID, *lines: tuple[SkuFacts, int], **more: Any) -> UUID | str:
    """Return the order's id, or the codes of its refusal."""
    try:
        return await placed(member_id, *lines, **more)
    except DraftRefused as refused:
        return " ".join(f"{each.code} {'.'.join(each.path)}" for each in refused.problems)
    except AccountBlocked as blocked:
        return blocked.code


async def status_of(coupon_id: UUID) -> str:
    return str(await db.fetch_value("SELECT status FROM coupon WHERE id = $1", coupon_id))


async def test_twenty_orders_with_one_coupon_and_one_wins() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    goods, shipping = await a_coupon(member_id), await a_coupon(member_id, FREE_SHIPPING)
    outcomes = await asyncio.gather(
        *(outcome(member_id, (sku, 1), coupon_ids=(goods, shipping)) for _ in range(20))
    )
    [won] = [each for each in outcomes if isinstance(each, UUID)]
    refusals = Counter(each for each in outcomes if isinstance(each, str))
    # Whoever looks before the winner has written is refused at the first coupon it can't take.
    assert sum(refusals.values()) == 19
    assert all(refusal.startswith("COUPON_NOT_APPLICABLE couponIds.") for refusal in refusals)
    held = await db.fetch("SELECT order_id, status FROM coupon")
    assert [tuple(row) for row in held] == [(won, "RESERVED"), (won, "RESERVED")]
    assert await stock_of(sku) == {"available": 99, "reserved": 1, "sold": 0}
    await assert_books_agree()


async def test_one_key_twenty_times_with_coupon_and_points_makes_one_order() -> None:
    member_id, sku = await a_buyer(points=300), await a_sku(10_000)
    coupon_id = await a_coupon(member_id)
    choices: dict[str, Any] = {"coupon_ids": (coupon_id,), "points_to_spend": 300}
    outcomes = await asyncio.gather(
        *(outcome(member_id, (sku, 1), key="same", **choices) for _ in range(20))
    )
    assert len(set(outcomes)) == 1
    assert isinstance(outcomes[0], UUID)
    assert await spendable(member_id, now=NOW) == 0
    await assert_books_agree()


async def test_a_payment_and_a_cancel_of_one_order_with_coupon_and_points() -> None:
    sku = await a_sku(10_000, stock=1_000)
    ended: Counter[str] = Counter()
    for number in range(20):
        member_id = await a_buyer(points=500)
        coupon_id = await a_coupon(member_id)
        order_id = await placed(member_id, (sku, 1), coupon_ids=(coupon_id,), points_to_spend=500)
        # WeChat was told to close it, and took the money nevertheless.
        told = await a_payment(order_id, status=PaymentStatus.CLOSED)
        moves = [settling.settle(told, mchid=MCHID, now=NOW), cancelled(order_id)]
        if number % 2:
            moves.reverse()
        results = await asyncio.gather(*moves, return_exceptions=True)
        status = await db.fetch_value("SELECT status FROM sales_order WHERE id = $1", order_id)
        ended[status] += 1
        is_paid = status == "AWAITING_SHIPMENT"
        assert any(isinstance(each, OrderAlreadyPaid) for each in results) == is_paid
        outcome = settling.Outcome.PAID if is_paid else settling.Outcome.CASE
        assert outcome in results
        assert await status_of(coupon_id) == ("USED" if is_paid else "USABLE")
        assert await spendable(member_id, now=NOW) == (0 if is_paid else 500)
    assert set(ended) <= {"AWAITING_SHIPMENT", "CANCELLED"}
    assert await stock_of(sku) == {
        "available": 1_000 - ended["AWAITING_SHIPMENT"],
        "reserved": 0,
        "sold": ended["AWAITING_SHIPMENT"],
    }
    await assert_books_agree()


async def refund(order_id: UUID, pieces: int = 1, *, refund_id: UUID | None = None) -> Any:
    [line_id] = await lines_of(order_id)
    reversal = Reversal(
        refund_id=refund_id or new_id(),
        order_id=order_id,
        quantities={line_id: pieces},
        before_shipment=True,
    )
    try:
        return await reverse(reversal, now=NOW + timedelta(days=9))
    except DomainError as error:
        return error.code


async def test_ten_refunds_of_three_pieces() -> None:
    member_id, sku = await a_buyer(points=900), await a_sku(10_000)
    coupon_id = await a_coupon(member_id)
    order_id = await bought(member_id, (sku, 3), coupon_ids=(coupon_id,), points_to_spend=900)
    same = new_id()
    results = await asyncio.gather(
        *(refund(order_id, refund_id=same) for _ in range(5)), *(refund(order_id) for _ in range(5))
    )
    refused = [each for each in results if isinstance(each, str)]
    assert len(refused) in (3, 7)  # The one that was asked for five times is done, or it is not.
    assert await db.fetch_value("SELECT count(*) FROM order_reversal") == 3
    assert await db.fetch_value("SELECT status FROM sales_order") == "REFUNDED"
    assert await spendable(member_id, now=NOW) == 900
    assert await stock_of(sku) == {"available": 100, "reserved": 0, "sold": 0}
    await assert_books_agree()


async def test_a_refund_and_the_finality_of_one_order() -> None:
    sku = await a_sku(10_000)
    for _ in range(10):
        member_id = await a_buyer()
        order_id = await bought(member_id, (sku, 2))
        await finality.receive(order_id, at=NOW)
        done = await asyncio.gather(
            refund(order_id), finality.finalize_due(NOW + timedelta(days=9)), refund(order_id)
        )
        assert [each for each in done if isinstance(each, str)] == []
        assert await spendable(member_id, now=NOW + timedelta(days=9)) == 0
    await assert_books_agree()


async def test_everything_at_once_with_few_members_and_skus() -> None:
    """Nothing fails for another reason than a rule, and the books agree in the end."""
    choices = random.Random(7)
    members = [await a_buyer(tier="SILVER", points=5_000) for _ in range(4)]
    skus = [await a_sku(9_000, stock=10_000, limit=500) for _ in range(3)]
    for member_id in members:
        for _ in range(10):
            await a_coupon(member_id)
            await a_coupon(member_id, FREE_SHIPPING)

    async def one(member_id: UUID, lines: list[tuple[SkuFacts, int]], end: str) -> str:
        with_best = choices.random() < 0.5
        order = await outcome(member_id, *lines, best_coupons=with_best, points_to_spend=100)
        if isinstance(order, str):
            return order.partition(" ")[0]
        if end == "cancel":
            await cancelled(order)
            return "cancelled"
        assert await pay(order) is settling.Outcome.PAID
        if end == "final":
            await finality.receive(order, at=NOW)
            await finality.finalize_due(NOW + timedelta(days=9))
        line_ids = await lines_of(order)
        for line_id in choices.sample(line_ids, choices.randint(1, len(line_ids))):
            quantities = {line_id: 1}
            reversal = Reversal(
                refund_id=new_id(), order_id=order, quantities=quantities, before_shipment=True
            )
            await reverse(reversal, now=NOW + timedelta(days=9))
        return end

    async def merge() -> str:
        older = await a_member()
        async with db.in_transaction():
            return str(await merging.merge(older, members[3], now=NOW) and "merged")

    jobs = [
        one(
            choices.choice(members),
            [(sku, choices.randint(1, 3)) for sku in choices.sample(skus, 2)],
            choices.choice(["cancel", "paid", "final"]),
        )
        for _ in range(60)
    ]
    results = await asyncio.gather(*jobs[:30], db.retrying(merge), *jobs[30:])
    found = Counter(results)
    assert found["merged"] == 1
    assert set(found) <= {
        *("merged", "cancelled", "paid", "final"),
        *("COUPON_NOT_APPLICABLE", "INSUFFICIENT_POINTS", "ACCOUNT_BLOCKED"),
    }
    assert found["cancelled"] + found["paid"] + found["final"] > 20
    await merging.gather_stragglers(now=NOW)
    await assert_books_agree()


@pytest.mark.parametrize("end", ["paid", "cancelled"])
async def test_a_merge_while_an_order_holds_coupons_and_points(end: str) -> None:
    sku = await a_sku(10_000)
    for number in range(10):
        survivor, loser = await a_member(points=7), await a_buyer(points=500)
        held = [await a_coupon(loser), await a_coupon(loser, FREE_SHIPPING)]
        order_id = await placed(loser, (sku, 1), coupon_ids=tuple(held), points_to_spend=500)
        assert [await status_of(coupon_id) for coupon_id in held] == ["RESERVED", "RESERVED"]
        moves = [db.retrying(partial(merged, survivor, loser)), ended(order_id, end)]
        if number % 2:
            moves.reverse()
        await asyncio.gather(*moves)
        rows = await db.fetch(
            "SELECT member_id, status, order_id FROM coupon WHERE id = ANY($1)", held
        )
        kept = ("USED", order_id) if end == "paid" else ("USABLE", None)
        assert [tuple(row) for row in rows] == [(survivor, *kept)] * 2
        assert await spendable(survivor, now=NOW) == (7 if end == "paid" else 507)
        if end == "paid":
            await refund(order_id)
            assert await spendable(survivor, now=NOW) == 507
            assert [await status_of(coupon_id) for coupon_id in held] == ["EXPIRED", "EXPIRED"]
    await assert_books_agree()


async def merged(survivor: UUID, loser: UUID) -> None:
    async with db.in_transaction():
        assert await merging.merge(survivor, loser, now=NOW) == survivor


async def ended(order_id: UUID, end: str) -> None:
    if end == "paid":
        assert await pay(order_id) is settling.Outcome.PAID
    else:
        await cancelled(order_id)
