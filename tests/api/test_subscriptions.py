"""Orders followed over a socket: by their member alone, and no change is ever lost."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from starlette.types import ASGIApp
from websockets.exceptions import ConnectionClosed

import loaders.orders
from api import auth, sockets
from api.app import MallApp
from api.observability import Observed
from domain.errors import Busy
from domain.news import NewsKind
from models import database as db
from models.ids import new_id
from resolvers.common import live as following
from services import finality, news
from services.merging import merge
from services.news import Topic
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.orders import pay, placed
from tests.factories.shop import a_sku, an_address
from tests.support.application import ServerProcess
from tests.support.graphql import GraphQLClient
from tests.support.redis import RedisServer
from tests.support.sockets import open_socket
from tests.support.statements import StatementLog

FOLLOW = """
subscription ($id: ID!) { orderChanged(orderId: $id) { id status timeline { kind } } }
"""
STATUS = "subscription ($id: ID!) { orderChanged(orderId: $id) { status } }"
CANCEL = """
mutation ($i: CancelOrderInput!) { cancelOrder(input: $i) { userErrors { code } } }
"""
SIGN_OUT = "mutation { signOut { userErrors { code } } }"

PLACED = {"orderChanged": {"status": "AWAITING_PAYMENT"}}
PAID = {"orderChanged": {"status": "AWAITING_SHIPMENT"}}
CANCELLED = {"orderChanged": {"status": "CANCELLED"}}


@pytest.fixture
async def member(live: str, settings: Settings) -> SignedInMember:
    return await a_shopper(settings)


async def a_shopper(settings: Settings) -> SignedInMember:
    """Make a member whose parcels arrive."""
    member = await signed_in_member(settings)
    await an_address(member.id)
    return member


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


@pytest.fixture
def unwatchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at sockets or sessions unless a test does; ask for it before `live`."""
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 600.0)
    monkeypatch.setattr(auth, "LOOK_EVERY_SECONDS", 600.0)


async def an_order(member: SignedInMember) -> UUID:
    """Place an order of one piece, which awaits payment."""
    return await placed(member.id, (await a_sku(), 1), now=datetime.now(UTC))


async def relay(mall: MallApp) -> None:
    """Do what the worker does four times a second."""
    assert mall.process is not None
    await news.relay_due(mall.process.ports.news, now=datetime.now(UTC))


async def test_what_stands_now_comes_first_and_then_every_change(
    live: str, mall: MallApp, member: SignedInMember
) -> None:
    order_id = await an_order(member)

    def event(status: str, *steps: str) -> Any:
        kinds = [{"kind": kind} for kind in steps]
        return {"orderChanged": {"id": str(order_id), "status": status, "timeline": kinds}}

    async with open_socket(live) as socket:
        await socket.begin(member.token)
        following_it = await socket.follow(FOLLOW, {"id": str(order_id)})
        assert await socket.event(following_it) == event("AWAITING_PAYMENT", "PLACED")
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(following_it) == event("AWAITING_SHIPMENT", "PLACED", "PAID")
        await finality.receive(order_id, at=datetime.now(UTC))
        await db.execute("UPDATE sales_order SET status = 'COMPLETED' WHERE id = $1", order_id)
        await relay(mall)
        told = event("COMPLETED", "PLACED", "PAID")
        assert await socket.event(following_it) == told


async def test_news_of_nothing_new_is_no_event(
    live: str, mall: MallApp, member: SignedInMember
) -> None:
    order_id = await an_order(member)
    assert mall.process is not None
    line = mall.process.ports.news
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        for _ in range(3):
            await line.tell([Topic(NewsKind.ORDER, str(order_id))])
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == PAID


async def test_an_event_reads_what_it_shows_once(
    unwatchful: None, live: str, mall: MallApp, member: SignedInMember, statements: StatementLog
) -> None:
    order_id = await an_order(member)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": str(order_id)})
        await socket.event(id_)
        await pay(order_id, now=datetime.now(UTC))
        async with statements.record() as heard:
            await relay(mall)
            await socket.event(id_)
        # Looks are as many as bells have rung.
        reads = [each for each in heard if each not in (news._TAKE, news._ORDER_STAMP)]
        assert len(reads) == 2  # The order, its timeline.


async def test_who_is_not_signed_in_follows_nothing(live: str, member: SignedInMember) -> None:
    order_id = await an_order(member)
    async with open_socket(live) as socket:
        await socket.begin()
        error = await socket.refusal(await socket.follow(STATUS, {"id": str(order_id)}))
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("whose", ["another's", "nobody's", "no id"])
async def test_what_is_not_ones_own_is_not_there(
    live: str, settings: Settings, member: SignedInMember, whose: str
) -> None:
    theirs = await an_order(await a_shopper(settings))
    id_ = {"another's": str(theirs), "nobody's": str(new_id()), "no id": "x"}[whose]
    async with open_socket(live, additional_headers={"accept-language": "en"}) as socket:
        await socket.begin(member.token)
        error = await socket.refusal(await socket.follow(STATUS, {"id": id_}))
        assert error["message"] == "There is no such order."
        assert error["extensions"] == {"code": "BAD_REQUEST", "userErrorCode": "NOT_FOUND"}


async def test_subscriptions_come_by_websocket_alone(
    client: GraphQLClient, member: SignedInMember
) -> None:
    order_id = await an_order(member)
    answer = await client.gql(STATUS, {"id": str(order_id)}, member.token)
    assert answer.error_codes == ["BAD_REQUEST"]


async def test_a_session_that_ends_follows_no_longer(
    watchful: None, live: str, member: SignedInMember, client: GraphQLClient
) -> None:
    order_id = await an_order(member)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        await client.gql(SIGN_OUT, token=member.token)
        assert await socket.closed() == (4403, "Forbidden")


async def test_an_event_after_the_sessions_end_is_told_to_nobody(
    unwatchful: None, live: str, mall: MallApp, member: SignedInMember, client: GraphQLClient
) -> None:
    """Even if nobody has looked at the socket since."""
    order_id = await an_order(member)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        await client.gql(SIGN_OUT, token=member.token)
        await mall._authenticator.look(now=datetime.now(UTC))
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        with pytest.raises(ConnectionClosed):
            await socket.hear()
        assert await socket.closed() == (4403, "Forbidden")


async def test_who_was_merged_comes_back_as_the_survivor(
    watchful: None, live: str, mall: MallApp, settings: Settings, member: SignedInMember
) -> None:
    """The order moves to another member, and so does whoever followed it, by the same token."""
    younger = await a_shopper(settings)
    order_id = await an_order(younger)
    variables = {"id": str(order_id)}
    async with open_socket(live) as socket:
        await socket.begin(younger.token)
        assert await socket.event(await socket.follow(STATUS, variables)) == PLACED
        async with db.in_transaction():
            assert await merge(member.id, younger.id, now=datetime.now(UTC)) == member.id
        await relay(mall)
        with pytest.raises(ConnectionClosed):  # No event, and no end of the subscription either.
            await socket.hear()
        assert await socket.closed() == (4403, "Forbidden")
    async with open_socket(live) as socket:
        await socket.begin(younger.token)
        assert await socket.event(await socket.follow(STATUS, variables)) == PLACED


# What breaks.


async def test_without_redis_a_change_is_late_and_not_lost(
    live: str,
    mall: MallApp,
    member: SignedInMember,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY_SECONDS", 0.02)
    order_id = await an_order(member)
    redis_server.stop()
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await db.fetch_value("SELECT count(*) FROM news") == 0
        assert await socket.event(id_) == PAID


async def test_a_redis_that_is_back_has_everybody_look(
    live: str, mall: MallApp, member: SignedInMember, redis_server: RedisServer
) -> None:
    order_id = await an_order(member)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        redis_server.stop()
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)  # Lost.
        redis_server.start()
        assert await socket.event(id_) == PAID


async def test_a_restart_of_postgresql_ends_no_subscription(
    live: str, mall: MallApp, member: SignedInMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await an_order(member)
    looks = iter([True, True, False, False])  # Opened, seen, then twice nobody there.

    async def look(member_id: UUID, id_: UUID) -> Any:
        if not next(looks, True):
            raise Busy
        return await news.order_stamp(member_id, id_)

    monkeypatch.setattr("resolvers.member.orders.subscriptions.order_stamp", look)
    monkeypatch.setattr(following, "BUSY_SECONDS", 0.01)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(STATUS, {"id": str(order_id)})
        assert await socket.event(id_) == PLACED
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == PAID
    assert list(looks) == []


async def test_an_event_that_could_not_be_read_whole_comes_again(
    live: str, member: SignedInMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await an_order(member)
    is_away = iter([True])

    async def events_by_order_id(ids: Sequence[UUID]) -> list[Any]:
        if next(is_away, False):
            raise Busy
        return await loaders.orders.events_by_order_id(ids)

    monkeypatch.setattr("resolvers.member.orders.types.events_by_order_id", events_by_order_id)
    monkeypatch.setattr(following, "BUSY_SECONDS", 0.01)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": str(order_id)})
        told = await socket.hear()
        assert [error["extensions"]["code"] for error in told["payload"]["errors"]] == ["INTERNAL"]
        event = (await socket.event(id_))["orderChanged"]
        assert event["timeline"] == [{"kind": "PLACED"}]


async def test_web_processes_tell_one_another_and_one_that_ends_is_missed_by_nobody(
    live: str,
    mall: MallApp,
    member: SignedInMember,
    client: GraphQLClient,
    server: Callable[[], Awaitable[ServerProcess]],
) -> None:
    first, second = await an_order(member), await an_order(member)
    elsewhere = await server()

    async def cancel(order_id: UUID) -> None:
        given = {"i": {"orderId": str(order_id), "idempotencyKey": str(order_id)}}
        answer = await client.gql(CANCEL, given, member.token)
        assert answer.data == {"cancelOrder": {"userErrors": []}}
        await relay(mall)

    async with open_socket(elsewhere.url) as socket:
        await socket.begin(member.token)
        followed = [await socket.follow(STATUS, {"id": str(id_)}) for id_ in (first, second)]
        for _ in followed:
            assert (await socket.hear())["payload"]["data"] == PLACED
        await cancel(first)
        assert await socket.event(followed[0]) == CANCELLED
        elsewhere._process.send_signal(signal.SIGTERM)
        assert (await socket.closed())[0] == 1012
    await cancel(second)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        assert await socket.event(await socket.follow(STATUS, {"id": str(second)})) == CANCELLED


# Caps.


async def test_a_member_follows_only_so_much_over_all_their_sockets(
    live: str,
    settings: Settings,
    member: SignedInMember,
    client: GraphQLClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "SUBSCRIPTIONS_OF_A_MEMBER", 2)
    other = await a_shopper(settings)
    variables = {"id": str(await an_order(member))}
    async with (
        open_socket(live) as one,
        open_socket(live) as two,
        open_socket(live) as of_other,
    ):
        await one.begin(member.token)
        await two.begin(member.token)
        await of_other.begin(other.token)
        id_ = await one.follow(STATUS, variables)
        assert await one.event(id_) == PLACED
        assert await two.event(await two.follow(STATUS, variables)) == PLACED
        assert await two.refusal(await two.follow(STATUS, variables)) == {
            "message": "At most 2 subscriptions of a member run at a time.",
            "extensions": {"code": "RATE_LIMITED", "limit": "subscriptions", "maximum": 2},
        }
        figures = (await client.http.get("/metrics")).text.splitlines()
        assert "mall_websocket_subscriptions 2.0" in figures
        theirs = {"id": str(await an_order(other))}
        assert await of_other.event(await of_other.follow(STATUS, theirs)) == PLACED
        await one.say({"id": id_, "type": "complete"})
        await one.run("{ shop { name } }")  # Taken after it.
        assert await two.event(await two.follow(STATUS, variables)) == PLACED


async def test_a_socket_has_ten_subscriptions(live: str, member: SignedInMember) -> None:
    variables = {"id": str(await an_order(member))}
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        for _ in range(10):
            assert await socket.event(await socket.follow(STATUS, variables)) == PLACED
        error = await socket.refusal(await socket.follow(STATUS, variables))
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["extensions"]["maximum"] == 10
