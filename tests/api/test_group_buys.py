"""Group buys over the API: campaigns, teams, who sees whom, and the card that brings others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.members import SceneKind
from domain.scenes import target_scene_code
from models import database as db
from models.ids import new_id
from services import group_admin, group_teams
from tests.factories.group_buys import HOUR, a_group_buy, joined, opened, team_of
from tests.factories.orders import bought, cancelled, pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku
from tests.support.catalog import BASE_URL, catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper, assert_books_agree
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

LIST = """
query ($s: [CampaignStatus!], $first: Int, $after: String) {
  groupBuys(statuses: $s, first: $first, after: $after) {
    nodes { id name status startsAt endsAt teamSize teamHours perMemberLimit newMembersOnly
            product { name } items { price remaining sku { id } } problem { code } }
    pageInfo { endCursor hasNextPage } totalCount } }
"""
CAMPAIGN = """
query ($id: ID!, $first: Int, $after: String) { groupBuy(id: $id) {
  name status problem { code message path } items { price remaining }
  openTeams(first: $first, after: $after) {
    nodes { id seatsLeft expiresAt seats { nickname avatarUrl leader paid } }
    pageInfo { endCursor hasNextPage } totalCount } } }
"""
TEAM = """
query ($id: ID!) { groupBuyTeam(id: $id) {
  id status seatsLeft expiresAt joinedByMe problem { code message path retryAfterSeconds }
  seats { nickname avatarUrl leader joinedAt paid }
  myOrder { id status groupBuyTeam { id } }
  shareCard { title imageUrl path h5Url miniProgramCodeUrl }
  groupBuy { id problem { code } } } }
"""
MINE = """
query ($s: [GroupBuyTeamStatus!], $first: Int, $after: String) { me {
  groupBuyTeams(statuses: $s, first: $first, after: $after) {
    nodes { id status joinedByMe groupBuy { product { name } items { price } }
            seats { nickname } shareCard { title } problem { code } myOrder { status } }
    pageInfo { endCursor hasNextPage } totalCount } } }
"""
QUOTE = """
query ($i: OrderDraftInput!) { quoteOrder(input: $i) {
  payable discounts { kind title amount } problems { code path } } }
"""
PLACE = """
mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) {
  order { id kind status payable actions groupBuyTeam { id seatsLeft joinedByMe } }
  userErrors { code message path } } }
"""


@pytest.fixture
async def visitor(database: str) -> GraphQLClient:
    """A client at `NOW`; a token is a member's id."""
    return await catalog_client(NOW)


async def asked(
    client: GraphQLClient, document: str, token: UUID | None = None, **arguments: Any
) -> Any:
    """Return the one root field of a document."""
    answer = await client.gql(document, arguments, token=str(token) if token else None)
    assert answer.errors == []
    [value] = answer.data.values()
    return value


async def named(member_id: UUID, nickname: str, avatar: str | None = None) -> UUID:
    await db.execute(
        "UPDATE member SET nickname = $2, avatar_url = $3 WHERE id = $1",
        member_id,
        nickname,
        avatar,
    )
    return member_id


async def test_campaigns_are_listed_by_where_they_stand(visitor: GraphQLClient) -> None:
    sku = await a_sku()
    day = timedelta(days=1)
    await a_group_buy(sku, name="开得久", ends_at=NOW + 5 * day)
    await a_group_buy(sku, name="快结束", ends_at=NOW + day, name_en="Soon over")
    await a_group_buy(sku, name="后天", starts_at=NOW + 2 * day, ends_at=NOW + 9 * day)
    await a_group_buy(sku, name="明天", starts_at=NOW + day, ends_at=NOW + 9 * day)
    gone = await a_group_buy(sku, name="取消了")
    await group_admin.cancel(gone, now=NOW)
    for number in range(2):
        await a_group_buy(sku, name=f"结束 {number}", ends_at=NOW - number * HOUR, now=NOW - day)

    async def names(**arguments: Any) -> list[str]:
        found = await asked(visitor, LIST, **arguments)
        assert found["totalCount"] == (6 if "s" not in arguments else len(found["nodes"]))
        return [node["name"] for node in found["nodes"]]

    in_order = ["快结束", "开得久", "明天", "后天", "结束 0", "结束 1"]
    assert await names() == in_order
    assert await names(s=["ENDED"]) == in_order[4:]
    assert await names(s=["ENDED", "RUNNING"]) == in_order[:2] + in_order[4:]
    pages: list[str] = []
    cursor = None
    for _ in range(3):
        page = await asked(visitor, LIST, first=2, after=cursor)
        pages += [node["name"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
    assert (pages, page["pageInfo"]["hasNextPage"]) == (in_order, False)
    english = await visitor.gql(LIST, {"first": 1}, headers={"accept-language": "en"})
    assert english.data["groupBuys"]["nodes"][0]["name"] == "Soon over"


async def test_a_campaign_shows_its_prices_and_pieces(visitor: GraphQLClient) -> None:
    sku = await a_sku(stock=9)
    await a_group_buy(sku, team_size=3, new_members_only=True)
    await a_group_buy(sku, set_aside=4, ends_at=NOW + 99 * HOUR)
    own_stock, shelf = (await asked(visitor, LIST))["nodes"]
    assert {name: own_stock[name] for name in ("teamSize", "teamHours", "newMembersOnly")} == {
        "teamSize": 3,
        "teamHours": 24,
        "newMembersOnly": True,
    }
    assert own_stock["product"] == {"name": "苹果"}
    assert own_stock["items"] == [{"price": 600, "remaining": 5, "sku": {"id": str(sku.id)}}]
    assert shelf["items"][0]["remaining"] == 4
    await db.execute("UPDATE sku SET status = 'OFF_SALE' WHERE id = $1", sku.id)
    for node in (await asked(visitor, LIST))["nodes"]:
        assert node["items"][0]["remaining"] == 0
        assert node["problem"] == {"code": "CAMPAIGN_SOLD_OUT"}


async def test_a_product_leads_to_the_campaign_that_is_on(visitor: GraphQLClient) -> None:
    document = "query ($id: ID!) { product(id: $id) { groupBuy { name status } } }"
    sku, other = await a_sku(), await a_sku()
    await a_group_buy(sku, name="后", starts_at=NOW + HOUR, ends_at=NOW + 9 * HOUR)
    assert await asked(visitor, document, id=str(other.product_id)) == {"groupBuy": None}
    assert await asked(visitor, document, id=str(sku.product_id)) == {
        "groupBuy": {"name": "后", "status": "UPCOMING"}
    }
    await a_group_buy(sku, name="现")
    assert await asked(visitor, document, id=str(sku.product_id)) == {
        "groupBuy": {"name": "现", "status": "RUNNING"}
    }


async def test_strangers_see_masked_names_and_no_faces(visitor: GraphQLClient) -> None:
    sku = await a_sku()
    leader = await named(await a_buyer(), "张三丰", "/media/z.png")
    group_buy_id = await a_group_buy(sku, team_size=3)
    team_id, order_id = await opened(group_buy_id, sku, by=leader)
    friend = await named(await a_buyer(), "李")
    await joined(team_id, sku, by=friend, now=NOW + timedelta(seconds=1))

    async def seats(token: UUID | None) -> list[tuple[Any, ...]]:
        team = await asked(visitor, TEAM, token, id=str(team_id))
        assert (team["seatsLeft"], team["status"]) == (1, "FORMING")
        assert datetime.fromisoformat(team["expiresAt"]) == NOW + 24 * HOUR
        return [tuple(seat.values()) for seat in team["seats"]]

    for stranger in (None, await a_buyer()):
        masked = await seats(stranger)
        assert [(seat[0], seat[1], seat[2], seat[4]) for seat in masked] == [
            ("张**", None, True, True),
            ("李**", None, False, False),
        ]
    for insider in (leader, friend):
        assert [(seat[0], seat[1]) for seat in await seats(insider)] == [
            ("张三丰", f"{BASE_URL}/media/z.png"),
            ("李", None),
        ]
    mine = await asked(visitor, TEAM, leader, id=str(team_id))
    assert mine["joinedByMe"] is True
    assert mine["myOrder"] == {
        "id": str(order_id),
        "status": "AWAITING_TEAM",
        "groupBuyTeam": {"id": str(team_id)},
    }
    none = await asked(visitor, TEAM, await a_buyer(), id=str(team_id))
    assert (none["joinedByMe"], none["myOrder"]) == (False, None)
    for unknown in (str(new_id()), "x"):
        assert await asked(visitor, TEAM, id=unknown) is None


async def test_each_viewer_is_told_what_joining_would_say(visitor: GraphQLClient) -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku, new_members_only=True, per_member_limit=1)
    leader, newcomer, regular = await a_buyer(), await a_buyer(), await a_buyer()
    team_id, _ = await opened(group_buy_id, sku, by=leader)
    await bought(regular, (await a_sku(), 1))

    async def problem(token: UUID | None) -> tuple[str, str | None] | None:
        team = await asked(visitor, TEAM, token, id=str(team_id))
        found = team["problem"]
        return found and (found["code"], found["path"])

    assert await problem(None) is None
    assert await problem(newcomer) is None
    assert await problem(leader) == ("TEAM_ALREADY_JOINED", None)
    assert await problem(regular) == ("NEW_MEMBERS_ONLY", None)
    await pay(await joined(team_id, sku))
    assert await problem(newcomer) == ("TEAM_FULL", None)
    campaign = await asked(visitor, CAMPAIGN, leader, id=str(group_buy_id))
    assert campaign["problem"]["code"] == "PURCHASE_LIMIT_REACHED"
    assert (await asked(visitor, CAMPAIGN, regular, id=str(group_buy_id)))["problem"] is None


async def test_teams_to_join_are_those_with_a_free_seat_and_time(
    visitor: GraphQLClient,
) -> None:
    sku = await a_sku()
    group_buy_id = await a_group_buy(sku)
    me = await a_buyer()
    mine, _ = await opened(group_buy_id, sku, by=me)
    early, _ = await opened(group_buy_id, sku)
    late, _ = await opened(group_buy_id, sku)
    full, _ = await opened(group_buy_id, sku)
    await joined(full, sku)
    over, _ = await opened(group_buy_id, sku)
    unpaid = await bought_unpaid(group_buy_id, sku)
    for team_id, end in ((early, HOUR), (late, 2 * HOUR), (over, timedelta(seconds=60))):
        await db.execute(
            "UPDATE group_buy_team SET expires_at = $2 WHERE id = $1", team_id, NOW + end
        )

    async def teams(token: UUID | None, **arguments: Any) -> Any:
        found = await asked(visitor, CAMPAIGN, token, id=str(group_buy_id), **arguments)
        return found["openTeams"]

    found = await teams(me)
    assert [node["id"] for node in found["nodes"]] == [str(early), str(late)]
    assert found["totalCount"] == 2
    assert [node["seatsLeft"] for node in found["nodes"]] == [1, 1]
    everybody = await teams(None)
    assert [node["id"] for node in everybody["nodes"]] == [str(early), str(late), str(mine)]
    page = await teams(None, first=2)
    assert page["pageInfo"]["hasNextPage"] is True
    rest = await teams(None, first=2, after=page["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["nodes"]] == [str(mine)]
    assert str(unpaid) not in {node["id"] for node in everybody["nodes"]}
    await group_admin.cancel(group_buy_id, now=NOW)
    assert (await teams(None))["nodes"] == []


async def bought_unpaid(group_buy_id: UUID, sku: SkuFacts) -> UUID:
    """Have somebody open a team without paying; returns it."""
    return await team_of(await placed(await a_buyer(), (sku, 1), group_buy_id=group_buy_id))


async def test_the_card_says_how_many_are_wanted(visitor: GraphQLClient) -> None:
    sku = await a_sku(name="苹果")
    group_buy_id = await a_group_buy(sku, team_size=3, price_fen=990)
    team_id, _ = await opened(group_buy_id, sku)
    card = (await asked(visitor, TEAM, id=str(team_id)))["shareCard"]
    scene = target_scene_code(SceneKind.GROUP_BUY_TEAM, team_id)
    assert card == {
        "title": "还差 2 人，¥9.90 拼苹果",
        "imageUrl": "https://example.com/product.png",
        "path": f"pages/group-buy-team/index?id={team_id}",
        "h5Url": f"{BASE_URL}/h5/group-buy-team/{team_id}",
        "miniProgramCodeUrl": f"{BASE_URL}/codes/{scene}.png",
    }
    found = await asked(
        visitor, "query ($c: String!) { scene(sceneCode: $c) { kind targetId } }", c=scene
    )
    assert found == {"kind": "GROUP_BUY_TEAM", "targetId": str(team_id)}
    for _ in range(2):
        await pay(await joined(team_id, sku))
    card = (await asked(visitor, TEAM, id=str(team_id)))["shareCard"]
    assert card["title"] == "苹果，¥9.90 一起拼"


async def test_a_member_finds_their_teams(visitor: GraphQLClient) -> None:
    sku = await a_sku()
    me = await a_buyer()
    first, _ = await opened(await a_group_buy(sku), sku, by=me)
    second, _ = await opened(await a_group_buy(sku), sku)
    lapsing = await joined(second, sku, by=me, now=NOW + timedelta(seconds=1))
    await joined(first, sku)

    async def mine(**arguments: Any) -> Any:
        return (await asked(visitor, MINE, me, **arguments))["groupBuyTeams"]

    found = await mine()
    assert [node["id"] for node in found["nodes"]] == [str(second), str(first)]
    assert [node["myOrder"]["status"] for node in found["nodes"]] == [
        *("AWAITING_PAYMENT", "AWAITING_TEAM")
    ]
    assert found["totalCount"] == 2
    page = await mine(first=1)
    rest = await mine(first=1, after=page["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["nodes"]] == [str(first)]
    await cancelled(lapsing)
    await group_teams.end_due(now=NOW + 48 * HOUR)
    assert [node["status"] for node in (await mine())["nodes"]] == ["FAILED"]
    assert (await mine(s=["SUCCEEDED", "FORMING"]))["nodes"] == []


async def test_pages_cost_the_same_for_one_and_for_twenty(
    visitor: GraphQLClient, statements: StatementLog
) -> None:
    sku, me = await a_sku(stock=500), await a_buyer()
    campaigns = [await a_group_buy(sku) for _ in range(20)]
    for group_buy_id in campaigns:
        await opened(group_buy_id, sku, by=me)
    for _ in range(20):
        await opened(campaigns[0], sku)
    counted = []
    for first in (1, 20):
        async with statements.record() as heard:
            found = await asked(visitor, LIST, me, first=first)
        assert len(found["nodes"]) == first
        mall = len(heard)
        async with statements.record() as heard:
            page = await asked(visitor, CAMPAIGN, me, id=str(campaigns[0]), first=first)
        assert len(page["openTeams"]["nodes"]) == first
        campaign = len(heard)
        async with statements.record() as heard:
            own = (await asked(visitor, MINE, me, first=first))["groupBuyTeams"]
        assert len(own["nodes"]) == first
        counted.append((mall, campaign, len(heard)))
    # The list: campaigns, items, products, SKUs, the viewer's part, how many there are.
    # A campaign: itself, items, the viewer's part, open teams, seats, how many there are.
    # One's own: the teams, seats, campaigns, items, products, viewer, orders, how many there are.
    assert counted == [(6, 6, 8)] * 2


async def test_two_members_buy_together(client: GraphQLClient, wxsim: Simulator) -> None:
    sku = await a_sku(price_fen=20_000)
    group_buy_id = await a_group_buy(sku, price_fen=15_000, now=datetime.now(UTC))
    opener, joiner = await a_shopper(client, wxsim), await a_shopper(client, wxsim)

    def draft(team_id: str | None = None) -> dict[str, Any]:
        lines = [{"skuId": str(sku.id), "quantity": 1}]
        return {"lines": lines, "groupBuyId": str(group_buy_id), "groupBuyTeamId": team_id}

    async def place(who: Shopper, team_id: str | None = None, key: str = "k") -> Any:
        given = {"draft": draft(team_id), "expectedPayable": 15_000, "idempotencyKey": key}
        return (await client.gql(PLACE, {"i": given}, who.token)).data["placeOrder"]

    async def pay_for(who: Shopper, order: Any) -> None:
        await wxsim.pay(prepay_id=await who.prepay(order["id"]), wait=True)
        assert (await who.refresh(order["id"]))["userErrors"] == []

    quote = (await client.gql(QUOTE, {"i": draft()}, opener.token)).data["quoteOrder"]
    assert quote == {
        "payable": 15_000,
        "discounts": [{"kind": "GROUP_BUY", "title": "两人团", "amount": 5_000}],
        "problems": [],
    }
    placed_first = await place(opener)
    order = placed_first["order"]
    assert (order["kind"], order["status"], order["payable"]) == (
        *("GROUP_BUY", "AWAITING_PAYMENT", 15_000),
    )
    team_id = order["groupBuyTeam"]["id"]
    assert order["groupBuyTeam"] == {"id": team_id, "seatsLeft": 1, "joinedByMe": True}
    assert (await place(opener))["order"] == order
    again = await place(opener, key="k2")
    assert [(e["code"], e["path"]) for e in again["userErrors"]] == [
        ("TEAM_ALREADY_JOINED", ["draft", "groupBuyId"])
    ]
    await pay_for(opener, order)
    waiting = await opener.order(order["id"])
    assert (waiting["status"], waiting["actions"]) == ("AWAITING_TEAM", ["SHARE_TEAM"])

    second = (await place(joiner, team_id))["order"]
    late = await place(await a_shopper(client, wxsim), team_id)
    assert (late["order"], late["userErrors"][0]["code"]) == (None, "TEAM_FULL")
    await pay_for(joiner, second)
    for who, placed_order in ((opener, order), (joiner, second)):
        assert (await who.order(placed_order["id"]))["status"] == "AWAITING_SHIPMENT"
    team = (await client.gql(TEAM, {"id": team_id}, joiner.token)).data["groupBuyTeam"]
    assert (team["status"], team["seatsLeft"]) == ("SUCCEEDED", 0)
    await assert_books_agree()
