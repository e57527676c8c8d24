"""Write-behind persistence: changed rows are written in batches, never inside a request.

A crash loses at most the last flush interval. That is enough for a simulator and keeps the disk
out of every latency it shows.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

FLUSH_SECONDS = 0.5
log = logging.getLogger(__name__)


class StateInUse(RuntimeError):
    """Another simulator holds this state directory."""


class Store:
    """Rows by kind and id in one SQLite file; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._database = None if folder is None else _open(folder / "wxsim.sqlite3")
        self._dirty: dict[tuple[str, str], object | None] = {}
        self._task: asyncio.Task[None] | None = None
        self.before_flush: Callable[[], None] = lambda: None

    def load(self, kind: str) -> list[dict[str, Any]]:
        """All rows of a kind, in the order in which they were first written."""
        if self._database is None:
            return []
        query = "SELECT body FROM record WHERE kind = ? ORDER BY rowid"
        return [orjson.loads(body) for (body,) in self._database.execute(query, (kind,))]

    def put(self, kind: str, key: str, row: object) -> None:
        """Have the row, as it will be at the next flush, written."""
        if self._database is not None:
            self._dirty[kind, key] = row
            self._wake()

    def remove(self, kind: str, key: str) -> None:
        """Have the row deleted at the next flush."""
        if self._database is not None:
            self._dirty[kind, key] = None
            self._wake()

    def clear(self) -> None:
        """Delete every row now."""
        self._dirty.clear()
        if self._database is not None:
            with self._database:
                self._database.execute("DELETE FROM record")

    async def close(self) -> None:
        """Write what is left and release the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._database is not None:
            self._write(self._take())
            self._database.close()
            self._database = None

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush_forever())

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if self._dirty:
                # Rows are read in the loop that changes them; only bytes go to the thread.
                # Shielded, because a half-done write must end before `close` writes the rest.
                try:
                    await asyncio.shield(asyncio.to_thread(self._write, self._take()))
                except sqlite3.Error:
                    log.exception("The simulator's state was not saved.")

    def _take(self) -> list[tuple[str, str, bytes | None]]:
        self.before_flush()
        dirty, self._dirty = self._dirty, {}
        return [
            (kind, key, None if row is None else orjson.dumps(row))
            for (kind, key), row in dirty.items()
        ]

    def _write(self, changes: list[tuple[str, str, bytes | None]]) -> None:
        if self._database is None or not changes:
            return
        with self._database:
            self._database.executemany(
                "INSERT INTO record (kind, key, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                [change for change in changes if change[2] is not None],
            )
            self._database.executemany(
                "DELETE FROM record WHERE kind = ? AND key = ?",
                [(kind, key) for kind, key, body in changes if body is None],
            )


def _open(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file, check_same_thread=False, timeout=0.2)
    try:
        # Exclusive: two simulators on one state would each overwrite the other's rows.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS record ("
                "kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (kind, key))"
            )
            database.execute("DELETE FROM record WHERE kind = ''")  # Takes the lock now.
    except sqlite3.OperationalError as error:
        database.close()
        raise StateInUse(f"{file} cannot be opened: {error}. Is a simulator running?") from error
    return database
