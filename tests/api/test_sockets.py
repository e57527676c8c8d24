"""/graphql by WebSocket: the same operations for the same people, as long as they are signed in."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.types import ASGIApp
from websockets.exceptions import InvalidStatus

from api import auth, sockets
from api.app import MallApp
from api.observability import Observed
from models import database as db
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.application import ServerProcess
from tests.support.graphql import GraphQLClient
from tests.support.sockets import open_socket

ME = "{ me { id } }"
RENAME = """
mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) {
  member { nickname } userErrors { code message path } } }
"""
SIGN_OUT = "mutation { signOut { userErrors { code } } }"
DEEP = "{ me " + "{ cart { lines { sku { product " * 5 + "{ id" + "} } } }" * 5 + " } }"


@pytest.fixture
async def member(live: str, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
def mall(app: ASGIApp) -> MallApp:
    assert isinstance(app, Observed)
    assert isinstance(app.app, MallApp)
    return app.app


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets and sessions are looked at more often than in life; ask for it before `live`."""
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(auth, "LOOK_EVERY_SECONDS", 0.02)


async def test_a_guest_asks_what_guests_may(live: str) -> None:
    async with open_socket(live) as socket:
        await socket.begin()
        assert await socket.run(ME) == {"data": {"me": None}}
        answer = await socket.run(SIGN_OUT)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_member_asks_and_changes_their_own(live: str, member: SignedInMember) -> None:
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        assert await socket.run(ME) == {"data": {"me": {"id": str(member.id)}}}
        answer = await socket.run(RENAME, {"i": {"nickname": "小明"}})
        assert answer == {
            "data": {"updateProfile": {"member": {"nickname": "小明"}, "userErrors": []}}
        }
        # Each operation has loaders of its own: nothing stale is answered.
        await db.execute("UPDATE member SET nickname = '小红' WHERE id = $1", member.id)
        assert await socket.run("{ me { nickname } }") == {"data": {"me": {"nickname": "小红"}}}


async def test_refusals_are_in_the_callers_language(live: str, member: SignedInMember) -> None:
    told = {}
    for language in ("zh", "en"):
        headers = {"accept-language": language}
        async with open_socket(live, additional_headers=headers) as socket:
            await socket.begin(member.token)
            answer = await socket.run(RENAME, {"i": {"nickname": "x" * 1_000}})
            [error] = answer["data"]["updateProfile"]["userErrors"]
            told[language] = error["message"]
            assert error["path"] == ["nickname"]
    assert told["zh"] != told["en"]
    assert told["en"].isascii()


@pytest.mark.parametrize(
    "authorization", ["Bearer nonsense", "Bearer ", "Basic eHg6eXk=", "", 1, ["Bearer"], {}]
)
async def test_a_token_that_does_not_hold_opens_nothing(live: str, authorization: Any) -> None:
    async with open_socket(live) as socket:
        payload = {"authorization": authorization}
        await socket.say({"type": "connection_init", "payload": payload})
        assert await socket.closed() == (4403, "Please sign in first.")


async def test_the_handshakes_header_is_no_token(live: str, member: SignedInMember) -> None:
    """A browser can't send one, and what can't be sent everywhere had better work nowhere."""
    headers = {"authorization": f"Bearer {member.token}"}
    async with open_socket(live, additional_headers=headers) as socket:
        await socket.begin()
        assert await socket.run(ME) == {"data": {"me": None}}


async def test_other_sites_pages_are_guests(live: str) -> None:
    async with open_socket(live, origin="https://evil.example.com") as socket:
        await socket.begin()
        assert await socket.run(ME) == {"data": {"me": None}}


async def test_a_session_that_ends_takes_its_sockets_with_it(
    watchful: None, live: str, member: SignedInMember, client: GraphQLClient
) -> None:
    async with open_socket(live) as socket, open_socket(live) as guest:
        await socket.begin(member.token)
        await guest.begin()
        await client.gql(SIGN_OUT, token=member.token)
        assert await socket.closed() == (4403, "Forbidden")
        assert await guest.run(ME) == {"data": {"me": None}}


async def test_a_session_that_ended_runs_nothing_more(
    live: str, mall: MallApp, member: SignedInMember, client: GraphQLClient
) -> None:
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        await client.gql(SIGN_OUT, token=member.token)
        await mall._authenticator.look(now=datetime.now(UTC))
        payload = {"query": RENAME, "variables": {"i": {"nickname": "小明"}}}
        await socket.say({"id": "1", "type": "subscribe", "payload": payload})
        assert await socket.closed() == (4403, "Forbidden")
    assert await db.fetch_value("SELECT nickname FROM member WHERE id = $1", member.id) == ""


async def test_a_token_that_runs_out_closes_the_socket(
    watchful: None, live: str, settings: Settings
) -> None:
    lifetime = timedelta(seconds=settings.access_token_lifetime_seconds)
    # Tokens end on whole seconds: this leaves at least three to begin in, on a busy machine, too.
    signed_at = datetime.now(UTC) - lifetime + timedelta(seconds=4)
    member = await signed_in_member(settings, now=signed_at)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        assert await socket.closed() == (4403, "Forbidden")


async def test_the_guard_stands_before_sockets_too(live: str, client: GraphQLClient) -> None:
    over_http = (await client.gql(DEEP)).errors
    async with open_socket(live) as socket:
        await socket.begin()
        assert await socket.run(DEEP) == {"errors": over_http}
    assert {error["extensions"]["limit"] for error in over_http} == {"depth"}


async def test_what_goes_wrong_is_masked_and_has_a_request_id(
    live: str, member: SignedInMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr("resolvers.member.members.mutations.update_profile", fail)
    ids = set()
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        for _ in range(2):
            answer = await socket.run(RENAME, {"i": {"nickname": "小明"}})
            [error] = answer["errors"]
            assert error["message"] == "Something went wrong on our side."
            assert error["extensions"]["code"] == "INTERNAL"
            ids.add(error["extensions"]["requestId"])
    assert len(ids) == 2


async def test_only_so_many_sockets_are_open(live: str, mall: MallApp) -> None:
    mall._sockets.limits = replace(mall._sockets.limits, sockets=1)
    async with open_socket(live) as first:
        await first.begin()
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(live):
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == "5"


async def test_the_figures_say_what_is_open(live: str, client: GraphQLClient) -> None:
    async with open_socket(live) as socket:
        await socket.begin()
        lines = (await client.http.get("/metrics")).text.splitlines()
        assert "mall_websocket_sockets 1.0" in lines
        assert "mall_websocket_operations 0.0" in lines
        assert "mall_websocket_subscriptions 0.0" in lines


async def test_there_are_no_sockets_elsewhere(live: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(f"{live}/media"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_message_is_no_larger_than_a_body(live: str, settings: Settings) -> None:
    async with open_socket(live) as socket:
        await socket.begin()
        await socket.say("x" * (settings.request_max_bytes + 1))
        code, _ = await socket.closed()
        assert code == 1009


async def test_a_server_that_stops_sends_its_clients_elsewhere(
    server: Callable[[], Awaitable[ServerProcess]],
) -> None:
    process = await server()
    async with open_socket(process.url) as socket:
        await socket.begin()
        process._process.send_signal(signal.SIGTERM)
        assert (await socket.closed())[0] == 1012
    assert await process._process.wait() == -signal.SIGTERM  # It ended by itself, and says so.
