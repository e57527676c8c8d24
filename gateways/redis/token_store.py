"""One access token and one ticket of each WeChat app, shared by all processes.

It owns the keys `wechat:{<name>}:value` (lives as long as the token, less five minutes) and
`wechat:{<name>}:lock` (ten seconds at most).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

import structlog
from redis.exceptions import RedisError

from gateways.redis.connection import RedisClient
from gateways.redis.scripts import Script, run

_LOG = structlog.get_logger(__name__)
_DELETE_IF_EQUAL = Script.load("delete_if_equal")

_LOCK_SECONDS = 10
_POLL_SECONDS = 0.05
# WeChat hands out the next token in the last five minutes of one, and both work meanwhile.
_EARLY_SECONDS = 300
_SHORTEST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as it was issued, and for how long."""

    value: str
    expires_in: int


Fetch = Callable[[], Awaitable[Issued]]


class TokenStore:
    """Keeps tokens so that many callers cost one fetch; without Redis each process has its own."""

    def __init__(self, client: RedisClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._local: dict[str, tuple[str, float]] = {}
        self._local_locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, fetch: Fetch) -> str:
        """Return the token of that name, fetched by one caller of all when there is none."""
        try:
            return await self._shared(name, fetch)
        except (RedisError, OSError) as error:
            _LOG.warning("token_store_local", error=type(error).__name__)
            return await self._own(name, fetch)

    async def discard(self, name: str, value: str) -> None:
        """Forget a token that WeChat refused, unless a newer one has taken its place."""
        if self._local.get(name, ("", 0.0))[0] == value:
            del self._local[name]
        with suppress(RedisError, OSError):
            await run(self._client, _DELETE_IF_EQUAL, [(_value_key(name), [value])])

    async def _shared(self, name: str, fetch: Fetch) -> str:
        """Read the token, or take the lock and fetch it, or wait for who has the lock."""
        while True:
            value = await self._client.get(_value_key(name))
            if value is not None:
                return str(value)
            ours = token_hex(8)
            if await self._client.set(_lock_key(name), ours, nx=True, ex=_LOCK_SECONDS):
                return await self._fetch_locked(name, fetch, ours)
            # A holder that died is outlived by the lock's ten seconds.
            await asyncio.sleep(_POLL_SECONDS)

    async def _fetch_locked(self, name: str, fetch: Fetch, ours: str) -> str:
        try:
            # Who held the lock before us may have just stored a token.
            value = await self._client.get(_value_key(name))
            if value is not None:
                return str(value)
            issued = await fetch()
            await self._client.set(_value_key(name), issued.value, ex=_lifetime(issued))
            return issued.value
        finally:
            await run(self._client, _DELETE_IF_EQUAL, [(_lock_key(name), [ours])])

    async def _own(self, name: str, fetch: Fetch) -> str:
        # WeChat's stable token is the same for whoever asks, so one for each process does no harm.
        async with self._local_locks.setdefault(name, asyncio.Lock()):
            value, expires_at = self._local.get(name, ("", 0.0))
            if self._clock() < expires_at:
                return value
            issued = await fetch()
            self._local[name] = (issued.value, self._clock() + _lifetime(issued))
            return issued.value


def _lifetime(issued: Issued) -> int:
    return max(issued.expires_in - _EARLY_SECONDS, _SHORTEST_SECONDS)


def _value_key(name: str) -> str:
    return f"wechat:{{{name}}}:value"


def _lock_key(name: str) -> str:
    return f"wechat:{{{name}}}:lock"
