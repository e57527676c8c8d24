"""The harness itself: what one test leaves, the next one does not find."""

import asyncio
import pickle
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import httpx
import pytest

from gateways.redis.connection import RedisClient
from models import database as db
from settings import Settings
from tests.support.application import ServerProcess, environment_of
from tests.support.graphql import GraphQLClient
from tests.support.redis import RedisServer
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

_COUNT = "SELECT (SELECT count(*) FROM category), (SELECT count(*) FROM ledger_account)"
_SYSTEM_ACCOUNTS = 7


@pytest.mark.parametrize("_turn", [1, 2])
async def test_rows_and_reference_rows_are_as_migrations_left_them(
    database: str, _turn: int
) -> None:
    counted = await db.fetch_one(_COUNT)
    assert counted is not None
    assert tuple(counted) == (0, _SYSTEM_ACCOUNTS)
    await db.execute(
        "INSERT INTO category (id, name, position) VALUES (gen_random_uuid(), '水果', 1)"
    )
    await db.execute("DELETE FROM ledger_account WHERE kind = 'ISSUED'")


async def test_statements_are_counted_without_their_transaction(
    database: str, statements: StatementLog
) -> None:
    async with statements.record() as heard, db.in_transaction():
        await db.fetch_value("SELECT 1")
        await db.fetch_value("SELECT 2")
    assert heard == ["SELECT 1", "SELECT 2"]


async def test_database_collates_and_classifies_chinese(database: str) -> None:
    assert await db.fetch_value("SELECT ngrams('苹果')") == ["果", "苹", "苹果"]


async def test_broom_does_not_wait_for_a_forgotten_transaction(database_url: str) -> None:
    """A test that leaves a transaction open makes the next reset fail loudly instead of hanging
    the run.
    """
    forgotten = await asyncpg.connect(database_url)
    broom = await asyncpg.connect(database_url)
    try:
        await forgotten.execute("BEGIN; LOCK TABLE category")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await broom.execute("SELECT testing.reset()")
    finally:
        await forgotten.close()
        await broom.close()


@pytest.mark.parametrize("_turn", [1, 2])
async def test_redis_is_empty(redis: RedisClient, _turn: int) -> None:
    assert await redis.dbsize() == 0
    await redis.set("left", "over")


async def test_redis_comes_back_empty_on_the_same_port(
    redis_server: RedisServer, redis: RedisClient
) -> None:
    await redis.set("key", "value")
    url = redis_server.url
    redis_server.stop()
    redis_server.start()
    assert redis_server.url == url
    assert await redis.get("key") is None


@pytest.mark.parametrize("_turn", [1, 2])
async def test_simulator_is_empty(wxsim: Simulator, _turn: int) -> None:
    assert (await wxsim.get("/users"))["users"] == []
    user = await wxsim.user(nickname="小满")
    assert await wxsim.login_code(user) != await wxsim.login_code(user)


async def test_settings_survive_the_way_to_another_process(settings: Settings) -> None:
    command = "import pickle, settings, sys; pickle.dump(settings.load(), sys.stdout.buffer)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", command, env=environment_of(settings), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert pickle.loads(told) == settings  # noqa: S301 (our own child wrote it)


async def test_client_asks_the_application(client: GraphQLClient) -> None:
    answer = await client.gql("{ __typename }")
    assert answer.data == {"__typename": "Query"}
    assert (await client.http.get("/readyz")).json() == {"status": "ok"}


async def test_application_is_on_its_port_too(live: str) -> None:
    async with httpx.AsyncClient(base_url=live, trust_env=False) as http:
        assert (await http.get("/readyz")).json() == {"status": "ok"}


async def test_server_is_a_process_that_can_be_killed(
    server: Callable[[], Awaitable[ServerProcess]],
) -> None:
    first, second = await server(), await server()
    assert (await first.client.gql("{ __typename }")).data == {"__typename": "Query"}
    await first.kill()
    with pytest.raises(httpx.TransportError):
        await first.http.get("/healthz")
    assert (await second.client.gql("{ __typename }")).data == {"__typename": "Query"}
