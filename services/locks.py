"""Locks on names: for what has no row to lock yet, such as an openid that nobody has used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models import connections, database


async def hold(*names: str) -> None:
    """Hold the locks on these names until the transaction ends, taken in one fixed order."""
    await database.execute(
        """
        SELECT pg_advisory_xact_lock(wanted.key)
        FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS key
            FROM unnest($1::text[]) AS name
            ORDER BY key
        ) AS wanted
        """,
        list(names),
    )


@asynccontextmanager
async def held(name: str) -> AsyncIterator[None]:
    """Hold the lock on a name while the block runs transactions of its own.

    A transaction of another task holds it: the block should be shorter than the minute for which
    one may idle. Who loses that connection has lost the lock, so the work must be safe without.
    """
    assert not connections.is_in_transaction(), "a transaction holds a lock by itself"
    got, done = asyncio.Event(), asyncio.Event()

    async def holder() -> None:
        async with database.in_transaction():
            await hold(name)
            got.set()
            await done.wait()

    holding = asyncio.create_task(holder())
    waiting = asyncio.create_task(got.wait())
    try:
        await asyncio.wait({holding, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not got.is_set():
            await holding  # It tells why.
        yield
    finally:
        done.set()
        waiting.cancel()
        await holding


class LockTaken(Exception):
    """Somebody else holds the lock for the length of their work."""


@asynccontextmanager
async def held_throughout(name: str) -> AsyncIterator[None]:
    """Hold the lock on a name through many transactions, on a connection of its own.

    Raises:
        LockTaken: somebody else does.
    """
    async with connections.Statement() as connection:
        key = await connection.fetchval("SELECT hashtextextended($1, 0)", name)
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
            raise LockTaken(name)
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", key)


async def is_free(name: str) -> bool:
    """Tell whether nobody holds the lock on a name at this moment."""
    free: bool = await database.fetch_value(
        "SELECT pg_try_advisory_xact_lock_shared(hashtextextended($1, 0))", name
    )
    return free
