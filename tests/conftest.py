"""Fixtures for all tests.

Servers start when the first test asks for them; unit tests ask for none.
"""

import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from redis.asyncio import Redis

from gateways.redis.connection import RedisClient, RedisConfig, connect
from models import database as models_database
from settings import Settings
from tests.support.postgres import worker_database
from tests.support.redis import RedisServer
from tests.support.statements import StatementLog

# The tests bring their own servers and secrets: nothing that the caller's shell says may reach
# them.
for _name, _field in Settings.model_fields.items():
    os.environ.pop((_field.alias or _name).upper(), None)


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test worker; the only one without xdist."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def database_url(worker: str) -> Iterator[str]:
    """The URL of this worker's migrated database. Tests that write to it ask for `database` too."""
    with worker_database(worker) as url:
        yield url


@pytest.fixture(scope="session")
def statements() -> StatementLog:
    """Hears the pool's statements: `with statements.record() as heard: ....

    Assert len(heard) == 4`.
    """
    return StatementLog()


@pytest.fixture(scope="session")
async def _pool(database_url: str, statements: StatementLog) -> AsyncIterator[None]:
    await models_database.connect(
        database_url, min_size=1, max_size=20, on_statement=statements.hear
    )
    yield
    await models_database.close()


@pytest.fixture(scope="session")
async def _broom(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(_pool: None, _broom: asyncpg.Connection, database_url: str) -> str:
    """A database as the migrations left it, with the pool of `models.database` open on it.

    Its URL.
    """
    await _broom.execute("SELECT testing.reset()")
    return database_url


@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
async def redis_server(_redis_server: RedisServer) -> AsyncIterator[RedisServer]:
    """This worker's Redis, empty: `.url`, and `.pause() .resume() .stop() .start()`, undone
    after the test.
    """
    async with Redis.from_url(_redis_server.url) as client:
        await client.flushall()
    yield _redis_server
    _redis_server.recover()


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[RedisClient]:
    """A client of this worker's empty Redis, as the application makes them."""
    client = connect(RedisConfig(redis_server.url))
    yield client
    await client.aclose()
