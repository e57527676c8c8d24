"""How claims reach Redis: the hottest call of the mall, one script at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from redis.exceptions import NoScriptError

from gateways.redis.connection import RedisClient
from gateways.redis.scripts import Script


class ClaimsClient(Protocol):
    """Runs one script, which must bear repeating: it is loaded where Redis has forgotten it."""

    async def evalsha(
        self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]
    ) -> Any:
        """Return the script's reply.

        Raises:
            RedisError: what Redis said.
            OSError: it was not reached.
        """


class RedisPyClaims:
    """Claims over the connections of redis-py: each command waits for a connection of its own."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def evalsha(
        self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]
    ) -> Any:
        """Return the script's reply."""
        try:
            return await self._client.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            await self._client.script_load(script.source)
            return await self._client.evalsha(script.sha, len(keys), *keys, *arguments)
