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


Keys = str | tuple[str, ...]
"""A call's key, or its keys: all of one hash tag."""

Call = tuple[Keys, Sequence[str | int]]
"""The keys of a call and its arguments."""


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
            *(client.evalsha(script.sha, *_keyed(keys), *arguments) for keys, arguments in calls)
        )
    async with client.pipeline(transaction=False) as pipeline:
        for keys, arguments in calls:
            pipeline.evalsha(script.sha, *_keyed(keys), *arguments)
        return await pipeline.execute()


def _keyed(keys: Keys) -> tuple[Any, ...]:
    """Return how many keys there are, and the keys."""
    return (1, keys) if isinstance(keys, str) else (len(keys), *keys)
