"""Tickets of a flash sale followed over a socket, until they are decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from api.app import MallApp
from api.observability import Observed
from jobs.tickets import decide
from resolvers.common import live as following
from services import flash_timetable, news
from services.ports import Ports
from settings import Settings
from tests.factories.flash_sales import a_sale_by_the_clock
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.shop import a_sku, an_address
from tests.support.graphql import GraphQLClient
from tests.support.redis import RedisServer
from tests.support.sockets import SocketClient, open_socket

CLAIM = """
mutation ($i: ClaimFlashSaleInput!) { claimFlashSale(input: $i) {
  ticket { id status } userErrors { code } } }
"""
FOLLOW = """
subscription ($id: ID!) { flashSaleTicketChanged(ticketId: $id) {
  id status order { status } problem { code } } }
"""


@pytest.fixture
async def member(live: str, settings: Settings) -> SignedInMember:
    flash_timetable.forget_cached()
    member = await signed_in_member(settings)
    await an_address(member.id)
    return member


@pytest.fixture
def ports(app: ASGIApp) -> Ports:
    assert isinstance(app, Observed)
    assert isinstance(app.app, MallApp)
    assert app.app.process is not None
    return app.app.process.ports


async def claimed(client: GraphQLClient, member: SignedInMember, item_id: UUID) -> str:
    """Claim a piece; returns the ticket's id."""
    given = {"itemId": str(item_id), "quantity": 1, "idempotencyKey": "first"}
    answer = await client.gql(CLAIM, {"i": given}, member.token)
    claim = answer.data["claimFlashSale"]
    assert claim["userErrors"] == []
    assert claim["ticket"]["status"] == "QUEUED"
    ticket_id: str = claim["ticket"]["id"]
    return ticket_id


async def consume(ports: Ports) -> None:
    """Do what a consumer of tickets does."""
    queued = await ports.flash.read_tickets(
        ports.flash.shards, "consumer", limit=100, wait_seconds=0
    )
    assert queued
    await decide(queued, ports)


def ticket(ticket_id: str, status: str, *, order: str = "", problem: str = "") -> Any:
    return {
        "flashSaleTicketChanged": {
            "id": ticket_id,
            "status": status,
            "order": {"status": order} if order else None,
            "problem": {"code": problem} if problem else None,
        }
    }


async def is_over(socket: SocketClient, id_: str) -> None:
    assert await socket.hear() == {"id": id_, "type": "complete"}


async def test_a_ticket_is_followed_until_it_is_an_order(
    live: str, member: SignedInMember, client: GraphQLClient, ports: Ports
) -> None:
    ticket_id = await claimed(client, member, await a_sale_by_the_clock(await a_sku()))
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": ticket_id})
        assert await socket.event(id_) == ticket(ticket_id, "QUEUED")
        await consume(ports)
        assert await socket.event(id_) == ticket(ticket_id, "ORDERED", order="AWAITING_PAYMENT")
        await is_over(socket, id_)
        # Who comes later is told at once.
        id_ = await socket.follow(FOLLOW, {"id": ticket_id})
        assert await socket.event(id_) == ticket(ticket_id, "ORDERED", order="AWAITING_PAYMENT")
        await is_over(socket, id_)


async def test_a_ticket_that_redis_lost_is_rejected(
    live: str,
    member: SignedInMember,
    client: GraphQLClient,
    redis_server: RedisServer,
) -> None:
    ticket_id = await claimed(client, member, await a_sale_by_the_clock(await a_sku()))
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": ticket_id})
        assert await socket.event(id_) == ticket(ticket_id, "QUEUED")
        redis_server.stop()
        redis_server.start()
        # The line is heard again, so everybody looks.
        assert await socket.event(id_) == ticket(ticket_id, "REJECTED", problem="BUSY")
        await is_over(socket, id_)


async def test_news_that_never_came_is_found_by_looking(
    live: str,
    member: SignedInMember,
    client: GraphQLClient,
    ports: Ports,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY_SECONDS", 0.02)

    async def tell_nobody(_topics: list[news.Topic]) -> None:
        """Stand for a consumer that died after it had decided."""

    ticket_id = await claimed(client, member, await a_sale_by_the_clock(await a_sku()))
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": ticket_id})
        assert await socket.event(id_) == ticket(ticket_id, "QUEUED")
        monkeypatch.setattr(ports.news, "tell", tell_nobody)
        await consume(ports)
        assert await socket.event(id_) == ticket(ticket_id, "ORDERED", order="AWAITING_PAYMENT")


async def test_a_ticket_is_its_members_alone(
    live: str, settings: Settings, member: SignedInMember, client: GraphQLClient
) -> None:
    ticket_id = await claimed(client, member, await a_sale_by_the_clock(await a_sku()))
    stranger = await signed_in_member(settings)
    async with open_socket(live, additional_headers={"accept-language": "en"}) as socket:
        await socket.begin(stranger.token)
        refusals = [
            await socket.refusal(await socket.follow(FOLLOW, {"id": id_}))
            for id_ in (ticket_id, ticket_id[:-1] + "_", "no ticket", "")
        ]
    assert {each["message"] for each in refusals} == {"There is no such ticket."}
    assert {each["extensions"]["userErrorCode"] for each in refusals} == {"NOT_FOUND"}
    async with open_socket(live) as socket:
        await socket.begin()
        error = await socket.refusal(await socket.follow(FOLLOW, {"id": ticket_id}))
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
