"""A database for each test worker, cloned from a migrated template, emptied between tests.

The server is shared by every test run of this checkout and stops with the last of them. The
template is named after the migrations that made it, so it is made once and never stale.
"""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from cli.embedded import SharedServers, acquire, prepare_home
from cli.embedded.binaries import Choice
from cli.embedded.locks import FileLock
from cli.migrations import apply_migrations

PROJECT = Path(__file__).resolve().parents[2]
RESET_SQL = Path(__file__).with_name("reset.sql")
CHOICE_VARIABLE = "MALL_TEST_SERVERS"
"""auto (the default), wheels or machine: `.ci/run` proves the latter too, where there are any."""


@contextmanager
def worker_database(worker: str) -> Iterator[str]:
    """Yield the URL of a fresh database for one test worker; drop it afterwards."""
    choice = _choice()
    name = "tests" if choice == "auto" else f"tests-{choice}"
    home = prepare_home(PROJECT / ".mall" / name, fallback_is_temporary=True)
    with acquire(home, choice=choice, with_valkey=False, durable=False) as servers:
        database = f"test_{os.getpid()}_{worker}"
        one_at_a_time = FileLock(home.path / "template.lock")
        one_at_a_time.take()
        try:
            with _administer(servers) as connection:
                _drop_abandoned(connection)
                _clone(connection, _template(servers, connection), database)
        finally:
            one_at_a_time.release()
        try:
            yield _url(servers, database)
        finally:
            with _administer(servers) as connection:
                _drop(connection, database)


def _choice() -> Choice:
    match os.environ.get(CHOICE_VARIABLE, "auto"):
        case "auto" | "wheels" | "machine" as choice:
            return choice
        case other:
            raise ValueError(f"{CHOICE_VARIABLE}={other} is neither auto, wheels nor machine")


def _template(servers: SharedServers, connection: psycopg.Connection[tuple[str]]) -> str:
    """Return the name of the migrated template, making it unless it is there."""
    template = f"template_{_fingerprint()}"
    existing = _databases(connection, "template\\_%")
    if template in existing:
        return template
    for stale in existing:
        _drop(connection, stale)
    unfinished = f"unfinished_{template}"
    _drop(connection, unfinished)
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    url = _url(servers, unfinished)
    # In a thread of its own: the caller may be inside a running event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, apply_migrations(url)).result()
    with psycopg.connect(url, autocommit=True) as inside:
        inside.execute(RESET_SQL.read_bytes())
        inside.execute("SELECT testing.remember()")
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(template)))
    return template


def _fingerprint() -> str:
    sources = [
        *(PROJECT / "migrations").rglob("*.py"),
        *(PROJECT / "migrations").rglob("*.sql"),
        RESET_SQL,
    ]
    digest = sha256()
    for source in sorted(sources):
        digest.update(source.relative_to(PROJECT).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def _clone(connection: psycopg.Connection[tuple[str]], template: str, database: str) -> None:
    _drop(connection, database)
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    connection.execute(clone.format(sql.Identifier(database), sql.Identifier(template)))


def _drop_abandoned(connection: psycopg.Connection[tuple[str]]) -> None:
    """Drop the databases of runs that were killed."""
    for database in _databases(connection, "test\\_%"):
        if not _lives(int(database.split("_")[1])):
            _drop(connection, database)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _drop(connection: psycopg.Connection[tuple[str]], database: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )


def _databases(connection: psycopg.Connection[tuple[str]], pattern: str) -> list[str]:
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (pattern,))
    return [name for (name,) in rows.fetchall()]


@contextmanager
def _administer(servers: SharedServers) -> Iterator[psycopg.Connection[tuple[str]]]:
    with psycopg.connect(_url(servers, "postgres"), autocommit=True) as connection:
        yield connection


def _url(servers: SharedServers, database: str) -> str:
    return urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{database}"))
