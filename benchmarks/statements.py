"""How many SQL statements an operation takes, as PostgreSQL's own log of the running server tells.

BEGIN, COMMIT and their kin are not counted; what a process asks on its own, once a second or so, is
left out by taking the median over several operations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.machine import Machine
from models.database import dsn

_LOGGED = re.compile(
    r"^\S+ \S+ \S+ \[(?P<pid>\d+)\] \S* LOG:  (?:execute \S+|statement): (?P<text>.*)", re.MULTILINE
)
_BRACKETS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ", "START ")
_OF_THE_DRIVER = ("WITH RECURSIVE typeinfo_tree", "SELECT pg_catalog.set_config", "LISTEN ")


@dataclass(slots=True)
class StatementLog:
    """Reads what was logged since the last look."""

    file: Path
    connection: asyncpg.Connection
    read_to: int = 0

    def skip(self) -> None:
        """Leave out everything so far."""
        self.read_to = self.file.stat().st_size

    async def count(self) -> Counter[str]:
        """Return how many statements each part has run since the last look."""
        texts = await self.texts()
        return Counter({part: len(found) for part, found in texts.items()})

    async def texts(self) -> dict[str, list[str]]:
        """Return the statements themselves, by part: what a pool calls itself."""
        with self.file.open("rb") as log:
            log.seek(self.read_to)
            written = log.read().decode("utf-8", "replace")
        self.skip()
        rows = await self.connection.fetch("SELECT pid, application_name FROM pg_stat_activity")
        parts = {row["pid"]: row["application_name"] or "" for row in rows}
        found: dict[str, list[str]] = {}
        for entry in _LOGGED.finditer(written):
            text = entry["text"].strip()
            if text.upper().startswith(_BRACKETS) or text.startswith(_OF_THE_DRIVER):
                continue
            part = parts.get(int(entry["pid"]), "").removeprefix("membermall-")
            found.setdefault(part, []).append(text)
        return found


@asynccontextmanager
async def logging(machine: Machine) -> AsyncIterator[StatementLog]:
    """Have PostgreSQL log every statement while the block runs."""
    connection = await asyncpg.connect(**dsn(machine.settings.postgres_url))
    try:
        await connection.execute("SET application_name = 'benchmarks'")
        await _switch(connection, "all")
        log = StatementLog(machine.postgres_log, connection)
        log.skip()
        yield log
    finally:
        await _switch(connection, "none")
        await connection.close()


async def _switch(connection: asyncpg.Connection, what: str) -> None:
    await connection.execute(f"ALTER SYSTEM SET log_statement = '{what}'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("SELECT pg_sleep(0.2)")  # Backends read it when they next wake.
