"""Public answers of one web process: kept in memory, ended when PostgreSQL tells of a change.

Whoever writes needs to know nothing of it: triggers notify (`models.public_changes`). While this
process doesn't hear them, nothing is answered from memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from api.figures import public_caches
from api.languages import language_of
from executor.public_cache import PublicCache
from executor.versions import Versions
from models.database import dsn
from models.public_changes import CHANNEL, PublicTag
from services import promotions, rules
from settings import Settings

PAUSE_SECONDS = 0.5
"""A tag ends its answers at once, then again after this at the earliest: while pieces run out
every moment, an answer is still made twice a second and not for every request.
"""
HEARTBEAT_SECONDS = 1.0
"""How often the connection is asked for a sign of life: a network that falls silent ends none."""
SILENCE_SECONDS = 2.0
"""How long that may take."""
CONNECT_SECONDS = 5.0
RECONNECT_SECONDS = 1.0

_LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = structlog.get_logger(__name__)


def public_cache(settings: Settings, versions: Versions) -> PublicCache | None:
    """Return the cache in front of the member schema; None when it is switched off."""
    if settings.public_cache_max_bytes == 0:
        return None
    cache = PublicCache(
        versions,
        max_bytes=settings.public_cache_max_bytes,
        vary=language_of,
        vary_headers=["accept-language"],
        # The mall has no cookies: whose request it is stands here alone.
        credentials=["authorization"],
    )
    public_caches.add(cache)
    return cache


class PublicChanges:
    """Turns PostgreSQL's news into versions."""

    def __init__(self, versions: Versions, *, pause_seconds: float) -> None:
        self._versions = versions
        self._pause_seconds = pause_seconds
        self._resting: set[str] = set()
        self._again: set[str] = set()

    def hear(self, tag: str) -> None:
        """Take note that what stands behind a tag has changed."""
        if tag in self._resting:
            self._again.add(tag)
            return
        self._end(tag)
        self._resting.add(tag)
        asyncio.get_running_loop().call_later(self._pause_seconds, self._rested, tag)

    def hear_all(self) -> None:
        """Begin to hear, or hear again: anything may have changed meanwhile."""
        rules.forget_cached()
        promotions.forget_cached()
        self._versions.regain()

    def _rested(self, tag: str) -> None:
        self._resting.discard(tag)
        if tag in self._again:
            self._again.discard(tag)
            self.hear(tag)

    def _end(self, tag: str) -> None:
        if tag == PublicTag.RULES:
            # This process keeps them for some seconds, and answers are made from what it keeps.
            rules.forget_cached()
        elif tag == PublicTag.CATALOG:
            promotions.forget_cached()
        self._versions.bump(tag)


class ChangeListener:
    """Listens to PostgreSQL on a connection of its own as long as the process runs."""

    def __init__(self, database_url: str, versions: Versions) -> None:
        self._database_url = database_url
        self._versions = versions
        self._changes = PublicChanges(versions, pause_seconds=PAUSE_SECONDS)
        self._has_tried = asyncio.Event()
        versions.lose()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while the block runs; it starts once the first connection was tried."""
        task = asyncio.create_task(self._listen())
        try:
            await self._has_tried.wait()
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except _LOST as error:
                log.warning("public_changes_lost", error=type(error).__name__)
            except Exception:
                log.exception("public_changes_failed")
            finally:
                self._versions.lose()
                self._has_tried.set()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        """Listen until the connection is lost."""
        connection = await asyncpg.connect(
            **dsn(self._database_url),
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": "membermall-web"},
        )
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: ended.set())
            await connection.add_listener(CHANNEL, lambda *news: self._changes.hear(news[-1]))
            self._changes.hear_all()
            self._has_tried.set()
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), HEARTBEAT_SECONDS)
                await connection.execute("SELECT 1", timeout=SILENCE_SECONDS)
        finally:
            self._versions.lose()
            with suppress(*_LOST):
                await connection.close(timeout=1)
