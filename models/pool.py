"""Borrowing from asyncpg's pool and giving back, at once where nothing has to be waited for.

asyncpg gives a connection back in a task of its own, lest a cancellation keep it from coming back,
and whoever gave it waits a turn of the loop for that: together with borrowing as dear as a short
statement. A connection that needs nothing done, as nearly all, is put back by the same steps
without a pause, and nothing can be cancelled in between. Any other one is left to asyncpg.

Who waits for a connection gets one before who comes later. asyncpg wakes the first of those who
wait, but whoever is running at that moment may take the connection, and the first is then the last.
"""

# ruff: noqa: SLF001 (asyncpg offers no public way to give back without a task)

from __future__ import annotations

import asyncio

import asyncpg


class _Line:
    """Who may borrow from a pool next: as many at once as it has places, in order of arrival."""

    __slots__ = ("lent", "pool", "turns")

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.turns = asyncio.Semaphore(pool.get_max_size())
        self.lent: set[asyncpg.Connection] = set()


_line: _Line | None = None


def _line_of(pool: asyncpg.Pool) -> _Line:
    global _line  # noqa: PLW0603 (a process has one pool)
    if _line is None or _line.pool is not pool:
        _line = _Line(pool)
    return _line


def has_free(pool: asyncpg.Pool) -> bool:
    """Tell whether `borrow` would not wait for others."""
    return not (_line_of(pool).turns.locked() or pool._queue.empty())


async def borrow(pool: asyncpg.Pool) -> asyncpg.Connection:
    """Return a connection of the pool; without a pause if one is free and connected."""
    if pool._closing:
        return await pool.acquire()  # It says so.
    line = _line_of(pool)
    await line.turns.acquire()
    try:
        connection = await _next(pool)
    except BaseException:
        line.turns.release()
        raise
    line.lent.add(connection)
    return connection


async def _next(pool: asyncpg.Pool) -> asyncpg.Connection:
    if pool._closing or pool._queue.empty():
        return await pool.acquire()
    holder = pool._queue.get_nowait()
    try:
        return await holder.acquire()
    except BaseException:
        pool._queue.put_nowait(holder)
        pool._schedule_min_size_maintenance()
        raise


async def give_back(pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    """Give back what `borrow` returned; once more does nothing."""
    line = _line_of(pool)
    try:
        await _put_back(pool, connection)
    finally:
        if connection in line.lent:
            line.lent.discard(connection)
            line.turns.release()


async def _put_back(pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    if not _needs_nothing(connection):
        await pool.release(connection)
        return
    holder = connection._holder
    connection._con._on_release()
    holder._release()
    holder._setup_inactive_callback()


def _needs_nothing(connection: asyncpg.Connection) -> bool:
    """Tell whether a borrowed connection may be lent again as it is.

    `Pool.release` would close it, wait for a statement that is being cancelled, forget listeners,
    or end a transaction that was left open. The pool's own `reset` does nothing here: see
    `database.connect`.
    """
    inner = connection._con
    if inner is None or inner.is_closed():
        return False
    holder, protocol = connection._holder, inner._protocol
    return not (
        protocol.is_in_transaction()
        or protocol._is_cancelling()
        or protocol.queries_count >= holder._max_queries
        or holder._generation != holder._pool._generation
        or inner._top_xact is not None
        or inner._listeners
        or inner._log_listeners
    )
