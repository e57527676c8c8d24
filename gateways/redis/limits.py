"""Limits on the doors, counted in Redis; while Redis is away, in each process by itself.

It owns the keys `limits:LIMITER/<door>/<subject>/…`, which live as long as their window. A subject
is a keyed hash of the address, so that Redis holds no addresses.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from redis.exceptions import RedisError

from gateways.breaker import Breaker
from gateways.redis.connection import RedisClient
from gateways.redis.subjects import Network, Subjects

_LOG = structlog.get_logger(__name__)


class Window(StrEnum):
    """How knocks are counted.

    FIXED is one counter for each window: cheap at any number, but lets up to twice the number pass
    around a window's end. MOVING remembers each knock: exact, for small numbers that cost money.
    """

    FIXED = "FIXED"
    MOVING = "MOVING"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` knocks in any (or each) `seconds`."""

    amount: int
    seconds: int
    window: Window = Window.FIXED


# Many phones share one address behind a Chinese carrier's NAT, so these stop programs, not crowds;
# what one member or phone may do is limited where that is known.
DEFAULT_DOORS: Mapping[str, Sequence[Limit]] = MappingProxyType(
    {
        "sign_in": (Limit(120, 60),),
        "refresh": (Limit(240, 60),),
        "bind_phone": (Limit(20, 600, Window.MOVING),),
        "upload": (Limit(60, 3_600),),
        "code_image": (Limit(60, 60),),
        "coupon_code": (Limit(20, 3_600, Window.MOVING),),
        "sms": (Limit(10, 600, Window.MOVING), Limit(60, 86_400, Window.MOVING)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """The doors with their limits, the networks that are exempt, and a key to hash addresses."""

    doors: Mapping[str, Sequence[Limit]] = field(default_factory=lambda: DEFAULT_DOORS)
    exempt: Sequence[Network] = ()
    hash_key: str = field(default="", repr=False)
    timeout_seconds: float = 0.2
    breaker_seconds: float = 2.0
    enabled: bool = True


class _SharedStorage(RedisStorage):
    """The library's storage over a connection that we made."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        super().__init__("redis://", implementation="redispy", key_prefix="limits")

    def configure_bridge(self) -> None:
        assert isinstance(self.bridge, RedispyBridge)
        shared: Any = self._client  # The library's own protocol knows one kind of client.
        self.bridge.storage = shared
        self.bridge.connection_getter = lambda _readonly: shared


class _Counters:
    """Counts knocks in one storage, by either kind of window."""

    def __init__(self, storage: RedisStorage | MemoryStorage) -> None:
        self._limiters: dict[Window, RateLimiter] = {
            Window.FIXED: FixedWindowRateLimiter(storage),
            Window.MOVING: MovingWindowRateLimiter(storage),
        }

    async def knock(self, door: str, limits: Sequence[Limit], subject: str) -> int | None:
        for limit in limits:
            limiter, item = self._limiters[limit.window], _item(door, limit)
            if not await limiter.hit(item, subject):
                stats = await limiter.get_window_stats(item, subject)
                return max(1, math.ceil(stats.reset_time - time.time()))
        return None


class RateLimits:
    """Tells who has knocked too often. It never fails: without Redis each process counts alone."""

    def __init__(self, client: RedisClient, config: LimitsConfig) -> None:
        self._config = config
        self._subjects = Subjects(config.exempt, config.hash_key)
        self._shared = _Counters(_SharedStorage(client))
        self._local = _Counters(MemoryStorage())
        self._breaker = Breaker(config.breaker_seconds)

    async def knock(self, door: str, address: str) -> int | None:
        """Count one knock; return the seconds to wait when there were too many, else None."""
        limits = self._config.doors.get(door, ())
        if not self._config.enabled or not limits:
            return None
        subject = self._subjects.of(address)
        if subject is None:
            return None
        if self._breaker.allows():
            try:
                async with asyncio.timeout(self._config.timeout_seconds):
                    wait_seconds = await self._shared.knock(door, limits, subject)
            except (RedisError, OSError) as error:
                _LOG.warning("rate_limits_local", error=type(error).__name__)
                self._breaker.failed()
            else:
                self._breaker.succeeded()
                return wait_seconds
        # Some limit is better than none: what is behind these doors costs money.
        return await self._local.knock(door, limits, subject)


def _item(door: str, limit: Limit) -> RateLimitItem:
    return RateLimitItemPerSecond(limit.amount, limit.seconds, namespace=door)
