"""Borrowing from asyncpg's pool and giving back, at once where nothing has to be waited for.

asyncpg gives a connection back in a task of its own, lest a cancellation keep it from coming back,
and whoever gave it waits a turn of the loop for that: together with borrowing as dear as a short
statement. A connection that needs nothing done, as nearly all, is put back by the same steps
without a pause, and nothing can be cancelled in between. Any other one is left to asyncpg.
"""

# ruff: noqa: SLF001 (asyncpg offers no public way to give back without a task)

from __future__ import annotations

import asyncpg


async def borrow(pool: asyncpg.Pool) -> asyncpg.Connection:
    """Return a connection of the pool; without a pause if one is free and connected."""
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
