"""The book on real PostgreSQL: balanced, once per source, append-only, never overdrawn."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from models import database as db
from models.ids import new_id
from services import ledger, points
from services.ledger import InsufficientBalance
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)


async def held(member_id: UUID) -> dict[AccountKind, int]:
    balances = (await ledger.balances([member_id]))[member_id]
    return {kind: balance for kind, balance in balances.items() if balance}


async def give(member_id: UUID, amount: int, *, days: int = 365) -> None:
    await points.grant(
        member_id,
        amount,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=NOW,
        expires_at=NOW + days * DAY,
    )


async def spend(member_id: UUID, amount: int, order_id: UUID) -> None:
    async def once() -> None:
        async with db.in_transaction():
            await points.spend(
                member_id,
                amount,
                reason=EntryReason.ORDER_DEDUCTION,
                source=(SourceKind.ORDER, order_id),
                now=NOW,
            )

    await db.retrying(once)


async def give_back(member_id: UUID, order_id: UUID, *, days: float = 0) -> int:
    async with db.in_transaction():
        return await points.give_back_all(
            member_id,
            spent_by=(SourceKind.ORDER, order_id),
            reason=EntryReason.ORDER_DEDUCTION_RETURNED,
            now=NOW + days * DAY,
        )


async def test_one_source_is_booked_once_however_often_it_comes() -> None:
    member_id, order_id = await a_member(), new_id()

    async def book() -> bool:
        async with db.in_transaction():
            return await points.book_pending(
                member_id,
                76,
                reason=EntryReason.ORDER,
                source=(SourceKind.ORDER, order_id),
                now=NOW,
            )

    outcomes = await asyncio.gather(*(book() for _ in range(20)))
    assert outcomes.count(True) == 1
    assert await held(member_id) == {AccountKind.PENDING: 76}
    await assert_books_agree()


async def test_rivals_cannot_overspend() -> None:
    member_id = await a_member(points=100)

    async def outcome() -> str:
        try:
            await spend(member_id, 30, new_id())
        except InsufficientBalance:
            return "INSUFFICIENT"
        return "OK"

    outcomes = await asyncio.gather(*(outcome() for _ in range(50)))
    assert outcomes.count("OK") == 3
    assert await held(member_id) == {AccountKind.SPENDABLE: 10}
    await assert_books_agree()


async def test_the_lot_that_expires_first_is_spent_first() -> None:
    member_id, order_id = await a_member(), new_id()
    await give(member_id, 50, days=20)
    await give(member_id, 50, days=10)
    await spend(member_id, 60, order_id)
    rows = await db.fetch("SELECT remaining FROM points_lot ORDER BY expires_at")
    assert [row["remaining"] for row in rows] == [0, 40]
    await assert_books_agree()


async def test_a_return_goes_back_into_its_lots_and_only_once() -> None:
    member_id, order_id = await a_member(), new_id()
    await give(member_id, 50, days=10)
    await give(member_id, 50, days=20)
    await spend(member_id, 60, order_id)
    assert await give_back(member_id, order_id) == 60
    assert await give_back(member_id, order_id) == 0
    rows = await db.fetch("SELECT remaining FROM points_lot ORDER BY expires_at")
    assert [row["remaining"] for row in rows] == [50, 50]
    await assert_books_agree()


async def test_a_lot_that_expired_meanwhile_comes_back_for_thirty_days() -> None:
    member_id, order_id = await a_member(), new_id()
    await give(member_id, 50, days=10)
    await give(member_id, 50, days=100)
    await spend(member_id, 60, order_id)
    assert await give_back(member_id, order_id, days=11) == 60
    rows = await db.fetch("SELECT remaining, expires_at FROM points_lot ORDER BY expires_at")
    assert [(row["remaining"], (row["expires_at"] - NOW).days) for row in rows] == [
        (0, 10),
        (50, 41),
        (50, 100),
    ]
    assert await points.spendable(member_id, now=NOW + 11 * DAY) == 100
    await assert_books_agree()


async def test_an_expired_lot_cannot_be_spent_whatever_a_job_did() -> None:
    member_id = await a_member()
    await give(member_id, 50, days=-1)
    assert await points.spendable(member_id, now=NOW) == 0
    with pytest.raises(InsufficientBalance):
        await spend(member_id, 1, new_id())


async def test_an_account_cannot_fall_below_zero() -> None:
    member_id = await a_member(points=10)
    posting = Posting(
        debit=member_account(member_id, AccountKind.SPENDABLE),
        credit=system_account(AccountKind.REDEEMED),
        amount=11,
    )
    with pytest.raises(InsufficientBalance):
        await ledger.post(
            [posting],
            unit=Unit.POINTS,
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=NOW,
        )
    assert await held(member_id) == {AccountKind.SPENDABLE: 10}


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_transaction"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET created_at = now()"])
async def test_what_is_written_stays(table: str, change: str) -> None:
    await a_member(points=10)
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.execute(change.format(table))
    await assert_books_agree()


async def test_transfers_both_ways_at_once_meet_no_deadlock() -> None:
    one, two = await a_member(points=1_000), await a_member(points=1_000)
    accounts = [member_account(member_id, AccountKind.SPENDABLE) for member_id in (one, two)]

    async def transfer(number: int) -> None:
        source, target = accounts if number % 2 else accounts[::-1]

        async def once() -> None:
            async with db.in_transaction():
                await ledger.post(
                    [Posting(debit=source, credit=target, amount=1)],
                    unit=Unit.POINTS,
                    reason=EntryReason.ADJUSTMENT,
                    source=(SourceKind.ADJUSTMENT, new_id()),
                    now=NOW,
                )

        await once()  # Without a retry: locks are taken in id order.

    await asyncio.gather(*(transfer(number) for number in range(60)))
    assert await held(one) == await held(two) == {AccountKind.SPENDABLE: 1_000}
