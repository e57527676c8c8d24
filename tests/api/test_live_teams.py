"""Teams followed over a socket, by whoever holds the share link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from api.app import MallApp
from api.observability import Observed
from models import database as db
from services import group_teams, news
from settings import Settings
from tests.factories.group_buys import a_group_buy, joined, team_of
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.orders import cancelled, pay, placed
from tests.factories.shop import SkuFacts, a_buyer, a_sku, an_address
from tests.support.sockets import open_socket

FOLLOW = """
subscription ($id: ID!) { groupBuyTeamChanged(teamId: $id) {
  status seatsLeft joinedByMe seats { nickname leader paid } } }
"""


@pytest.fixture
async def member(live: str, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
def mall(app: ASGIApp) -> MallApp:
    assert isinstance(app, Observed)
    assert isinstance(app.app, MallApp)
    return app.app


async def relay(mall: MallApp) -> None:
    """Do what the worker does four times a second."""
    assert mall.process is not None
    await news.relay_due(mall.process.ports.news, now=datetime.now(UTC))


async def opened_now(member_id: UUID, sku: SkuFacts, **choices: Any) -> UUID:
    """Have a member open a team now, and pay; returns the team."""
    now = datetime.now(UTC)
    campaign_id = await a_group_buy(sku, now=now, **choices)
    order_id = await placed(member_id, (sku, 1), now=now, group_buy_id=campaign_id)
    await pay(order_id, now=now)
    return await team_of(order_id)


async def named_buyer(nickname: str) -> UUID:
    member_id = await a_buyer()
    await db.execute("UPDATE member SET nickname = $2 WHERE id = $1", member_id, nickname)
    return member_id


def team(status: str, seats_left: int, *paid: bool, mine: bool = False) -> Any:
    names = ["张三丰", "李莫愁"] if mine else ["张**", "李**"]
    seats = [
        {"nickname": name, "leader": name.startswith("张"), "paid": is_paid}
        for name, is_paid in zip(names, paid, strict=False)
    ]
    facts = {"status": status, "seatsLeft": seats_left, "joinedByMe": mine, "seats": seats}
    return {"groupBuyTeamChanged": facts}


async def test_whoever_holds_the_link_sees_seats_fill(
    live: str, mall: MallApp, member: SignedInMember
) -> None:
    sku = await a_sku(10_000)
    team_id = await opened_now(await named_buyer("张三丰"), sku)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": str(team_id)})
        assert await socket.event(id_) == team("FORMING", 1, True)
        second = await named_buyer("李莫愁")
        order_id = await joined(team_id, sku, by=second, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == team("FORMING", 0, True, False)
        await cancelled(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == team("FORMING", 1, True)
        order_id = await joined(team_id, sku, by=second, now=datetime.now(UTC))
        await pay(order_id, now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == team("SUCCEEDED", 0, True, True)


async def test_who_has_a_seat_sees_the_others(
    live: str, mall: MallApp, member: SignedInMember
) -> None:
    await an_address(member.id)
    await db.execute("UPDATE member SET nickname = '张三丰' WHERE id = $1", member.id)
    sku = await a_sku(10_000)
    team_id = await opened_now(member.id, sku)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": str(team_id)})
        assert await socket.event(id_) == team("FORMING", 1, True, mine=True)
        await joined(team_id, sku, by=await named_buyer("李莫愁"), now=datetime.now(UTC))
        await relay(mall)
        assert await socket.event(id_) == team("FORMING", 0, True, False, mine=True)


async def test_a_team_that_fails_says_so(live: str, mall: MallApp, member: SignedInMember) -> None:
    team_id = await opened_now(await named_buyer("张三丰"), await a_sku(10_000), team_hours=1)
    async with open_socket(live) as socket:
        await socket.begin(member.token)
        id_ = await socket.follow(FOLLOW, {"id": str(team_id)})
        assert await socket.event(id_) == team("FORMING", 1, True)
        await group_teams.end_due(now=datetime.now(UTC) + timedelta(hours=2))
        await relay(mall)
        assert await socket.event(id_) == team("FAILED", 1, True)


async def test_a_guest_follows_no_team(live: str, member: SignedInMember) -> None:
    team_id = await opened_now(await named_buyer("张三丰"), await a_sku(10_000))
    async with open_socket(live) as socket:
        await socket.begin()
        error = await socket.refusal(await socket.follow(FOLLOW, {"id": str(team_id)}))
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("id_", [str(UUID(int=1)), "no id"])
async def test_a_team_that_is_not_there(live: str, member: SignedInMember, id_: str) -> None:
    async with open_socket(live, additional_headers={"accept-language": "en"}) as socket:
        await socket.begin(member.token)
        error = await socket.refusal(await socket.follow(FOLLOW, {"id": id_}))
        assert error["message"] == "There is no such team."
        assert error["extensions"]["userErrorCode"] == "NOT_FOUND"
