"""What the round trip that commits runs before: it is part of the transaction, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import database as db
from models.connections import DatabaseBusy
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database", "shelf")

MORE_THAN_THE_POOL_HAS = 25
TAKE = "UPDATE shelf SET pieces = pieces - 1"


@pytest.fixture
async def shelf(database: str) -> AsyncIterator[None]:
    """A table with one row: a piece is left."""
    await db.execute("CREATE TABLE shelf (pieces int CHECK (pieces >= 0))")
    await db.execute("INSERT INTO shelf VALUES (1)")
    yield
    await db.execute("DROP TABLE shelf")


async def pieces() -> list[int]:
    return [row["pieces"] for row in await db.fetch("SELECT pieces FROM shelf ORDER BY pieces")]


async def transact(first: str, last: str) -> None:
    async with db.in_transaction():
        db.at_commit(last)
        await db.execute(first)


async def test_it_is_committed_with_what_came_before(statements: StatementLog) -> None:
    async with statements.record() as heard:
        await transact("INSERT INTO shelf VALUES (7)", TAKE)
    assert heard == ["INSERT INTO shelf VALUES (7)", f"{TAKE}; COMMIT"]
    assert await pieces() == [0, 6]


async def test_several_run_in_their_order_at_the_outermost_end() -> None:
    async with db.in_transaction():
        async with db.in_transaction():
            db.at_commit("UPDATE shelf SET pieces = pieces + 1")
        db.at_commit("UPDATE shelf SET pieces = pieces * 10")
        assert await pieces() == [1]
    assert await pieces() == [20]


async def test_what_is_refused_undoes_the_transaction_and_costs_no_connection() -> None:
    for _ in range(MORE_THAN_THE_POOL_HAS):
        with pytest.raises(asyncpg.CheckViolationError):
            await transact("INSERT INTO shelf VALUES (0)", TAKE)
    assert await pieces() == [1]


async def test_nothing_runs_after_a_failure() -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await transact("SELECT 1 / 0", TAKE)
    assert await pieces() == [1]


async def test_a_lost_connection_is_told_as_busy() -> None:
    with pytest.raises(DatabaseBusy):
        await transact(TAKE, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert await pieces() == [1]


async def test_a_deadlock_is_tried_again() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        async with db.in_transaction():
            if tries == 1:
                db.at_commit("DO $$ BEGIN RAISE deadlock_detected; END $$")
            db.at_commit(TAKE)

    await db.retrying(work)
    assert (tries, await pieces()) == (2, [0])


async def test_it_belongs_to_a_transaction() -> None:
    with pytest.raises(AssertionError):
        db.at_commit(TAKE)
