"""When an order is final, and what it gives then (docs/rules.md, section 1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models import database as db
from services import finality, ledger, merging, points, settling
from services.points import spendable
from tests.factories.orders import MCHID, a_payment, bought, placed
from tests.factories.shop import NOW, a_buyer, a_member, a_sku, an_address
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

FINAL_AT = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
"""Received on the 22nd in Shanghai, the 7th day after it, the 29th, has ended."""


async def final_at(order_id: UUID) -> tuple[datetime | None, datetime | None]:
    """Return when the order is to be final, and since when it is."""
    row = await db.fetch_one(
        "SELECT final_at, finalized_at FROM sales_order WHERE id = $1", order_id
    )
    assert row is not None
    return row["final_at"], row["finalized_at"]


async def growth_of(member_id: UUID) -> tuple[int, int]:
    async with db.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
    return wallet.growth, wallet.growth_pending


async def test_an_order_is_final_when_the_seventh_day_after_its_receipt_has_ended() -> None:
    member_id = await a_buyer()
    order_id = await bought(member_id, (await a_sku(12_345), 1))
    await finality.receive(order_id, at=NOW)
    assert await final_at(order_id) == (FINAL_AT, None)
    assert await finality.finalize_due(FINAL_AT - timedelta(microseconds=1)) == 0
    assert await spendable(member_id, now=FINAL_AT) == 0

    assert await finality.finalize_due(FINAL_AT + timedelta(days=2)) == 1
    # Late as the job was: its effect is of the instant it was due.
    assert await final_at(order_id) == (FINAL_AT, FINAL_AT)
    assert await spendable(member_id, now=FINAL_AT) == 123
    assert await growth_of(member_id) == (1234, 0)
    end = await db.fetch_value("SELECT expires_at FROM points_lot")
    assert end == datetime(2027, 11, 30, 16, 0, tzinfo=UTC)
    entry = await db.fetch_one(
        "SELECT created_at, source_kind, source_id FROM ledger_entry WHERE reason = 'ORDER'"
        " AND source_kind <> 'ORDER' AND seq IS NOT NULL AND delta > 0 ORDER BY delta LIMIT 1"
    )
    assert entry is not None
    assert tuple(entry) == (FINAL_AT, "ORDER_FINALITY", order_id)
    await assert_books_agree()


async def test_the_birthday_of_the_payment_counts_however_late_we_hear_of_it() -> None:
    last_second = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
    sku, later = await a_sku(10_000), timedelta(seconds=2)
    for birthday, points_earned in ((date(1990, 11, 22), 200), (date(1990, 11, 23), 100)):
        member_id = await a_member(birthday=birthday)
        await an_address(member_id)
        order_id = await placed(member_id, (sku, 1))
        told = await a_payment(order_id, now=last_second)
        outcome = await settling.settle(told, mchid=MCHID, now=last_second + later)
        assert outcome is settling.Outcome.PAID
        sql = "SELECT points_earned FROM sales_order WHERE id = $1"
        assert await db.fetch_value(sql, order_id) == points_earned
    await assert_books_agree()


async def test_doing_it_again_or_twice_at_once_changes_nothing() -> None:
    member_id = await a_buyer()
    order_id = await bought(member_id, (await a_sku(10_000), 1))
    await finality.receive(order_id, at=NOW)
    await finality.receive(order_id, at=NOW + timedelta(days=1))
    assert await final_at(order_id) == (FINAL_AT, None)
    done = await asyncio.gather(*(finality.finalize(order_id, at=FINAL_AT) for _ in range(5)))
    assert sorted(done) == [False, False, False, False, True]
    assert await finality.finalize_due(FINAL_AT + timedelta(days=9)) == 0
    assert await spendable(member_id, now=FINAL_AT) == 100
    assert await growth_of(member_id) == (1000, 0)


async def test_an_open_refund_keeps_it_waiting_until_it_is_closed() -> None:
    member_id = await a_buyer()
    order_id = await bought(member_id, (await a_sku(10_000), 1))
    await finality.receive(order_id, at=NOW)
    for _ in range(2):
        await finality.open_refund(order_id)
    later = FINAL_AT + timedelta(days=3, hours=1)
    await finality.close_refund(order_id, now=FINAL_AT - timedelta(days=1))
    assert await final_at(order_id) == (FINAL_AT, None)
    assert await finality.finalize_due(later) == 0
    assert not await finality.finalize(order_id, at=later)
    await finality.close_refund(order_id, now=later)
    assert await final_at(order_id) == (later, None)
    assert await finality.finalize_due(later) == 1
    assert await final_at(order_id) == (later, later)
    # A refund after that changes nothing about it.
    await finality.open_refund(order_id)
    await finality.close_refund(order_id, now=later + timedelta(days=1))
    assert await final_at(order_id) == (later, later)
    assert await finality.finalize_due(later + timedelta(days=2)) == 0


async def test_a_refund_closed_before_the_receipt_says_nothing_of_finality() -> None:
    order_id = await bought(await a_buyer(), (await a_sku(10_000), 2))
    await finality.open_refund(order_id)
    await finality.close_refund(order_id, now=NOW)
    assert await final_at(order_id) == (None, None)
    await finality.receive(order_id, at=NOW)
    assert await final_at(order_id) == (FINAL_AT, None)


async def test_a_redemption_is_no_first_order_of_an_invitation() -> None:
    invitee, sku = await a_buyer(), await a_sku(10_000)
    await db.execute("UPDATE member SET invited_by_id = $2 WHERE id = $1", invitee, await a_buyer())
    redeemed, order_id = [await bought(invitee, (sku, 1)) for _ in range(2)]
    await db.execute("UPDATE sales_order SET kind = 'REDEMPTION' WHERE id = $1", redeemed)
    due = "SELECT invitation_due_at FROM member WHERE id = $1"
    for each, expected in ((redeemed, None), (order_id, FINAL_AT)):
        await finality.receive(each, at=NOW)
        assert await finality.finalize(each, at=FINAL_AT)
        assert await db.fetch_value(due, invitee) == expected


async def test_only_a_paid_order_is_received() -> None:
    order_id = await placed(await a_buyer(), (await a_sku(10_000), 1))
    await finality.receive(order_id, at=NOW)
    assert await final_at(order_id) == (None, None)


async def test_one_that_fails_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    sku, buyers = await a_sku(10_000), [await a_buyer() for _ in range(3)]
    orders = [await bought(buyer, (sku, 1)) for buyer in buyers]
    for order_id in orders:
        await finality.receive(order_id, at=NOW)
    release = points.release

    async def broken(member_id: UUID, **given: Any) -> Any:
        if member_id == buyers[1]:
            raise RuntimeError("broken")
        return await release(member_id, **given)

    with monkeypatch.context() as patched:
        patched.setattr(points, "release", broken)
        assert await finality.finalize_due(FINAL_AT) == 3
        assert await finality.finalize_due(FINAL_AT) == 0
    assert [await spendable(buyer, now=FINAL_AT) for buyer in buyers] == [100, 0, 100]
    assert await finality.finalize_due(FINAL_AT + finality.PUT_OFF) == 1
    assert [await spendable(buyer, now=FINAL_AT) for buyer in buyers] == [100, 100, 100]
    assert await final_at(orders[1]) == (FINAL_AT, FINAL_AT)


async def test_an_order_that_a_merge_moved_gives_to_the_survivor() -> None:
    older, sku = await a_member(), await a_sku(10_000)
    younger = await a_buyer()
    order_id = await bought(younger, (sku, 1))
    await finality.receive(order_id, at=NOW)

    async def merge() -> UUID | None:
        async with db.in_transaction():
            return await merging.merge(older, younger, now=NOW)

    _, survivor = await asyncio.gather(finality.finalize(order_id, at=FINAL_AT), db.retrying(merge))
    assert survivor is not None
    assert await spendable(survivor, now=FINAL_AT) == 100
    assert await growth_of(survivor) == (1000, 0)
    assert await final_at(order_id) == (FINAL_AT, FINAL_AT)
    await assert_books_agree()
