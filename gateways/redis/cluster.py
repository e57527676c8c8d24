"""A client of a Redis Cluster that many tasks may share."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

_RELEARN_SECONDS = 0.25
"""A node that dies fails whatever is under way there, and each failure asks for a new look."""


class SharedCluster(RedisCluster):
    """The library's client, mended where tasks side by side do harm to each other.

    As it is, commands that come before it knows the nodes are sent to any of them. Each is told
    where to go instead, and every fifth such answer closes all connections, also those in use;
    who uses one then fails with whatever they stumble over. And a pool that is used up refuses
    instead of having the next one wait.
    """

    def __init__(self, *, max_connections: int, **options: Any) -> None:
        # A connection that is being closed still counts for its node, hence twice as many. Each
        # slot that has moved is noted by itself: no number of them closes connections.
        super().__init__(max_connections=2 * max_connections, reinitialize_steps=0, **options)
        self._slots = asyncio.Semaphore(max_connections)
        self._learning: asyncio.Future[RedisCluster] | None = None
        self._learnt_at = -_RELEARN_SECONDS

    async def initialize(self, *arguments: Any, **options: Any) -> RedisCluster:
        """Learn which node has which slots: once for all who ask, and seldom however much fails.

        A caller who leaves early doesn't break it off. A node that is gone costs the time for
        connecting, which is longer than callers wait: were each attempt broken off with its
        caller, none would ever ask the next node.
        """
        now = asyncio.get_running_loop().time()
        if self._initialize and now - self._learnt_at >= _RELEARN_SECONDS:
            if self._learning is None or self._learning.done():
                self._learning = asyncio.ensure_future(self._learn(*arguments, **options))
            await asyncio.shield(self._learning)
        return self

    async def _learn(self, *arguments: Any, **options: Any) -> RedisCluster:
        await super().initialize(*arguments, **options)
        self._learnt_at = asyncio.get_running_loop().time()
        return self

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Run a command when fewer than `max_connections` others are under way.

        Raises:
            RedisError: what Redis said, or `ConnectionError` for whatever else went wrong.
            OSError: it was not reached.
        """
        async with self._slots:
            try:
                await self.initialize()
                return await super().execute_command(*arguments, **options)
            except (RedisError, OSError):
                raise
            except asyncio.CancelledError:
                # Its caller ran out of patience before the connection did, perhaps because the
                # node is gone: have the next command ask who has its slots now.
                self._initialize = True
                raise
            except Exception as error:
                raise RedisConnectionError("the client of the cluster failed") from error

    async def aclose(self) -> None:
        """Close all connections, those as well of a client that is about to look anew."""
        self._initialize = False
        await super().aclose()
