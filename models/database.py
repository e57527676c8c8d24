"""The one door to PostgreSQL: Tortoise's pool, statements by SQL, transactions and their retry.

Cold code uses the models; hot paths use `fetch` and its kin, which give asyncpg records and cost a
tenth of model instances. Both run on the same pool and, inside `in_transaction`, on one connection.
"""

from __future__ import annotations

import random
from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import orjson
from tortoise import Tortoise
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.transactions import in_transaction as _savepoint

from models import connections
from models.connections import DatabaseBusy, Reading, Statement, Transaction
from models.tables import MODULES

T = TypeVar("T")
APP = "models"
LOCK_WAITS = 2
"""How often a transaction waits for the same lock: each wait is long, and a client waits too."""

ATTEMPTS = 5
"""How often `retrying` runs a transaction in all."""


def tortoise_config(database_url: str, **credentials: Any) -> dict[str, Any]:
    """Return Tortoise's configuration for a PostgreSQL URL; `credentials` go to asyncpg.

    `sslmode` in the URL, which Tortoise's backend stumbles over, becomes asyncpg's `ssl`.
    """
    parts = urlsplit(database_url)
    query = dict(parse_qsl(parts.query))
    if ssl_mode := query.pop("sslmode", None):
        credentials["ssl"] = ssl_mode
    if socket_folder := query.pop("host", None):
        credentials["host"] = socket_folder
    url = urlunsplit(parts._replace(scheme="asyncpg", query=urlencode(query)))
    connection = _connection_settings(url, credentials)
    return {
        "connections": {"default": connection},
        "apps": {
            APP: {
                "models": list(MODULES),
                "migrations": "migrations",
                "default_connection": "default",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _connection_settings(url: str, credentials: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = expand_db_url(url)
    settings["credentials"].update(credentials)
    return settings


def dsn(database_url: str) -> dict[str, Any]:
    """Return asyncpg's arguments for a connection of one's own, outside the pool."""
    credentials: dict[str, Any] = tortoise_config(database_url)["connections"]["default"][
        "credentials"
    ]
    return {name: value for name, value in credentials.items() if value is not None}


async def connect(
    database_url: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    statement_timeout_seconds: float = 10,
    lock_timeout_seconds: float = 4,
    connect_timeout_seconds: float = 10,
    pool_timeout_seconds: float = 12,
    application_name: str = "membermall",
    reuse_plans: bool = False,
    waits_for_disk: bool = True,
    on_statement: Callable[[str], None] | None = None,
) -> None:
    """Open the pool. `on_statement` hears every statement's text: for tests and benchmarks.

    Who finds no free connection waits `pool_timeout_seconds`, connecting included.

    With `reuse_plans` a connection plans each statement once, for any values, but for those of
    `fetch_planned`. PostgreSQL by itself would plan most reads by a list of ids anew each time,
    since it takes the unknown list for longer, and planning seven joins takes ten times as long as
    running them. It is for processes that read by keys all day, not for work on whole tables.

    Without `waits_for_disk` a crash of PostgreSQL's machine may undo the last second's
    transactions, the last ones first: for imports, which are simply run again.
    """

    async def prepare(connection: asyncpg.Connection) -> None:
        for type_name, codec in _JSON_CODECS.items():
            await connection.set_type_codec(
                type_name, schema="pg_catalog", format="binary", **codec
            )
        if on_statement is not None:
            connection.add_query_logger(lambda logged: on_statement(logged.query))

    config = tortoise_config(
        database_url,
        minsize=min_size,
        maxsize=max_size,
        timeout=connect_timeout_seconds,
        init=prepare,
        reset=_keep,
        server_settings={
            "application_name": application_name,
            "statement_timeout": str(int(statement_timeout_seconds * 1000)),
            "lock_timeout": str(int(lock_timeout_seconds * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            # Our statements are short: compiling them or starting workers costs more than it saves.
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
            "plan_cache_mode": "force_generic_plan" if reuse_plans else "auto",
            "synchronous_commit": "on" if waits_for_disk else "off",
        },
    )
    connections.patience_seconds = pool_timeout_seconds
    await Tortoise.init(config=config, _enable_global_fallback=True)


async def _keep(connection: asyncpg.Connection) -> None:
    """Leave a returned connection as it is.

    We set nothing for a session and take no session locks, so the usual reset would only cost a
    round trip each time. asyncpg itself rolls back what was left open.
    """


def _json_bytes(value: Any) -> bytes:
    """Encode as JSON; text is taken as JSON already, which is how Tortoise hands it over."""
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


_JSONB_VERSION = b"\x01"
"""Before the text of a jsonb in PostgreSQL's binary format (jsonb_send, jsonb_recv)."""

_JSON_CODECS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "json": {"encoder": _json_bytes, "decoder": orjson.loads},
    "jsonb": {
        "encoder": lambda value: _JSONB_VERSION + _json_bytes(value),
        "decoder": lambda data: orjson.loads(data[1:]),
    },
}
"""Bytes are parsed as they come: no text is made of them in between."""


def to_json(value: Any) -> str:
    """Return the JSON text to pass for a jsonb parameter."""
    return orjson.dumps(value).decode()


async def close() -> None:
    """Close the pool."""
    await Tortoise.close_connections()


def reading() -> AbstractAsyncContextManager[None]:
    """Have the block's reads share one connection: for a query, and nothing slow within it."""
    return Reading()


async def fetch(sql: str, *args: Any) -> list[asyncpg.Record]:
    """Run one statement and return its rows."""
    async with Statement() as connection:
        rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
        return rows


async def fetch_planned(sql: str, *args: Any) -> list[asyncpg.Record]:
    """Run one read and return its rows, planned for these very values.

    For searches, ranges and lists over a whole table: which index serves them best depends on what
    is asked. Outside a transaction.
    """
    assert not connections.is_in_transaction(), "it sets its own transaction's planning"
    async with Statement() as connection:
        await connection.execute("BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan")
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *args)
        except BaseException:
            if not connections.is_gone(connection):
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")
        return rows


async def fetch_one(sql: str, *args: Any) -> asyncpg.Record | None:
    """Run one statement and return its first row, or None."""
    async with Statement() as connection:
        row: asyncpg.Record | None = await connection.fetchrow(sql, *args)
        return row


async def fetch_value(sql: str, *args: Any) -> Any:
    """Run one statement and return the first column of its first row, or None."""
    async with Statement() as connection:
        return await connection.fetchval(sql, *args)


async def execute(sql: str, *args: Any) -> int:
    """Run one statement and return how many rows it touched."""
    async with Statement() as connection:
        status: str = await connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


async def copy_rows(table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Load many rows by COPY; inside a transaction it is part of it."""
    async with Statement() as connection:
        await connection.copy_records_to_table(table, columns=columns, records=rows)


@asynccontextmanager
async def in_transaction() -> AsyncIterator[None]:
    """Run the block as one transaction; inside another one it is simply part of that."""
    if connections.is_in_transaction():
        yield
        return
    async with Transaction():
        yield


def at_commit(sql: str) -> None:
    """Have the round trip that commits the open transaction run a statement before.

    For a row that everybody waits for: no round trip of ours passes while its lock is held. The
    statement has no values, so only numbers and ids are written into it. What PostgreSQL refuses
    undoes the transaction and is raised where its block ends.
    """
    connections.add_last_words(sql)


@asynccontextmanager
async def snapshot() -> AsyncIterator[None]:
    """Run the block's reads on one snapshot of the database; it may not write."""
    assert not connections.is_in_transaction(), "a snapshot begins a transaction"
    async with Transaction():
        await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await execute("SET LOCAL statement_timeout = 0")
        yield


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """Run the block as a part that can fail alone; must be inside a transaction."""
    assert connections.is_in_transaction(), "a savepoint belongs to a transaction"
    async with _savepoint("default"):
        yield


async def retrying(work: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction, again if it met a deadlock or waited too long for a lock.

    Bounded, with a growing random pause. Inside a transaction nothing can be tried again, so the
    failure goes to the outermost caller.

    Raises:
        DatabaseBusy: it met the same every time, or PostgreSQL can't be reached.
    """
    if connections.is_in_transaction():
        return await work()
    waits = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await work()
        except DatabaseBusy as busy:
            waits += isinstance(busy.__cause__, asyncpg.LockNotAvailableError)
            if not busy.may_be_retried or attempt == ATTEMPTS or waits == LOCK_WAITS:
                raise
            await sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 (no secret)
    raise AssertionError("unreachable")
