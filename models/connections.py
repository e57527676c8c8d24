"""Borrowing connections of Tortoise's pool: none is lost, and every wait has an end.

Tortoise's own transaction keeps its connection for good when BEGIN fails, as it does on every
connection that PostgreSQL has cut and nobody has noticed yet: a restart would use the pool up.
What passes by itself (no connection, a lock or a statement that took too long) is told as
`DatabaseBusy`, here and nowhere else.
"""

# ruff: noqa: SLF001 (Tortoise offers no public way to begin a transaction on its pool otherwise)

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import asyncpg
from tortoise import connections
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContextPooled
from tortoise.connection import get_connections

from domain.errors import Busy
from models.pool import borrow, give_back, has_free

RETRY_AFTER_SECONDS = 2
RETRIED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
"""What is tried again: nothing was written, and the next try will find another order of things."""

_PASSING = (
    *RETRIED,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # A restart, a statement that took too long.
    asyncpg.InsufficientResourcesError,
    OSError,  # A TimeoutError is one too.
)

patience_seconds = 6.0
"""How long to wait for a free connection; `database.connect` sets it."""


class DatabaseBusy(Busy):
    """PostgreSQL can't do this right now, or fell silent while it did.

    A lost connection leaves open whether a transaction was committed: who repeats it under its
    idempotency key learns.
    """

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=RETRY_AFTER_SECONDS)

    @property
    def may_be_retried(self) -> bool:
        """Tell whether nothing was done and another try at once may succeed."""
        return isinstance(self.__cause__, RETRIED)


_transaction: ContextVar[_Wrapper | None] = ContextVar("transaction", default=None)
_client: AsyncpgDBClient | None = None


def is_in_transaction() -> bool:
    """Tell whether this task, or the one that began it, has a transaction open."""
    return _transaction.get() is not None


async def _pool_in_use() -> asyncpg.Pool:
    """Return the pool; opens it, if nobody has.

    Asking Tortoise for its client takes as long as borrowing a connection: it is remembered as long
    as its pool is open.
    """
    global _client  # noqa: PLW0603 (a process has one pool)
    client = _client
    if client is None or client._pool is None or not client._check_loop():
        _client = client = _pool_client()
        if client._pool is None:
            await _open(client)
    pool: asyncpg.Pool = client._pool
    return pool


def _pool_client() -> AsyncpgDBClient:
    """Return Tortoise's client of the pool; not for use in a transaction, which has its own."""
    client = connections.get("default")
    assert isinstance(client, AsyncpgDBClient)
    assert not isinstance(client, TransactionWrapper), "transactions don't nest"
    return client


async def _open(client: AsyncpgDBClient) -> None:
    try:
        async with asyncio.timeout(patience_seconds), client._pool_init_lock:
            if client._pool is None:
                await client.create_connection(with_db=True)
    except _PASSING as error:
        raise DatabaseBusy from error


class Reading:
    """One connection for all reads of a block: borrowed at the first, given back at the end.

    Borrowing costs more than a short statement does. While one task uses the connection, another
    one of the same block borrows its own. Not around anything slow: the connection is kept.
    """

    __slots__ = ("_pool", "_token", "connection", "is_busy")

    def __init__(self) -> None:
        self.connection: asyncpg.Connection | None = None
        self.is_busy = False

    async def __aenter__(self) -> None:
        """Begin the block."""
        self._token = _reading.set(self)

    async def __aexit__(self, *_: object) -> None:
        """Give the connection back, if there was a read."""
        _reading.reset(self._token)
        await self.give_back()

    async def borrow(self) -> asyncpg.Connection:
        """Borrow the block's connection and return it: for the first read."""
        self._pool = await _pool_in_use()
        self.connection = await _borrowed(self._pool)
        return self.connection

    async def give_back(self) -> None:
        """Give the connection back to the pool."""
        if self.connection is not None:
            connection, self.connection = self.connection, None
            await give_back(self._pool, connection)


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


class Statement:
    """A connection for a statement or two: the open transaction's, the block's, or the pool's."""

    __slots__ = ("_connection", "_lock", "_pool", "_reading")

    async def __aenter__(self) -> asyncpg.Connection:
        """Return the connection; waits for a free one, but not for ever."""
        reading = _reading.get()
        if reading is not None and not reading.is_busy:
            reading.is_busy = True
            self._reading: Reading | None = reading
            try:
                self._connection: asyncpg.Connection = reading.connection or await reading.borrow()
            except BaseException:
                reading.is_busy = False
                raise
            return self._connection
        self._reading = None
        transaction = _transaction.get()
        if transaction is not None:
            self._pool: asyncpg.Pool | None = None
            self._lock: asyncio.Lock = transaction._lock
            await self._lock.acquire()
            self._connection = transaction._connection
        else:
            self._pool = await _pool_in_use()
            self._connection = await _borrowed(self._pool)
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the connection back."""
        passes = error is not None and _passes(error, self._connection)
        if self._reading is not None:
            self._reading.is_busy = False
            if error is not None:
                await self._reading.give_back()
        elif self._pool is not None:
            await give_back(self._pool, self._connection)
        else:
            self._lock.release()
        if passes:
            raise DatabaseBusy from error


class _Wrapper(TransactionWrapper):
    """Tortoise's transaction, and what the round trip that commits it runs before."""

    last_words = ""


def add_last_words(sql: str) -> None:
    """Have the round trip that commits the open transaction run a statement before."""
    wrapper = _transaction.get()
    assert wrapper is not None, "last words belong to a transaction"
    wrapper.last_words += f"{sql}; "


class Transaction(TransactionContextPooled):
    """A transaction on a connection of the pool, which goes back whatever happens."""

    __slots__ = ("_before", "_read_before", "_wrapper")

    def __init__(self) -> None:
        client = _pool_client()
        self._wrapper = _Wrapper(client)
        super().__init__(self._wrapper, client._pool_init_lock)

    async def __aenter__(self) -> Any:
        """Begin it."""
        await self.ensure_connection()
        connection = await _borrowed(self._pool)
        self.client._connection = connection
        self.token = get_connections().set(self.connection_name, self.client)
        self._read_before = _reading.set(None)
        self._before = _transaction.set(self._wrapper)
        try:
            await self.client.begin()
        except BaseException as error:
            passes = _passes(error, connection)
            await self._end()
            if passes:
                raise DatabaseBusy from error
            raise
        return self.client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit it, or roll it back after an error."""
        try:
            await (self._commit() if error is None else self.client.rollback())
        except Exception as failure:
            if _passes(failure, self.client._connection):
                raise DatabaseBusy from failure
            raise
        finally:
            await self._end()

    async def _commit(self) -> None:
        if not self._wrapper.last_words:
            await self.client.commit()
            return
        connection = self.client._connection
        try:
            # Without values asyncpg sends the text as it is, and PostgreSQL runs all of it at once.
            await connection.execute(f"{self._wrapper.last_words}COMMIT")
        except Exception:
            if not is_gone(connection):
                await self.client.rollback()
            raise
        connection._con._top_xact = None  # As asyncpg's own commit does.

    async def _end(self) -> None:
        get_connections().reset(self.token)
        _reading.reset(self._read_before)
        _transaction.reset(self._before)
        await give_back(self._pool, self.client._connection)

    @property
    def _pool(self) -> Any:
        return self.client._parent._pool


async def _borrowed(pool: asyncpg.Pool) -> asyncpg.Connection:
    """Return a connection of the pool; waits for a free one, but not for ever.

    A place that is free has its connection at once, or makes one in asyncpg's own time limit: a
    limit of ours costs as much as a short statement, and is for the wait alone.
    """
    try:
        if has_free(pool):
            return await borrow(pool)
        async with asyncio.timeout(patience_seconds):
            return await borrow(pool)
    except _PASSING as error:
        raise DatabaseBusy from error


def _passes(error: BaseException, connection: asyncpg.Connection) -> bool:
    """Tell whether an error is PostgreSQL's state rather than our mistake."""
    if not isinstance(error, Exception) or isinstance(error, Busy):
        return False
    # On a connection that is gone, asyncpg reports what it was about to do instead of why.
    return isinstance(error, _PASSING) or is_gone(connection)


def is_gone(connection: asyncpg.Connection) -> bool:
    """Tell whether a borrowed connection was closed."""
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # The pool took it back the moment it closed.
    return closed
