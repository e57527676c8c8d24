"""News over Redis: one channel that every web process hears, and the bells of those who follow.

It owns the channel `news`. A message is a batch of topics, one a line (`ORDER:<id>`): a process
drops those that nobody follows there, which costs it a look into a dictionary. Plain pub/sub works
on a cluster too, where each node passes a message on to all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from redis.exceptions import RedisError

from gateways.breaker import Breaker
from gateways.redis.connection import RedisClient

CHANNEL = "news"

_LOST = (RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Topic(Protocol):
    """A thing that can be followed (`services.news.Topic`)."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def id(self) -> str:
        """Which one."""


@dataclass(frozen=True, slots=True)
class NewsLineConfig:
    """`topics` is how many stand in one message, `silence_seconds` how long Redis may say nothing.

    After that it is asked for a sign of life, and given up after as long again.
    """

    timeout_seconds: float = 0.25
    breaker_seconds: float = 1.0
    reconnect_seconds: float = 1.0
    silence_seconds: float = 2.0
    topics: int = 1_000


class Bell:
    """Rings for one follower."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Ring; more than once before anybody listens is once."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class NewsLine:
    """Hears the channel from the first follower on, until it is closed.

    When it has begun to hear, or hears again, it rings every bell: what was said before is lost.
    """

    def __init__(self, client: RedisClient, config: NewsLineConfig | None = None) -> None:
        self._client: Any = client
        self._config = config or NewsLineConfig()
        self._breaker = Breaker(self._config.breaker_seconds)
        self._bells: dict[str, set[Bell]] = {}
        self._listener: asyncio.Task[None] | None = None

    @contextmanager
    def follow(self, topic: Topic) -> Iterator[Bell]:
        """Make a bell that rings in the block."""
        name, bell = _name(topic), Bell()
        self._bells.setdefault(name, set()).add(bell)
        if self._listener is None:
            # It outlives whoever came first, and must keep nothing of their context.
            self._listener = asyncio.create_task(self._listen(), context=contextvars.Context())
        try:
            yield bell
        finally:
            bells = self._bells[name]
            bells.discard(bell)
            if not bells:
                del self._bells[name]

    async def tell(self, topics: Sequence[Topic]) -> None:
        """Ring the bells of these topics everywhere; what Redis doesn't take is lost."""
        names = [_name(topic) for topic in topics]
        size = self._config.topics
        for start in range(0, len(names), size):
            if not self._breaker.allows():
                return
            try:
                async with asyncio.timeout(self._config.timeout_seconds):
                    await self._client.publish(CHANNEL, "\n".join(names[start : start + size]))
            except _LOST as error:
                self._breaker.failed()
                log.warning("news_not_told", topics=len(names) - start, error=type(error).__name__)
                return
            self._breaker.succeeded()

    async def aclose(self) -> None:
        """Hear nothing more."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except _LOST as error:
                log.warning("news_line_lost", error=type(error).__name__)
            except Exception:
                log.exception("news_line_failed")
            await asyncio.sleep(self._config.reconnect_seconds)

    async def _listen_once(self) -> None:
        """Hear until the connection is lost."""
        async with asyncio.timeout(self._config.silence_seconds):
            # A cluster's client learns by commands alone which node to subscribe at.
            await self._client.exists(CHANNEL)
        async with self._client.pubsub() as line:
            async with asyncio.timeout(self._config.silence_seconds):
                await line.subscribe(CHANNEL)
            was_asked = False
            while True:
                message = await line.get_message(timeout=self._config.silence_seconds)
                if message is not None:
                    was_asked = False
                    self._take(message)
                elif was_asked:
                    raise TimeoutError("Redis says nothing")
                else:
                    was_asked = True
                    await line.ping()

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":  # The client connects again by itself, too.
                names = list(self._bells)
            case "message":
                names = message["data"].split("\n")
            case _:  # A sign of life.
                return
        for name in names:
            for bell in self._bells.get(name, ()):
                bell.ring()


def _name(topic: Topic) -> str:
    return f"{topic.kind}:{topic.id}"
