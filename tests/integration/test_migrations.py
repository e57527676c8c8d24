"""Migrations: once each, however many processes ask, and never behind the models."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from cli.migrations import apply_migrations, pending_changes

_BLANK = "blank"
_FOLDER = Path(__file__).resolve().parents[2] / "migrations"
_EVERY = sorted(path.stem for path in _FOLDER.glob("[0-9]*.py"))


@pytest.fixture
async def blank(database_url: str, worker: str) -> AsyncIterator[str]:
    """The URL of a database without any tables."""
    name = f"{_BLANK}_{worker}"
    server = await asyncpg.connect(database_url)
    await server.execute(f"DROP DATABASE IF EXISTS {name}")
    await server.execute(f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_three_at_once_apply_each_migration_once(blank: str) -> None:
    answers = await asyncio.gather(*(apply_migrations(blank) for _ in range(3)))
    assert sorted(answers, key=len) == [[], [], _EVERY]
    assert await apply_migrations(blank) == []


async def test_models_and_migrations_agree() -> None:
    assert await pending_changes() == []
