"""Connections to Redis: one factory, where every wait is bounded."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.redis.cluster import SharedCluster

RedisClient = Redis | RedisCluster


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """Where Redis is and how long it may take.

    `timeout_seconds` bounds connecting, each read, and waiting for a free connection.
    """

    url: str
    timeout_seconds: float = 0.5
    max_connections: int = 64
    retries: int = 1
    is_cluster: bool = False


def connect(config: RedisConfig) -> RedisClient:
    """Return a client that connects when first used; close it with `aclose()`."""
    # The library's own default is ten retries. A lost pooled connection is worth one more try;
    # a timeout is not, since the caller's patience is what ran out.
    retry = Retry(
        ExponentialWithJitterBackoff(base=0.01, cap=0.05),
        config.retries,
        supported_errors=(RedisConnectionError,),
    )
    if config.is_cluster:
        return SharedCluster.from_url(
            config.url,
            decode_responses=True,
            socket_timeout=config.timeout_seconds,
            socket_connect_timeout=config.timeout_seconds,
            max_connections=config.max_connections,
            retry=retry,
        )
    pool = BlockingConnectionPool.from_url(
        config.url,
        decode_responses=True,
        socket_timeout=config.timeout_seconds,
        socket_connect_timeout=config.timeout_seconds,
        max_connections=config.max_connections,
        timeout=config.timeout_seconds,
        retry=retry,
    )
    return Redis.from_pool(pool)
