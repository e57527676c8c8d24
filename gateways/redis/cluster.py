"""A client of a Redis Cluster that many tasks may share."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError


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

    async def initialize(self, *arguments: Any, **options: Any) -> RedisCluster:
        """Learn which node has which slots; a caller who leaves early doesn't break that off.

        A node that is gone costs the time for connecting, which is longer than callers wait: were
        each attempt broken off with its caller, none would ever ask the next node.
        """
        if self._initialize:
            await asyncio.shield(super().initialize(*arguments, **options))
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
