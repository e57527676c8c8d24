"""Connections that are borrowed and given back at once: asyncpg's pool must not notice."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from models.database import dsn
from models.pool import borrow, give_back

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool of one connection, so that the next to borrow gets what was given back."""
    made = await asyncpg.create_pool(**dsn(database_url), min_size=1, max_size=1, reset=_keep)
    yield made
    async with asyncio.timeout(5):
        await made.close()  # It waits for all that was borrowed.


async def _keep(_connection: asyncpg.Connection) -> None:
    """Leave a returned connection as it is, as `models.database` has it."""


async def backend(pool: asyncpg.Pool) -> int:
    """Return the process id of the server's side of the next connection, having used it."""
    async with asyncio.timeout(5):
        connection = await borrow(pool)
        found: int = await connection.fetchval("SELECT pg_backend_pid()")
        await give_back(pool, connection)
    return found


async def test_a_connection_comes_back_without_a_turn_of_the_loop(pool: asyncpg.Pool) -> None:
    first = await backend(pool)
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "turn")
    connection = await borrow(pool)
    await give_back(pool, connection)
    assert (turns, pool.get_idle_size()) == ([], 1)
    assert await backend(pool) == first


async def test_what_was_given_back_is_of_no_use_to_who_had_it(pool: asyncpg.Pool) -> None:
    connection = await borrow(pool)
    prepared = await connection.prepare("SELECT 1")
    await give_back(pool, connection)
    await give_back(pool, connection)  # Nothing happens.
    assert pool.get_idle_size() == 1
    with pytest.raises(asyncpg.InterfaceError, match="released back to the pool"):
        await connection.fetchval("SELECT 1")
    other = await borrow(pool)
    with pytest.raises(asyncpg.InterfaceError, match="released back to the pool"):
        await prepared.fetchval()
    await give_back(pool, other)


async def test_who_waits_is_served_when_one_comes_back(pool: asyncpg.Pool) -> None:
    connection = await borrow(pool)
    waiting = [asyncio.create_task(backend(pool)) for _ in range(3)]
    by_asyncpg = asyncio.create_task(pool.fetchval("SELECT pg_backend_pid()"))
    await asyncio.sleep(0)
    expected = await connection.fetchval("SELECT pg_backend_pid()")
    await give_back(pool, connection)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting, by_asyncpg) == [expected] * 4


async def test_who_waits_comes_before_who_borrows_again(pool: asyncpg.Pool) -> None:
    served: list[str] = []

    async def serve(name: str, times: int) -> None:
        for _ in range(times):
            connection = await borrow(pool)
            served.append(name)
            await connection.execute("SELECT 1")
            await give_back(pool, connection)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for name in ("one", "two", "three"):
            group.create_task(serve(name, 2))
    assert served == ["one", "two", "three"] * 2


async def test_who_gives_up_waiting_loses_nobody_their_turn(pool: asyncpg.Pool) -> None:
    connection = await borrow(pool)
    impatient, patient = (asyncio.create_task(backend(pool)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await give_back(pool, connection)
    async with asyncio.timeout(5):
        assert await patient == await backend(pool)


async def test_an_open_transaction_is_rolled_back(pool: asyncpg.Pool) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncpg tells of it.
    first = await backend(pool)
    connection = await borrow(pool)
    await connection.execute("BEGIN; CREATE TABLE left_open (id int)")
    await give_back(pool, connection)
    asyncio.get_running_loop().set_exception_handler(None)
    assert await backend(pool) == first
    assert await pool.fetchval("SELECT to_regclass('left_open')") is None


async def test_listeners_hear_nothing_more(pool: asyncpg.Pool) -> None:
    heard: list[object] = []
    connection = await borrow(pool)
    await connection.add_listener("news", lambda *news: heard.append(news))
    with pytest.warns(asyncpg.InterfaceWarning, match="1 active notification listener"):
        await give_back(pool, connection)
    await pool.execute("NOTIFY news")
    assert heard == []


async def test_a_statement_that_was_cancelled_has_ended_before_the_next(
    pool: asyncpg.Pool,
) -> None:
    first = await backend(pool)

    async def sleep_long(has_begun: asyncio.Event) -> None:
        connection = await borrow(pool)
        protocol = connection._con._protocol
        has_begun.set()
        try:
            # A cancel that overtakes its statement does nothing, and the statement runs to its end.
            await connection.execute("SELECT pg_sleep(2)")
        finally:
            await give_back(pool, connection)
            assert not protocol._is_cancelling()

    for _ in range(5):
        has_begun = asyncio.Event()
        sleeping = asyncio.create_task(sleep_long(has_begun))
        await has_begun.wait()
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await backend(pool) == first


async def test_a_connection_that_is_gone_is_made_anew(pool: asyncpg.Pool) -> None:
    first = await backend(pool)
    connection = await borrow(pool)
    connection.terminate()
    await give_back(pool, connection)
    second = await backend(pool)
    assert second != first
    assert pool.get_size() == 1


async def test_an_expired_connection_is_closed(pool: asyncpg.Pool) -> None:
    first = await backend(pool)
    connection = await borrow(pool)
    await pool.expire_connections()
    await give_back(pool, connection)
    second = await backend(pool)
    assert second != first
    await pool.expire_connections()  # This time while it is idle.
    assert await backend(pool) not in {first, second}


async def test_a_connection_is_used_so_often_and_no_longer(database_url: str) -> None:
    async with asyncpg.create_pool(
        **dsn(database_url), min_size=1, max_size=1, max_queries=10, reset=_keep
    ) as pool:
        found = [await backend(pool) for _ in range(25)]
    assert len(set(found)) > 1
    assert pool.get_size() == 0


async def test_an_idle_connection_is_closed_after_its_time(database_url: str) -> None:
    async with asyncpg.create_pool(
        **dsn(database_url),
        min_size=0,
        max_size=1,
        max_inactive_connection_lifetime=0.01,
        reset=_keep,
    ) as pool:
        has_ended = asyncio.Event()
        connection = await borrow(pool)
        connection.add_termination_listener(lambda _: has_ended.set())
        await give_back(pool, connection)
        async with asyncio.timeout(5):
            await has_ended.wait()
        assert pool.get_size() == 0


async def test_a_failed_connect_leaves_its_place_free(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncpg.create_pool(
        **dsn(database_url), min_size=0, max_size=1, reset=_keep
    ) as pool:

        async def fail() -> asyncpg.Connection:
            raise ConnectionRefusedError

        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Pool, "_get_new_connection", lambda _: fail())
            for _ in range(3):
                with pytest.raises(ConnectionRefusedError):
                    await borrow(pool)
        assert await backend(pool) > 0


async def test_a_pool_that_closes_lends_nothing(pool: asyncpg.Pool) -> None:
    connection = await borrow(pool)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(asyncpg.InterfaceError, match="pool is closing"):
        await borrow(pool)
    await give_back(pool, connection)
    async with asyncio.timeout(5):
        await closing
