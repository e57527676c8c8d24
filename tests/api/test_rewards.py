"""Rewards over the API: the mall, redeeming, cancelling, the member's records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.app import MallApp
from domain.ledger import EntryReason, SourceKind
from models import database as db
from models.ids import new_id
from services import points, stock_admin
from services.ports import Ports
from tests.factories.rewards import (
    a_code_reward,
    a_goods_reward,
    a_redeemer,
    a_reward,
    cancelled,
    left_of,
    redeemed,
)
from tests.factories.shop import NOW, a_sku, stock_of
from tests.support.catalog import BASE_URL, catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper, assert_books_agree, run_sweeps
from tests.support.simulator import Simulator
from tests.support.statements import StatementLog

MALL = """
query ($first: Int, $after: String, $f: RewardFilter) {
  rewards(first: $first, after: $after, filter: $f) {
    nodes { id name kind imageUrl pointsPrice cashPrice remaining minTier { name }
            perMemberLimit descriptionHtml problem { code message } }
    pageInfo { hasNextPage endCursor } totalCount
  }
}
"""
REWARD = """
query ($id: ID!) { reward(id: $id) {
  id kind sku { id currentPrice } couponTerms { name validityText } problem { code } } }
"""
REDEEM = """
mutation ($i: RedeemRewardInput!) { redeemReward(input: $i) {
  redemption { id status quantity points cash code coupon { id status terms { name } }
               order { id kind status payable shipping } reward { name } }
  member { points { balance } } userErrors { code message path } } }
"""
CANCEL = """
mutation ($i: CancelRedemptionInput!) { cancelRedemption(input: $i) {
  redemption { id status order { status refunded } coupon { status } }
  member { points { balance } } userErrors { code message path } } }
"""
RECORDS = """
query ($s: [RedemptionStatus!], $first: Int, $after: String) { me {
  redemptions(statuses: $s, first: $first, after: $after) {
    nodes { id status quantity points cash createdAt code reward { name imageUrl problem { code } }
            order { id } coupon { id } }
    pageInfo { hasNextPage endCursor } totalCount } } }
"""


@pytest.fixture
async def visitor(database: str) -> GraphQLClient:
    """A client at `NOW`; a token is a member's id."""
    return await catalog_client(NOW)


async def mall(client: GraphQLClient, token: UUID | None = None, **arguments: Any) -> Any:
    answer = await client.gql(MALL, arguments, token=str(token) if token else None)
    return answer.data["rewards"]


def names(found: Any) -> list[str]:
    return [node["name"] for node in found["nodes"]]


async def test_the_mall_shows_what_can_be_redeemed_now(visitor: GraphQLClient) -> None:
    day = timedelta(days=1)
    await a_reward(name="早", position=1)
    await a_reward(name="晚", position=1, image_url="/media/r.png", quantity=3)
    await a_reward(name="推", position=9, min_tier_code="GOLD", description_html="<b>好</b>")
    await a_reward(name="还没开始", starts_at=NOW + day)
    await a_reward(name="结束了", ends_at=NOW)
    found = await mall(visitor)
    assert names(found) == ["推", "晚", "早"]
    assert found["totalCount"] == 3
    first, second, _ = found["nodes"]
    assert (first["minTier"], first["descriptionHtml"]) == ({"name": "金卡"}, "<b>好</b>")
    assert (second["imageUrl"], second["remaining"]) == (f"{BASE_URL}/media/r.png", 3)
    assert [node["problem"] for node in found["nodes"]] == [None] * 3


async def test_the_mall_is_paged_and_filtered(visitor: GraphQLClient) -> None:
    rich = await a_redeemer(points=150)
    for number in range(5):
        await a_reward(name=f"券 {number}", points_price=100 + 25 * number, position=number)
    await a_code_reward("A", points_price=10)
    page = await mall(visitor, first=4)
    assert names(page) == ["券 4", "券 3", "券 2", "券 1"]
    rest = await mall(visitor, first=4, after=page["pageInfo"]["endCursor"])
    assert names(rest) == ["视频会员月卡", "券 0"]
    assert names(await mall(visitor, f={"kind": "VIRTUAL"})) == ["视频会员月卡"]
    assert names(await mall(visitor, rich, f={"kind": "COUPON", "affordable": True})) == [
        *("券 2", "券 1", "券 0")
    ]
    assert names(await mall(visitor, rich, f={"affordable": False})) == ["券 4", "券 3"]
    assert names(await mall(visitor, f={"affordable": True})) == []


async def test_each_viewer_is_told_what_stands_in_their_way(visitor: GraphQLClient) -> None:
    member_id = await a_redeemer(points=100)
    await a_reward(name="无", quantity=1, position=5)
    await redeemed(await a_redeemer(), UUID((await mall(visitor))["nodes"][0]["id"]))
    await a_reward(name="贵", points_price=101, position=4)
    await a_reward(name="高", min_tier_code="GOLD", position=3)
    limited = await a_reward(name="限", points_price=1, per_member_limit=1, position=2)
    await redeemed(member_id, limited)
    await a_reward(name="好", points_price=99, position=1)

    async def problems(token: UUID | None) -> list[str | None]:
        nodes = (await mall(visitor, token))["nodes"]
        return [node["problem"] and node["problem"]["code"] for node in nodes]

    assert await problems(None) == ["REWARD_SOLD_OUT", None, None, None, None]
    assert await problems(member_id) == [
        "REWARD_SOLD_OUT",
        "INSUFFICIENT_POINTS",
        "TIER_TOO_LOW",
        "PURCHASE_LIMIT_REACHED",
        None,
    ]


async def test_goods_that_cannot_be_bought_cannot_be_redeemed(visitor: GraphQLClient) -> None:
    member_id = await a_redeemer(points=1_000, tier="GOLD")
    there = await a_sku(stock=1, limit=1)
    for position, sku in enumerate([there, await a_sku(stock=0), await a_sku(on_sale=False)]):
        await a_goods_reward(sku, position=position)

    async def problems(token: UUID | None) -> list[tuple[str, str] | None]:
        nodes = (await mall(visitor, token))["nodes"]
        return [node["problem"] and tuple(node["problem"].values()) for node in nodes]

    shelf: list[Any] = [("SKU_NOT_FOR_SALE", "苹果已下架。"), ("OUT_OF_STOCK", "苹果已售罄。")]
    assert await problems(None) == await problems(member_id) == [*shelf, None]
    await redeemed(member_id, UUID((await mall(visitor))["nodes"][-1]["id"]))
    await stock_admin.restock(there.id, 5, now=NOW)
    mine = ("PURCHASE_LIMIT_REACHED", "苹果每人限购 1 件，您已购满。")
    assert (await problems(None), await problems(member_id)) == ([*shelf, None], [*shelf, mine])


async def test_the_mall_costs_the_same_for_one_and_for_twenty(
    visitor: GraphQLClient, statements: StatementLog
) -> None:
    member_id = await a_redeemer()
    for _ in range(20):
        await a_goods_reward(await a_sku(), min_tier_code="SILVER", quantity=3)
    await mall(visitor, member_id)
    for first in (1, 20):
        async with statements.record() as heard:
            found = await mall(visitor, member_id, first=first)
        assert len(found["nodes"]) == first
        # The rewards, their goods, the viewer, their counts, and how many there are in all.
        assert len(heard) == 5


async def test_a_reward_shows_what_it_brings(visitor: GraphQLClient) -> None:
    sku = await a_sku(4_990)
    goods, coupon = await a_goods_reward(sku), await a_reward(ends_at=NOW)
    answer = await visitor.gql(REWARD, {"id": str(goods)})
    assert answer.data["reward"] == {
        "id": str(goods),
        "kind": "GOODS",
        "sku": {"id": str(sku.id), "currentPrice": 4_990},
        "couponTerms": None,
        "problem": None,
    }
    answer = await visitor.gql(REWARD, {"id": str(coupon)})
    assert answer.data["reward"]["sku"] is None
    assert answer.data["reward"]["problem"] == {"code": "CAMPAIGN_ENDED"}
    terms = answer.data["reward"]["couponTerms"]
    assert terms["name"] == "满60减5"
    assert "30" in terms["validityText"]
    for unknown in (str(new_id()), "x"):
        assert (await visitor.gql(REWARD, {"id": unknown})).data["reward"] is None


async def test_records_are_listed_newest_first_at_one_price(
    visitor: GraphQLClient, statements: StatementLog
) -> None:
    member_id, other = await a_redeemer(tier="GOLD"), await a_redeemer()
    coupon, goods = await a_reward(points_price=1), await a_goods_reward(await a_sku())
    for number in range(20):
        await redeemed(member_id, coupon, now=NOW + timedelta(seconds=number))
    sent = await redeemed(member_id, goods, now=NOW + timedelta(minutes=1))
    back = await redeemed(member_id, coupon, now=NOW + timedelta(minutes=2))
    await cancelled(member_id, back, now=NOW + timedelta(minutes=3))
    await redeemed(other, coupon)

    async def records(**arguments: Any) -> Any:
        # Codes need the keys of a whole application; they have a test of their own.
        page = RECORDS.replace(" code reward", " reward")
        answer = await visitor.gql(page, arguments, token=str(member_id))
        return answer.data["me"]["redemptions"]

    found = await records(first=3)
    assert [node["id"] for node in found["nodes"][:2]] == [str(back), str(sent)]
    assert [node["status"] for node in found["nodes"]] == [
        *("CANCELLED", "AWAITING_SHIPMENT", "FULFILLED")
    ]
    assert found["totalCount"] == 22
    assert found["nodes"][1]["order"] is not None
    rest = await records(first=50, after=found["pageInfo"]["endCursor"])
    assert len(rest["nodes"]) == 19
    for statuses, count in (
        (["CANCELLED"], 1),
        (["AWAITING_SHIPMENT", "CANCELLED"], 2),
        (["FULFILLED"], 20),
        (["REFUNDED"], 0),
    ):
        assert (await records(s=statuses, first=50))["totalCount"] == count
    costs = []
    for first in (2, 20):
        async with statements.record() as heard:
            await records(first=first)
        costs.append(len(heard))
    assert costs[0] == costs[1]


# ── Whole journeys, with WeChat ──


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


@pytest.fixture
async def shopper(live: str, client: GraphQLClient, wxsim: Simulator) -> Shopper:
    shopper = await a_shopper(client, wxsim)
    await points.grant(
        shopper.member_id,
        1_000,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=NOW,
        expires_at=NOW + timedelta(days=36_500),
    )
    return shopper


async def redeem(shopper: Shopper, reward_id: UUID, **wish: Any) -> Any:
    given = {"rewardId": str(reward_id), "idempotencyKey": str(new_id()), **wish}
    answer = await shopper.client.gql(REDEEM, {"i": given}, shopper.token)
    return answer.data["redeemReward"]


async def cancel(shopper: Shopper, redemption_id: str, **wish: Any) -> Any:
    given = {"redemptionId": redemption_id, "idempotencyKey": str(new_id()), **wish}
    answer = await shopper.client.gql(CANCEL, {"i": given}, shopper.token)
    return answer.data["cancelRedemption"]


async def test_a_coupon_and_a_code(shopper: Shopper) -> None:
    payload = await redeem(shopper, await a_reward())
    redemption = payload["redemption"]
    assert payload["userErrors"] == []
    assert (redemption["status"], redemption["points"]) == ("FULFILLED", 100)
    assert redemption["coupon"]["terms"] == {"name": "满60减5"}
    assert (redemption["coupon"]["status"], redemption["order"]) == ("USABLE", None)
    assert payload["member"]["points"]["balance"] == 900
    payload = await redeem(shopper, await a_code_reward("VIP-0001"))
    assert payload["redemption"]["code"] == "VIP-0001"
    told = await cancel(shopper, payload["redemption"]["id"])
    assert told["userErrors"] == [
        {
            "code": "NOT_ALLOWED",
            "message": "这次兑换已不能取消。",
            "path": ["redemptionId"],
        }
    ]
    told = await cancel(shopper, redemption["id"])
    assert told["redemption"]["status"] == "CANCELLED"
    assert told["redemption"]["coupon"] == {"status": "REVOKED"}
    assert told["member"]["points"]["balance"] == 900
    answer = await shopper.client.gql(RECORDS, {}, shopper.token)
    nodes = answer.data["me"]["redemptions"]["nodes"]
    assert [node["code"] for node in nodes] == ["VIP-0001", None]
    await assert_books_agree()


async def test_goods_for_points_and_cash_are_paid_and_cancelled(
    shopper: Shopper, ports: Ports, wxsim: Simulator
) -> None:
    sku = await a_sku(4_990, stock=5)
    reward_id = await a_goods_reward(sku, points_price=300, cash_price_fen=990, quantity=5)
    payload = await redeem(shopper, reward_id, quantity=2, expectedPayable=1_980)
    assert payload["redemption"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("PRICE_CHANGED", ["expectedPayable"])
    payload = await redeem(shopper, reward_id, quantity=2, expectedPayable=2_780)
    redemption = payload["redemption"]
    assert (redemption["status"], redemption["cash"]) == ("AWAITING_PAYMENT", 1_980)
    order = redemption["order"]
    assert order == {
        "id": order["id"],
        "kind": "REDEMPTION",
        "status": "AWAITING_PAYMENT",
        "payable": 2_780,
        "shipping": 800,
    }
    assert payload["member"]["points"]["balance"] == 400
    prepay_id = await shopper.prepay(order["id"])
    await wxsim.pay(prepay_id=prepay_id, wait=True)
    await run_sweeps(ports)
    told = await cancel(shopper, redemption["id"])
    assert told["redemption"] == {
        "id": redemption["id"],
        "status": "CANCELLED",
        "order": {"status": "REFUNDED", "refunded": 2_780},
        "coupon": None,
    }
    assert told["member"]["points"]["balance"] == 1_000
    assert await stock_of(sku) == {"available": 5, "reserved": 0, "sold": 0}
    assert await left_of(reward_id) == 5
    await run_sweeps(ports)
    await wxsim.advance("1m")
    await run_sweeps(ports, after=timedelta(minutes=2))
    [case] = await db.fetch("SELECT kind, status, amount_fen FROM payment_case")
    assert dict(case) == {
        "kind": "REDEMPTION_CANCELLED",
        "status": "REFUNDED",
        "amount_fen": 2_780,
    }
    await assert_books_agree()


async def test_entries_call_a_reward_by_its_name(shopper: Shopper) -> None:
    goods = await a_goods_reward(await a_sku(), points_price=10, cash_price_fen=100)
    for reward_id in (await a_reward(points_price=10), goods):
        redemption = (await redeem(shopper, reward_id))["redemption"]
        await cancel(shopper, redemption["id"])
    entries = "{ me { points { entries { nodes { title reason } } } } }"
    answer = await shopper.client.gql(entries, {}, shopper.token)
    nodes = answer.data["me"]["points"]["entries"]["nodes"]
    assert [(node["reason"], node["title"].partition("：")[2]) for node in nodes[:4]] == [
        ("REDEMPTION_RETURNED", "马克杯"),
        ("REDEMPTION", "马克杯"),
        ("REDEMPTION_RETURNED", "满60减5券"),
        ("REDEMPTION", "满60减5券"),
    ]


async def test_refusals_name_the_input_at_fault(shopper: Shopper) -> None:
    reward_id = await a_goods_reward(await a_sku(stock=1), points_price=1)

    async def told(wish: dict[str, Any]) -> list[tuple[str, list[str]]]:
        errors = (await redeem(shopper, reward_id, **wish))["userErrors"]
        return [(error["code"], error["path"]) for error in errors]

    assert await told({"quantity": 2}) == [("OUT_OF_STOCK", ["quantity"])]
    for none in (0, -1):
        assert await told({"quantity": none}) == [("INVALID_INPUT", ["quantity"])]
        [error] = (await redeem(shopper, reward_id, quantity=none))["userErrors"]
        assert error["message"] == "数量应为 1 到 99 件。"
    assert await told({"addressId": "x"}) == [("NOT_FOUND", ["addressId"])]
    assert await told({"delivery": "PICKUP"}) == [("STORE_REQUIRED", ["storeId"])]
    assert await told({"rewardId": "x"}) == [("NOT_FOUND", ["rewardId"])]
    assert await told({"idempotencyKey": ""}) == [("INVALID_INPUT", ["idempotencyKey"])]
    assert (await cancel(shopper, "x"))["userErrors"][0]["code"] == "NOT_FOUND"
