"""Builds the client of Redis out of the settings."""

from __future__ import annotations

from gateways.redis.connection import RedisClient, RedisConfig, connect
from settings import Settings


def redis_of(settings: Settings) -> RedisClient:
    """Return a client that connects when first used; close it with `aclose()`."""
    return connect(
        RedisConfig(
            settings.redis_dsn,
            timeout_seconds=settings.redis_timeout_seconds,
            max_connections=settings.redis_pool_max_connections,
            is_cluster=settings.redis_cluster,
        )
    )
