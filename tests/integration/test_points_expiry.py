"""Lots past their instant are written off: once, at their instant, whoever is in the way."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from domain.clock import start_of_business_day
from domain.ledger import AccountKind, EntryReason
from models import database as db
from services import ledger, points, points_expiry
from services.ledger import InsufficientBalance
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree
from tests.support.wallets import DAY, an_order, earn, held, left, spend

pytestmark = pytest.mark.usefixtures("database")

SPENDABLE = AccountKind.SPENDABLE


async def expiries(member_id: UUID) -> list[tuple[int, datetime]]:
    rows = await db.fetch(
        """
        SELECT entry.delta, entry.created_at FROM ledger_entry AS entry
        JOIN ledger_account AS account ON account.id = entry.account_id
        WHERE account.member_id = $1 AND entry.reason = 'EXPIRY' ORDER BY entry.seq
        """,
        member_id,
    )
    return [tuple(row) for row in rows]


async def test_what_has_ended_is_written_off_once_at_its_instant() -> None:
    member_id = await a_member()
    for amount, days in ((5, 1), (7, 2), (11, 2), (13, 3)):
        await earn(member_id, amount, days=days)
    await spend(member_id, 6)  # The 5, and 1 of the 7.
    as_of = NOW + 2 * DAY
    assert [await points_expiry.expire_due(as_of) for _ in range(2)] == [2, 0]
    assert await expiries(member_id) == [(-17, NOW + 2 * DAY)]
    assert await held(member_id) == {SPENDABLE: 13}
    assert await left(member_id) == [0, 0, 0, 13]
    await assert_books_agree()


async def test_a_lot_ends_at_its_instant_not_before() -> None:
    member_id = await a_member()
    await earn(member_id, 5, days=1)
    ends = NOW + DAY
    assert await points_expiry.expire_due(ends - timedelta(microseconds=1)) == 0
    assert await points_expiry.expire_due(ends) == 1
    assert await expiries(member_id) == [(-5, ends)]


async def test_days_missed_are_caught_up_as_if_they_had_run() -> None:
    member_ids = [await a_member() for _ in range(2)]
    for member_id in member_ids:
        for days in (1, 2, 4):
            await earn(member_id, 10 * days, days=days)
    await points_expiry.expire_due(NOW + 5 * DAY)
    want = [(-10, NOW + DAY), (-20, NOW + 2 * DAY), (-40, NOW + 4 * DAY)]
    assert [await expiries(member_id) for member_id in member_ids] == [want, want]
    await assert_books_agree()


async def test_a_lot_that_comes_later_with_the_same_end_is_written_off_too() -> None:
    member_id = await a_member()
    for amount in (5, 7):
        await earn(member_id, amount, days=1)
        assert await points_expiry.expire_due(NOW + 2 * DAY) == 1
    assert await expiries(member_id) == [(-5, NOW + DAY), (-7, NOW + DAY)]
    await assert_books_agree()


async def test_a_batch_is_bounded_and_the_next_goes_on() -> None:
    for _ in range(5):
        await earn(await a_member(), 10, days=1)
    written_off = [await points_expiry.expire_due(NOW + DAY, limit=2) for _ in range(4)]
    assert written_off == [2, 2, 1, 0]
    await assert_books_agree()


async def test_who_is_spending_is_left_for_the_next_batch() -> None:
    busy, free = await a_member(), await a_member()
    for member_id in (busy, free):
        await earn(member_id, 10, days=1)
    held_now, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.in_transaction():
            await ledger.lock_wallet(busy)
            held_now.set()
            await go_on.wait()

    holding = asyncio.create_task(hold())
    await held_now.wait()
    assert await points_expiry.expire_due(NOW + DAY) == 1
    assert (await held(busy), await held(free)) == ({SPENDABLE: 10}, {})
    waiting = asyncio.create_task(points_expiry.expire_due(NOW + DAY))
    await _until_somebody_waits()
    go_on.set()
    assert await waiting == 1  # With nobody else to see to, it waited.
    await holding
    await assert_books_agree()


async def _until_somebody_waits() -> None:
    waiting = 0
    while not waiting:
        waiting = await db.fetch_value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


async def test_a_batch_that_is_killed_has_written_nothing_and_is_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    member_ids = [await a_member() for _ in range(3)]
    for member_id in member_ids:
        await earn(member_id, 10, days=1)
    execute = db.execute

    async def killed(sql: str, *args: object) -> int:
        if "written_off_at" in sql:
            raise ZeroDivisionError
        return await execute(sql, *args)

    with monkeypatch.context() as patch:
        patch.setattr(db, "execute", killed)
        with pytest.raises(ZeroDivisionError):
            await points_expiry.expire_due(NOW + DAY)
    assert [await held(member_id) for member_id in member_ids] == [{SPENDABLE: 10}] * 3
    await assert_books_agree()
    assert [await points_expiry.expire_due(NOW + DAY) for _ in range(2)] == [3, 0]
    assert [await held(member_id) for member_id in member_ids] == [{}] * 3
    await assert_books_agree()


async def test_two_runs_at_once_write_off_once() -> None:
    member_ids = [await a_member() for _ in range(20)]
    for member_id in member_ids:
        await earn(member_id, 10, days=1)
    done = await asyncio.gather(*(points_expiry.expire_due(NOW + DAY, limit=5) for _ in range(12)))
    assert sum(done) <= 20
    while await points_expiry.expire_due(NOW + DAY):
        pass
    assert [await expiries(member_id) for member_id in member_ids] == [[(-10, NOW + DAY)]] * 20
    await assert_books_agree()


async def test_points_spent_while_expiring_are_spent_or_expire_never_both() -> None:
    member_ids = [await a_member() for _ in range(10)]
    for member_id in member_ids:
        await earn(member_id, 100, days=1)
    ends = NOW + DAY
    just_before = ends - timedelta(microseconds=1)

    async def spend_three_times(member_id: UUID) -> None:
        for _ in range(3):
            try:
                await spend(member_id, 30, now=just_before)
            except InsufficientBalance:
                return

    await asyncio.gather(
        *(spend_three_times(member_id) for member_id in member_ids),
        *(points_expiry.expire_due(ends, limit=3) for _ in range(6)),
    )
    while await points_expiry.expire_due(ends):
        pass
    for member_id in member_ids:
        spent = await db.fetch_value(
            "SELECT coalesce(sum(use.points), 0) FROM points_lot_use AS use"
            " JOIN points_lot AS lot ON lot.id = use.lot_id WHERE lot.member_id = $1",
            member_id,
        )
        expired = sum(-delta for delta, _ in await expiries(member_id))
        assert spent + expired == 100
        assert spent in (0, 30, 60, 90)
        assert await held(member_id) == {}
    await assert_books_agree()


async def told() -> list[tuple[UUID, int, str, datetime]]:
    rows = await db.fetch(
        "SELECT member_id, facts, created_at FROM message WHERE event = 'POINTS_EXPIRING'"
        " ORDER BY created_at, facts->>'points'"
    )
    return [
        (row["member_id"], row["facts"]["points"], row["facts"]["day"], row["created_at"])
        for row in rows
    ]


async def test_a_wallet_is_skipped_whole_or_not_at_all(database: str) -> None:
    """One who has a member's first account goes on to the others, and meets nobody there."""
    member_id, other_id = await a_member(), await a_member()
    for each in (member_id, other_id):
        await earn(each, 10, days=1)
    other = await asyncpg.connect(database)
    try:
        async with other.transaction():
            accounts = await other.fetch(
                "SELECT id FROM ledger_account WHERE member_id = $1 ORDER BY id", member_id
            )
            lock = "SELECT FROM ledger_account WHERE id = $1 FOR UPDATE NOWAIT"
            await other.execute(lock, accounts[0]["id"])
            async with db.in_transaction():
                locked = await ledger.lock_wallets([member_id, other_id], skip_locked=True)
                assert set(locked) == {other_id}
                for account in accounts[1:]:
                    await other.execute(lock, account["id"])
    finally:
        await other.close()


async def test_members_are_told_thirty_and_three_days_before_once_each() -> None:
    one, two = await a_member(), await a_member()
    midnight = start_of_business_day(date(2026, 12, 23))
    for member_id, amount, ends in (
        (one, 10, midnight),
        (one, 5, midnight - timedelta(hours=1)),  # The same last day.
        (one, 90, midnight + timedelta(microseconds=1)),  # A day later.
        (two, 7, midnight),
    ):
        await earn(member_id, amount, days=(ends - NOW) / DAY)
    await spend(two, 3)
    for day in range(22, 54):  # From 22 November on: the 23rd is thirty days before.
        as_of = start_of_business_day(date(2026, 11, 1) + timedelta(days=day - 1))
        while await points_expiry.remind_due(as_of, limit=1):
            pass
    thirty, three = date(2026, 11, 23), date(2026, 12, 20)
    assert await told() == [
        (one, 15, "2026-12-22", start_of_business_day(thirty)),
        (two, 4, "2026-12-22", start_of_business_day(thirty)),
        (one, 90, "2026-12-23", start_of_business_day(thirty + DAY)),
        (one, 15, "2026-12-22", start_of_business_day(three)),
        (two, 4, "2026-12-22", start_of_business_day(three)),
        (one, 90, "2026-12-23", start_of_business_day(three + DAY)),
    ]


async def test_a_source_is_the_same_for_one_member_and_instant() -> None:
    member_id = await a_member()
    one = points_expiry.source_of(member_id, NOW)
    assert one == points_expiry.source_of(member_id, NOW)
    assert one != points_expiry.source_of(member_id, NOW + DAY)
    assert one != points_expiry.source_of(await a_member(), NOW)


async def test_fifty_rivals_with_points_for_one_spend_once() -> None:
    member_id = await a_member(points=100)

    async def outcome() -> bool:
        try:
            await spend(member_id, 100)
        except InsufficientBalance:
            return False
        return True

    outcomes = await asyncio.gather(*(outcome() for _ in range(50)))
    assert outcomes.count(True) == 1
    assert await held(member_id) == {}
    await assert_books_agree()


async def test_one_source_is_granted_once_however_many_send_it() -> None:
    member_id, order = await a_member(), an_order()

    async def give() -> int:
        return await db.retrying(
            lambda: points.grant(member_id, 7, reason=EntryReason.ORDER, source=order, now=NOW)
        )

    outcomes = await asyncio.gather(*(give() for _ in range(30)))
    assert sorted(outcomes) == [0] * 29 + [7]
    assert await held(member_id) == {SPENDABLE: 7}
    await assert_books_agree()
