"""Fixtures for all tests.

Servers start when the first test asks for them; unit tests ask for none.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import hypothesis
import pytest
import wechatpayv3.async_.core
from redis.asyncio import Redis
from starlette.types import ASGIApp

from cli.embedded.ports import free_port
from gateways.redis.connection import RedisClient, RedisConfig, connect
from models import database as models_database
from services import flash_facts, flash_timetable, presence, promotions
from services import rules as rule_versions
from settings import Profile, Settings, SmsSender, load
from tests.support.application import TEST_SECRETS, ServerProcess, lifespan, serving
from tests.support.graphql import GraphQLClient
from tests.support.postgres import worker_database
from tests.support.redis import RedisServer
from tests.support.redis_cluster import RedisCluster
from tests.support.simulator import Simulator, running_simulator
from tests.support.statements import StatementLog

# The tests bring their own servers and secrets: nothing that the caller's shell says may reach
# them.
for _name, _field in Settings.model_fields.items():
    os.environ.pop((_field.alias or _name).upper(), None)


# A slow example on a busy machine is no failure; `make soak` looks for rarer ones.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("default")


_SERVERS = {"database_url", "_redis_server", "_redis_cluster", "_simulator_url"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse unit tests that would start a server."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "tests/unit/" in item.path.as_posix() and fixtures & _SERVERS:
            raise pytest.UsageError(f"{item.nodeid} needs servers: it belongs in tests/integration")


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
        database_url,
        min_size=1,
        max_size=20,
        statement_timeout_seconds=60,  # A busy machine fills tables slowly.
        on_statement=statements.hear,
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
    rule_versions.forget_cached()
    promotions.forget_cached()
    flash_facts.forget_cached()
    flash_timetable.forget_cached()
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


@pytest.fixture(scope="session")
async def _redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisCluster]:
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        await cluster.form()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
async def redis_cluster(_redis_cluster: RedisCluster) -> AsyncIterator[RedisClient]:
    """A client of this worker's empty cluster of three nodes, as the application makes them."""
    await _redis_cluster.flush()
    # Patient: on a busy machine three nodes are sometimes slow, which is no failure.
    config = RedisConfig(_redis_cluster.url, is_cluster=True, timeout_seconds=5)
    client = connect(config)
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def _simulator_url() -> Iterator[str]:
    with running_simulator() as url:
        yield url


@pytest.fixture
async def wxsim(_simulator_url: str) -> AsyncIterator[Simulator]:
    """The WeChat simulator, empty and without faults."""
    simulator = Simulator(_simulator_url)
    await simulator.post("/reset")
    yield simulator
    await simulator.http.aclose()


@pytest.fixture
async def settings(
    database_url: str, redis_server: RedisServer, wxsim: Simulator, tmp_path: Path
) -> Settings:
    """Settings of the test profile that lead to this worker's servers and the simulator.

    For others: `settings.model_copy(update={...})`.
    """
    wechat = await wxsim.get("/config.json")
    return load(
        MALL_PROFILE=Profile.TEST,
        MALL_HOME=tmp_path,
        port=free_port(),
        database_url=database_url,
        redis_url=redis_server.url,
        simulator_url=wxsim.url,
        sms_sender=SmsSender.SIMULATOR,
        public_cache_max_bytes=0,  # Tests change things and look at once.
        **TEST_SECRETS,
        **{name.lower(): value for name, value in wechat.items()},
    )


@pytest.fixture
async def app(
    database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ASGIApp]:
    """The web application in this process, started, on the pool that `statements` hears."""
    from api.app import create_app  # Here, for tests of services need not load the schema.

    monkeypatch.setattr(wechatpayv3.async_.core, "load_private_key", _load_private_key_once)
    monkeypatch.setattr(models_database, "connect", _already_done)
    monkeypatch.setattr(models_database, "close", _already_done)
    # What the day brings (a Wednesday's coupon) would change what a test counts: everybody has been
    # seen today. Tests of what is given at first sight forget that.
    monkeypatch.setattr(presence.sightings, "knows", _knows_everybody)
    application = create_app(settings)
    async with lifespan(application):
        yield application


def _knows_everybody(_member_id: UUID, *, now: datetime) -> bool:
    del now
    return True


# Checking an RSA key takes 45 ms, and each application does it twice.
_load_private_key_once = cache(wechatpayv3.async_.core.load_private_key)


async def _already_done(*_: object, **__: object) -> None:
    """Stand for opening and closing the pool, which the harness does once for all tests."""


@pytest.fixture
async def client(app: ASGIApp, settings: Settings) -> AsyncIterator[GraphQLClient]:
    """Calls the application without a socket: `await client.gql(document, variables, token)`."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as http:
        yield GraphQLClient(http)


@pytest.fixture
async def live(app: ASGIApp, settings: Settings) -> AsyncIterator[str]:
    """The same application also on its port, where the simulator's callbacks find it; its URL."""
    from api.server import server_options

    async with serving(app, settings.port, **server_options(settings)) as url:
        yield url


@pytest.fixture
async def server(
    database: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[Callable[[], Awaitable[ServerProcess]]]:
    """Starts `mall serve` as a process of its own: `first = await server()`; `await first.kill()`.

    Each one gets a port of its own; all are stopped after the test.
    """
    started: list[ServerProcess] = []

    async def start() -> ServerProcess:
        own = settings.model_copy(update={"port": free_port()})
        process = await ServerProcess.start(own, tmp_path / f"server-{len(started)}.log")
        started.append(process)
        return process

    yield start
    for process in started:
        await process.stop()
