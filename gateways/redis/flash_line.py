"""Calls of the flash gate to Redis: each within its time, none while Redis is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError

from domain.flash_gate import GateAway
from gateways.breaker import Breaker
from gateways.redis.connection import RedisClient
from gateways.redis.scripts import Call, Script, run

_LOG = structlog.get_logger(__name__)

_T = TypeVar("_T")


class FlashLine:
    """A client of Redis that answers in time or says that it is away."""

    def __init__(
        self, client: RedisClient, *, timeout_seconds: float, breaker_seconds: float
    ) -> None:
        self.client = client
        self._timeout_seconds = timeout_seconds
        self._breaker = Breaker(breaker_seconds)

    async def ask(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """Run the script once for each call and return the replies in order.

        Raises:
            GateAway: Redis is dead, slow or being left alone.
        """
        if not calls:
            return []
        return await self.within(lambda: run(self.client, script, calls))

    async def within(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Return what a call answers.

        Raises:
            GateAway: as `ask` does.
        """
        if not self._breaker.allows():
            raise GateAway
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await call()
        except (RedisError, OSError) as error:
            if not self._breaker.is_open:
                _LOG.warning("flash_gate_away", error=type(error).__name__)
            self._breaker.failed()
            raise GateAway from error
        self._breaker.succeeded()
        return answer
