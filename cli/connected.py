"""Running a command's work on the database of the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from cli.environment import running_settings

if TYPE_CHECKING:
    from settings import Settings

T = TypeVar("T")


def run_connected(name: str, work: Callable[[Settings], Awaitable[T]]) -> T:
    """Run work and return what it returns; PostgreSQL knows the connection as `membermall-name`."""
    with running_settings() as settings:
        return asyncio.run(_connected(name, settings, work))


async def _connected(name: str, settings: Settings, work: Callable[[Settings], Awaitable[T]]) -> T:
    from models import database

    await database.connect(settings.postgres_url, application_name=f"membermall-{name}")
    try:
        return await work(settings)
    finally:
        await database.close()
