"""What a running process holds: the pool to PostgreSQL, Redis, and the ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.exceptions import RedisError

from gateways.redis.connection import RedisClient
from models import database
from services.ports import Ports
from settings import Settings
from wiring.ports import open_ports


@dataclass(frozen=True, slots=True)
class Process:
    """The settings, the ports, and the Redis client behind them."""

    settings: Settings
    ports: Ports
    redis: RedisClient

    async def unready(self) -> list[str]:
        """Return what doesn't answer, a line each; empty when all is well."""
        problems = []
        try:
            await database.fetch_value("SELECT 1")
        except Exception as error:  # noqa: BLE001 (whatever it is, the process isn't ready)
            problems.append(f"PostgreSQL: {type(error).__name__}")
        try:
            await self.redis.ping()
        except (RedisError, OSError) as error:
            problems.append(f"Redis: {type(error).__name__}")
        return problems


@asynccontextmanager
async def process(
    settings: Settings, *, application_name: str, reuse_plans: bool = False
) -> AsyncIterator[Process]:
    """Open everything that a process needs, and close it in the end; see `database.connect`."""
    await database.connect(
        settings.postgres_url,
        min_size=settings.database_pool_min_connections,
        max_size=settings.database_pool_max_connections,
        statement_timeout_seconds=settings.database_statement_timeout_seconds,
        lock_timeout_seconds=settings.database_lock_timeout_seconds,
        connect_timeout_seconds=settings.database_connect_timeout_seconds,
        pool_timeout_seconds=settings.database_pool_timeout_seconds,
        application_name=application_name,
        reuse_plans=reuse_plans,
    )
    try:
        async with open_ports(settings) as (ports, redis):
            yield Process(settings, ports, redis)
    finally:
        await database.close()
