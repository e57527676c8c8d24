"""The category tree, suggestions, banners and stores."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import BannerSlot, SaleStatus
from domain.rules import Rules
from models.catalog import Banner, Store
from services import catalog_admin, rules
from tests.factories.catalog import a_category, a_product
from tests.factories.shop import NOW, a_sku
from tests.support.catalog import catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

STORES = """
    query ($near: GeoPointInput, $filter: StoreFilter, $first: Int, $after: String) {
        stores(near: $near, filter: $filter, first: $first, after: $after) {
            nodes { name distanceMetres }
            pageInfo { hasNextPage endCursor }
            totalCount
        }
    }
"""
PEOPLES_SQUARE = {"latitude": 31.230416, "longitude": 121.473701}


@pytest.fixture
async def client(database: str) -> GraphQLClient:
    return await catalog_client(NOW)


async def test_the_tree_of_categories(client: GraphQLClient, statements: StatementLog) -> None:
    drinks = await a_category("饮料", position=2)
    fruit = await a_category("水果", position=1)
    await a_category("梨", fruit, position=2)
    apples = await a_category("苹果", fruit, position=1)
    await a_category("红富士", apples)
    await a_category("茶", drinks)
    async with statements.record() as heard:
        answer = await client.gql("{ categories { name children { name children { name } } } }")
    assert answer.data["categories"] == [
        {
            "name": "水果",
            "children": [
                {"name": "苹果", "children": [{"name": "红富士"}]},
                {"name": "梨", "children": []},
            ],
        },
        {"name": "饮料", "children": [{"name": "茶", "children": []}]},
    ]
    assert len(heard) == 3


async def suggestions(client: GraphQLClient, text: str, first: int = 10) -> list[str]:
    asked = "query ($t: String!, $n: Int) { searchSuggestions(text: $t, first: $n) }"
    found: list[str] = (await client.gql(asked, {"t": text, "n": first})).data["searchSuggestions"]
    return found


async def test_suggestions_begin_with_what_begins_so(client: GraphQLClient) -> None:
    published = Rules(hot_searches=("有机苹果", "苹果", "洗发水"))
    await rules.publish(published, effective_at=NOW - timedelta(days=1), now=NOW)
    await a_category("苹果梨")
    await a_category("水果 苹果")
    await a_product("青苹果汁")
    await a_product("苹果醋")
    await a_product("苹果醋")
    await a_product("香蕉", subtitle="比苹果好吃")
    gone = await a_product("下架苹果")
    await catalog_admin.set_product_status(gone, SaleStatus.OFF_SALE, now=NOW)
    assert await suggestions(client, "苹果") == [
        "苹果",
        "苹果梨",
        "苹果醋",
        "有机苹果",
        "水果 苹果",
        "青苹果汁",
    ]
    assert await suggestions(client, "苹果", first=2) == ["苹果", "苹果梨"]
    assert await suggestions(client, "果汁") == ["青苹果汁"]
    assert await suggestions(client, "") == ["有机苹果", "苹果", "洗发水"]
    assert await suggestions(client, "没有") == []
    assert await suggestions(client, "%") == []
    assert await suggestions(client, "_") == []


async def test_suggestions_are_bounded(client: GraphQLClient) -> None:
    asked = "query ($t: String!, $n: Int) { searchSuggestions(text: $t, first: $n) }"
    for variables, argument in (
        ({"t": "a" * 65, "n": 10}, "text"),
        ({"t": "a", "n": 0}, "first"),
        ({"t": "a", "n": 101}, "first"),
    ):
        answer = await client.gql(asked, variables)
        assert answer.errors[0]["extensions"] == {"code": "BAD_REQUEST", "argument": argument}


async def test_banners_of_a_slot_within_their_window(client: GraphQLClient) -> None:
    hour = timedelta(hours=1)
    for title, slot, position, starts_at, ends_at in (
        ("第二", BannerSlot.HOME, 2, None, None),
        ("第一", BannerSlot.HOME, 1, NOW, NOW + hour),
        ("还没", BannerSlot.HOME, 0, NOW + hour, None),
        ("过了", BannerSlot.HOME, 0, None, NOW),
        ("别处", BannerSlot.LAUNCH, 0, None, None),
    ):
        await Banner.create(
            slot=slot,
            title=title,
            image_url="/media/b.png",
            link="pages/home/index",
            position=position,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    answer = await client.gql("{ banners(slot: HOME) { title imageUrl link } }")
    assert answer.data["banners"] == [
        {
            "title": title,
            "imageUrl": "https://mall.example/media/b.png",
            "link": "pages/home/index",
        }
        for title in ("第一", "第二")
    ]


async def a_shop(name: str, latitude: float, longitude: float, **facts: Any) -> None:
    await Store.create(
        name=name, address=f"{name}路 1 号", latitude=latitude, longitude=longitude, **facts
    )


async def stores(client: GraphQLClient, **variables: Any) -> list[tuple[str, int | None]]:
    nodes = (await client.gql(STORES, variables)).data["stores"]["nodes"]
    return [(node["name"], node["distanceMetres"]) for node in nodes]


async def test_stores_by_distance(client: GraphQLClient) -> None:
    """On a sphere of 6 371 008.8 m a degree of latitude is 111 195 m."""
    await a_shop("南", 30.230416, 121.473701)
    await a_shop("原地", 31.230416, 121.473701)
    await a_shop("对面", -31.230416, -58.526299)
    await a_shop("关门", 31.230416, 121.473701, is_open=False)
    await a_shop("北京", 39.908722, 116.397499)
    assert await stores(client, near=PEOPLES_SQUARE) == [
        ("原地", 0),
        ("南", 111195),
        ("北京", 1068141),
        ("对面", 20015114),
    ]
    assert await stores(client) == [("北京", None), ("南", None), ("原地", None), ("对面", None)]


@pytest.mark.parametrize("near", [None, PEOPLES_SQUARE])
async def test_store_pages_run_through_ties(client: GraphQLClient, near: Any) -> None:
    for _ in range(5):
        await a_shop("同名", 31.0, 121.0)
    seen: list[str] = []
    after = None
    while True:
        asked = """
            query ($near: GeoPointInput, $after: String) {
                stores(near: $near, first: 2, after: $after) {
                    nodes { id } pageInfo { hasNextPage endCursor } totalCount
                }
            }
        """
        page = (await client.gql(asked, {"near": near, "after": after})).data["stores"]
        assert page["totalCount"] == 5
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_store_filters(client: GraphQLClient) -> None:
    await a_shop("人民广场店", 31.2, 121.4, city="上海市")
    await a_shop("西湖店", 30.2, 120.1, city="杭州", supports_pickup=False)
    await a_shop("100%店", 30.2, 120.1, city="杭州")

    async def found(**filter_: Any) -> list[str]:
        return [name for name, _ in await stores(client, filter=filter_)]

    assert await found(city="上海") == ["人民广场店"]
    assert await found(city=" 杭州市 ") == ["100%店", "西湖店"]
    assert await found(supportsPickup=True) == ["100%店", "人民广场店"]
    assert await found(supportsPickup=False) == ["西湖店"]
    assert await found(keyword="广场") == ["人民广场店"]
    assert await found(keyword="西湖店路") == ["西湖店"]
    assert await found(keyword="杭州", supportsPickup=True) == ["100%店"]
    assert await found(keyword="0%店") == ["100%店"]
    assert await found(keyword="%") == ["100%店"]
    assert await found(keyword="_") == []
    assert await found(city="", keyword=" ", supportsPickup=None) == [
        "100%店",
        "人民广场店",
        "西湖店",
    ]


async def test_stores_that_can_hand_out_the_goods(client: GraphQLClient) -> None:
    await a_shop("自提店", 31.2, 121.4)
    await a_shop("体验店", 31.2, 121.4, supports_pickup=False)
    three, gone = await a_sku(stock=3), await a_sku(on_sale=False)

    async def found(*lines: tuple[UUID | str, int]) -> list[str]:
        wanted = [{"skuId": str(sku), "quantity": quantity} for sku, quantity in lines]
        return [name for name, _ in await stores(client, filter={"inStock": wanted})]

    assert await found((three.id, 3)) == ["自提店"]
    assert await found((three.id, 2), (three.id, 1)) == ["自提店"]
    assert await found((three.id, 2), (three.id, 2)) == []
    assert await found((three.id, 4)) == []
    assert await found((gone.id, 1)) == []
    assert await found(("nonsense", 1)) == []
    assert await found() == ["体验店", "自提店"]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"near": {"latitude": 90.1, "longitude": 0}}, "near.latitude"),
        ({"near": {"latitude": -91, "longitude": 0}}, "near.latitude"),
        ({"near": {"latitude": 0, "longitude": 180.5}}, "near.longitude"),
        ({"filter": {"keyword": "a" * 65}}, "filter.keyword"),
        ({"filter": {"city": "a" * 65}}, "filter.city"),
        ({"filter": {"inStock": [{"skuId": "x", "quantity": 0}]}}, "filter.inStock.0.quantity"),
        ({"filter": {"inStock": [{"skuId": "x", "quantity": 1}] * 101}}, "filter.inStock"),
        ({"first": 101}, "first"),
        ({"after": "W10", "near": PEOPLES_SQUARE}, "after"),
    ],
)
async def test_wrong_store_arguments_are_named(
    client: GraphQLClient, variables: dict[str, Any], argument: str
) -> None:
    answer = await client.gql(STORES, variables)
    assert answer.errors[0]["extensions"] == {"code": "BAD_REQUEST", "argument": argument}


async def test_the_poles_and_the_date_line_are_on_the_map(client: GraphQLClient) -> None:
    await a_shop("极点", 90, 0)
    await a_shop("日界线", 0, 180)
    near = {"latitude": -90, "longitude": -180}
    assert await stores(client, near=near) == [("日界线", 10007557), ("极点", 20015114)]
    at_the_line = {"latitude": 0, "longitude": -180}
    assert (await stores(client, near=at_the_line))[0] == ("日界线", 0)
