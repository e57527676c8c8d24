"""PostgreSQL's connections lost, locks held, the pool used up: told as BUSY, and nothing leaks."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import psycopg
import pytest

from domain.errors import Busy, ErrorCode
from models import database as db
from models.connections import DatabaseBusy

pytestmark = pytest.mark.usefixtures("database")

THE_POOL_HAS = 20
MORE_THAN_THE_POOL_HAS = 25


@pytest.fixture
def killer(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection that works while our loop stands still, so that the loop notices nothing."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def rival(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else at the database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def cut_all(killer: psycopg.Connection) -> None:
    """End every connection of the pool."""
    killer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'membermall' AND datname = current_database()"
    )


async def test_a_begin_on_a_lost_connection_takes_nothing_from_the_pool(
    killer: psycopg.Connection,
) -> None:
    for _ in range(MORE_THAN_THE_POOL_HAS):
        assert await db.fetch_value("SELECT 1") == 1
        cut_all(killer)
        with pytest.raises(DatabaseBusy):
            async with db.in_transaction():
                raise AssertionError("there was no connection to begin on")
    async with asyncio.timeout(5):
        assert await db.fetch_value("SELECT 1") == 1


async def test_a_connection_lost_in_a_transaction_is_busy_and_undone(
    killer: psycopg.Connection,
) -> None:
    async def work() -> None:
        async with db.in_transaction():
            await db.execute(
                "INSERT INTO import_run VALUES (gen_random_uuid(), 'x', 'y', 0, NULL, now())"
            )
            cut_all(killer)
            await db.execute("SELECT 1")

    for _ in range(3):
        with pytest.raises(DatabaseBusy):
            await work()
    async with asyncio.timeout(5):
        assert await db.fetch_value("SELECT count(*) FROM import_run") == 0


async def test_a_connection_lost_at_the_commit_is_busy(killer: psycopg.Connection) -> None:
    async def work() -> None:
        async with db.in_transaction():
            await db.execute("SELECT 1")
            cut_all(killer)

    with pytest.raises(DatabaseBusy):
        await work()
    assert await db.fetch_value("SELECT 1") == 1


async def test_a_connection_lost_under_a_statement_is_busy(killer: psycopg.Connection) -> None:
    await db.fetch_value("SELECT 1")
    cut_all(killer)
    with pytest.raises(DatabaseBusy) as told:
        await db.fetch("SELECT 1")
    assert (told.value.code, told.value.retry_after_seconds) == (ErrorCode.BUSY, 2)
    await db.fetch_value("SELECT 1")
    cut_all(killer)
    with pytest.raises(DatabaseBusy):
        await db.fetch_planned("SELECT 1")
    assert await db.fetch_planned("SELECT 1 AS one") == [(1,)]


async def test_an_error_of_ours_is_not_busy() -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.execute("SELECT 1 FROM nothing")
    with pytest.raises(asyncpg.InterfaceError, match="expects 0 arguments"):
        await db.fetch("SELECT 1", 1)
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.in_transaction():
            await db.execute(
                "INSERT INTO rule_version VALUES (gen_random_uuid(), 0, '{}', now(), now())"
            )


async def test_a_statement_that_takes_too_long_is_busy() -> None:
    async def work() -> None:
        async with db.in_transaction():
            await db.execute("SET LOCAL statement_timeout = 10")
            await db.execute("SELECT pg_sleep(10)")

    with pytest.raises(DatabaseBusy):
        await work()


async def test_a_lock_that_stays_held_is_busy_after_two_waits(rival: asyncpg.Connection) -> None:
    tried = 0

    async def work() -> None:
        nonlocal tried
        tried += 1
        async with db.in_transaction():
            await db.execute("SET LOCAL lock_timeout = 10")
            await db.execute("SELECT pg_advisory_xact_lock(4711)")

    await rival.execute("SELECT pg_advisory_lock(4711)")
    with pytest.raises(Busy):
        await db.retrying(work)
    assert tried == 2
    await rival.execute("SELECT pg_advisory_unlock(4711)")
    await db.retrying(work)


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_what_another_order_of_things_mends_is_tried_five_times(state: str) -> None:
    tried = 0

    async def work() -> int:
        nonlocal tried
        tried += 1
        async with db.in_transaction():
            if tried < 5:
                await db.execute(f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{state}'; END $$")
        return tried

    assert await db.retrying(work) == 5
    tried = -5
    with pytest.raises(DatabaseBusy):
        await db.retrying(work)
    assert tried == 0


async def test_who_waits_too_long_for_a_connection_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave, everybody_holds = asyncio.Event(), asyncio.Event()
    holding = 0

    async def hold() -> None:
        nonlocal holding
        async with db.in_transaction():
            holding += 1
            if holding == THE_POOL_HAS:
                everybody_holds.set()
            await leave.wait()

    async with asyncio.TaskGroup() as holders:
        for _ in range(THE_POOL_HAS):
            holders.create_task(hold())
        await everybody_holds.wait()
        monkeypatch.setattr("models.connections.patience_seconds", 0.01)
        with pytest.raises(DatabaseBusy):
            await db.fetch_value("SELECT 1")
        with pytest.raises(DatabaseBusy):
            await hold()
        leave.set()
    assert await db.fetch_value("SELECT 1") == 1
