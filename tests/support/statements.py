"""Counts SQL statements, so that a test can say how many an operation takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_BRACKETS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")
_OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")
"""asyncpg looks a type up the first time that a connection meets it."""


class StatementLog:
    """Hears every statement on the pool; `record` yields the list of those run inside the block.

    BEGIN, COMMIT and their kin are left out, and what the driver asks for itself. Statements of
    tasks that run at the same time are heard too.
    """

    def __init__(self) -> None:
        self._heard: list[str] | None = None

    def hear(self, statement: str) -> None:
        if self._heard is None or statement.lstrip().upper().startswith(_BRACKETS):
            return
        if not any(mark in statement for mark in _OF_THE_DRIVER):
            self._heard.append(statement)

    @asynccontextmanager
    async def record(self) -> AsyncIterator[list[str]]:
        assert self._heard is None, "recordings do not nest"
        await _told()
        heard: list[str] = []
        self._heard = heard
        try:
            yield heard
            await _told()
        finally:
            self._heard = None


async def _told() -> None:
    """Have the driver tell of the last statement: it does so in the loop's next turn."""
    await asyncio.sleep(0)
