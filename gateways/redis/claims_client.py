"""How claims reach Redis: the hottest call of the mall, one script at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis, RedisCluster
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


@dataclass(frozen=True, slots=True)
class _Call:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[str | int]
    reply: asyncio.Future[Any]


class CollectedClaims:
    """Claims of one moment in one round trip: what comes while others are on their way waits.

    Half of what a command costs a process is the waiting for its answer. Nobody waits longer than
    for those who went before, and whoever leaves early leaves the others alone.
    """

    def __init__(self, client: Redis, *, most: int = 256, at_once: int = 2) -> None:
        self._client = client
        self._most = most
        self._at_once = at_once
        self._waiting: list[_Call] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def evalsha(
        self, script: Script, keys: Sequence[str], arguments: Sequence[str | int]
    ) -> Any:
        """Return the script's reply."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(script, keys, arguments, reply))
        if len(self._sending) < self._at_once:
            sending = asyncio.create_task(self._send())
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
        return await reply

    async def _send(self) -> None:
        """Send what waits until nothing does."""
        while self._waiting:
            calls, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            calls = [call for call in calls if not call.reply.done()]
            try:
                replies = await self._run(calls)
            except Exception as error:  # noqa: BLE001 (it is told to each who waits)
                replies = [error] * len(calls)
            for call, reply in zip(calls, replies, strict=True):
                if call.reply.done():
                    continue
                if isinstance(reply, Exception):
                    call.reply.set_exception(reply)
                else:
                    call.reply.set_result(reply)

    async def _run(self, calls: Sequence[_Call]) -> list[Any]:
        replies = await self._execute(calls)
        forgotten = [
            number for number, reply in enumerate(replies) if isinstance(reply, NoScriptError)
        ]
        if forgotten:
            for script in {calls[number].script for number in forgotten}:
                await self._client.script_load(script.source)
            again = await self._execute([calls[number] for number in forgotten])
            for number, reply in zip(forgotten, again, strict=True):
                replies[number] = reply
        return replies

    async def _execute(self, calls: Sequence[_Call]) -> list[Any]:
        if not calls:
            return []
        async with self._client.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.evalsha(call.script.sha, len(call.keys), *call.keys, *call.arguments)
            return await pipeline.execute(raise_on_error=False)


def claims_client(client: RedisClient) -> ClaimsClient:
    """Return what claims go through; a cluster's client runs no script in pipelines."""
    return RedisPyClaims(client) if isinstance(client, RedisCluster) else CollectedClaims(client)
