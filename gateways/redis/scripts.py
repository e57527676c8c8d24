"""Running Lua scripts over many keys at once, on one server or on a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import NoScriptError

from gateways.redis import lua
from gateways.redis.connection import RedisClient


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the name Redis knows it by."""

    source: str
    sha: str

    @classmethod
    def load(cls, name: str) -> Script:
        """Read `lua/<name>.lua`."""
        source = lua.source(name)
        return cls(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


Call = tuple[str, Sequence[str | int]]
"""The one key of a call, which alone names its hash tag, and its arguments."""


async def run(client: RedisClient, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run the script once for each call, in one round trip, and return the replies in order."""
    try:
        return await _run(client, script, calls)
    except NoScriptError:
        # A restart or SCRIPT FLUSH. On a cluster some calls may have run: scripts bear repeating.
        await client.script_load(script.source)
        return await _run(client, script, calls)


async def _run(client: RedisClient, script: Script, calls: Sequence[Call]) -> list[Any]:
    if len(calls) == 1 or isinstance(client, RedisCluster):
        # The cluster client refuses EVALSHA in pipelines; its nodes are asked side by side.
        return await asyncio.gather(
            *(client.evalsha(script.sha, 1, key, *arguments) for key, arguments in calls)
        )
    async with client.pipeline(transaction=False) as pipeline:
        for key, arguments in calls:
            pipeline.evalsha(script.sha, 1, key, *arguments)
        return await pipeline.execute()
