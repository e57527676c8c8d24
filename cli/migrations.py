"""Brings the database to the newest migration, one process at a time, and tells when models have
drifted.
"""

from pathlib import Path

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.migrations.api import migrate
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.writer import MigrationWriter, format_migration_name

from models.database import APP, dsn, tortoise_config

_LOCK_KEY = 0x6D_61_6C_6C  # "mall". Tortoise's migrate takes no lock: of three at once, two fail.
_LOCK_TIMEOUT = "5s"  # A migration that waits for a table makes every later query wait behind it.


async def apply_migrations(database_url: str) -> list[str]:
    """Apply what is missing and return the names of what was applied.

    Wait while another process does the same.
    """
    config = tortoise_config(database_url, server_settings={"lock_timeout": _LOCK_TIMEOUT})
    waiting = await asyncpg.connect(**dsn(database_url))
    applied: list[str] = []

    def note(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    try:
        await waiting.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        async with TortoiseContext():
            await migrate(config=config, direction="forward", progress=note)
    finally:
        await waiting.close()  # And the lock with it.
    return applied


async def pending_changes() -> list[MigrationWriter]:
    """Return the migrations that the models ask for; none when models and migrations agree.

    Reads the code alone and asks no database.
    """
    config = tortoise_config("postgresql://nowhere/none")
    async with TortoiseContext() as context:
        await context.init(config=config, init_connections=False)
        assert context.apps is not None  # `init` has just set them.
        return await MigrationAutodetector(context.apps, {APP: config["apps"][APP]}).changes()


def write_migration(change: MigrationWriter, name: str) -> Path:
    """Write one migration under its number and `name`; return the file."""
    number = int(change.name.split("_", 1)[0])
    change.name = format_migration_name(number, name)
    return Path(change.write())
