"""Codes, tokens and sign-outs over two web processes: this one, and one of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from models.members import Member, Session
from tests.support.application import ServerProcess
from tests.support.graphql import GraphQLClient
from tests.support.sessions import Outcome, refresh, sign_in, who
from tests.support.simulator import Simulator

Servers = tuple[GraphQLClient, GraphQLClient]
TIMES = 20


@pytest.fixture
async def servers(client: GraphQLClient, server: Callable[[], Awaitable[ServerProcess]]) -> Servers:
    return client, (await server()).client


async def test_one_code_sent_to_both_at_once_is_one_member_and_one_session(
    servers: Servers, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await wxsim.fault("latency", match={"path": "/sns/jscode2session"}, ms=150)
    outcomes = await asyncio.gather(*(sign_in(servers[n % 2], code) for n in range(TIMES)))
    assert len({(outcome.refresh_token, outcome.member_id) for outcome in outcomes}) == 1
    assert await Member.all().count() == await Session.all().count() == 1
    asked = [each for each in await wxsim.journal() if each["path"] == "/sns/jscode2session"]
    assert len(asked) == 1
    for client, outcome in zip(servers, outcomes[:2], strict=True):
        assert await who(client, outcome.token) == outcome.member_id


async def test_a_session_is_refreshed_once_and_signed_out_everywhere(
    servers: Servers, wxsim: Simulator
) -> None:
    signed_in = await sign_in(servers[0], await wxsim.login_code(await wxsim.user()))

    async def refresh_at(number: int) -> Outcome:
        return await refresh(servers[number % 2], signed_in.refresh_token)

    outcomes = await asyncio.gather(*(refresh_at(number) for number in range(TIMES)))
    assert len({outcome.refresh_token for outcome in outcomes}) == 1
    session = await Session.get()
    assert (session.generation, session.revoked_at) == (1, None)

    await servers[0].gql("mutation { signOut { userErrors { code } } }", token=signed_in.token)
    async with asyncio.timeout(10):
        for client in servers:
            # Memory answers: without a pause nothing else would get its turn.
            while await who(client, outcomes[0].token) != "UNAUTHENTICATED":  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.01)
