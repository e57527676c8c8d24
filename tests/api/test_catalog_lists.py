"""Product lists: orders, filters, cursors, statements."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import SaleStatus
from models import database as db
from services import catalog_admin, product_figures, stock_admin
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.shop import NOW, a_member
from tests.support.catalog import catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

NAMES = """
    query ($first: Int, $after: String, $filter: ProductFilter, $sort: ProductSort) {
        products(first: $first, after: $after, filter: $filter, sort: $sort) {
            nodes { name }
            edges { cursor }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            totalCount
        }
    }
"""
CARDS = """
    query ($first: Int) {
        products(first: $first) {
            nodes {
                id name subtitle images labels sold available
                currentPriceRange { min max } priceRange { min max }
                categories { id name }
                skus {
                    id code options { name value } imageUrl price memberPrice currentPrice
                    currentPriceKind referencePrice { amount label } stock purchaseLimit
                    purchaseLimitLeft
                }
            }
        }
    }
"""


@pytest.fixture
async def client(database: str) -> GraphQLClient:
    return await catalog_client(NOW)


async def names(client: GraphQLClient, **variables: Any) -> list[str]:
    answer = await client.gql(NAMES, variables)
    return [node["name"] for node in answer.data["products"]["nodes"]]


async def sell(product_id: UUID, pieces: int) -> None:
    """Have pieces of a product's only SKU sold, as paid orders do, and the figures refreshed."""
    await db.execute(
        """
        UPDATE stock_level SET available = available - $2, sold = sold + $2, updated_at = $3
        WHERE id IN (SELECT id FROM sku WHERE product_id = $1)
        """,
        product_id,
        pieces,
        NOW,
    )
    await product_figures.refresh(NOW, 100)


async def test_each_order_is_exact(client: GraphQLClient) -> None:
    dear = await a_product("贵", a_variant(5000), published_at=NOW - timedelta(days=3))
    await a_product("便宜", a_variant(500), published_at=NOW - timedelta(days=1))
    middle = await a_product("中间", a_variant(2000), published_at=NOW - timedelta(days=2))
    await a_product("售罄", a_variant(1000, stock=0), published_at=NOW, position=9)
    await a_product("推荐", a_variant(3000), published_at=NOW - timedelta(days=4), position=1)
    await sell(dear, 7)
    await sell(middle, 9)

    assert await names(client) == ["推荐", "中间", "贵", "便宜", "售罄"]
    assert await names(client, sort="NEWEST") == ["售罄", "便宜", "中间", "贵", "推荐"]
    assert (await names(client, sort="BEST_SELLING"))[:2] == ["中间", "贵"]
    assert await names(client, sort="PRICE_ASC") == ["便宜", "售罄", "中间", "推荐", "贵"]
    assert await names(client, sort="PRICE_DESC") == ["贵", "推荐", "中间", "售罄", "便宜"]
    assert await names(client, sort=None, first=None) == ["推荐", "中间", "贵", "便宜", "售罄"]


async def test_only_what_is_on_sale_is_listed(client: GraphQLClient) -> None:
    gone = await a_product("下架")
    await a_product("在售")
    await catalog_admin.set_product_status(gone, SaleStatus.OFF_SALE, now=NOW)
    assert await names(client) == ["在售"]
    await catalog_admin.set_product_status(gone, SaleStatus.ON_SALE, now=NOW)
    assert sorted(await names(client)) == ["下架", "在售"]


async def test_filters_hold_together(client: GraphQLClient) -> None:
    fruit = await a_category("水果")
    apples = await a_category("苹果类", fruit)
    await a_product("红富士苹果", a_variant(999), categories=[apples])
    await a_product("进口苹果", a_variant(2999), categories=[apples])
    await a_product("香蕉", a_variant(499), categories=[fruit])
    await a_product("苹果醋", a_variant(1500))
    await a_product("青苹果", a_variant(1000, stock=0), categories=[apples])

    async def found(**filter_: Any) -> list[str]:
        return await names(client, filter=filter_, sort="PRICE_ASC")

    below = ["香蕉", "红富士苹果", "青苹果", "进口苹果"]
    assert await found(categoryId=str(fruit)) == below
    assert await found(categoryId=str(apples)) == ["红富士苹果", "青苹果", "进口苹果"]
    assert await found(categoryId=str(fruit), inStock=True) == ["香蕉", "红富士苹果", "进口苹果"]
    assert await found(inStock=False) == ["青苹果"]
    assert await found(minPrice=999, maxPrice=1500) == ["红富士苹果", "青苹果", "苹果醋"]
    assert await found(minPrice=1501, maxPrice=1499) == []
    assert await found(keyword="苹果", categoryId=str(fruit), maxPrice=999) == ["红富士苹果"]
    assert await found(categoryId=str(await a_category("空"))) == []
    assert await found(categoryId="no-such-id") == []
    assert await found(keyword=None, categoryId=None, inStock=None, minPrice=None) == [
        "香蕉",
        "红富士苹果",
        "青苹果",
        "苹果醋",
        "进口苹果",
    ]


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("苹果", ["红苹果 iPhone壳", "苹果醋 100%果汁"]),
        ("果", ["红苹果 iPhone壳", "苹果醋 100%果汁"]),
        ("果苹", []),
        ("IPHONE", ["红苹果 iPhone壳"]),
        ("ｉｐｈｏｎｅ壳", ["红苹果 iPhone壳"]),
        ("phone 苹果", ["红苹果 iPhone壳"]),
        ("苹果　果汁", ["苹果醋 100%果汁"]),
        ("100%", ["苹果醋 100%果汁"]),
        ("10%", []),
        ("_", []),
        ("%", []),
        ("100_果", []),
        ("\\", []),
        ("牛奶", ["特仑苏"]),
        ("早餐", ["特仑苏"]),
        ("  ", ["特仑苏", "红苹果 iPhone壳", "苹果醋 100%果汁"]),
        ("", ["特仑苏", "红苹果 iPhone壳", "苹果醋 100%果汁"]),
        ("' OR 1=1 --", []),
        ("\x00", ["特仑苏", "红苹果 iPhone壳", "苹果醋 100%果汁"]),
        ("苹" * 64, []),
    ],
)
async def test_search(client: GraphQLClient, keyword: str, expected: list[str]) -> None:
    await a_product("红苹果 iPhone壳", a_variant(3000))
    await a_product("苹果醋 100%果汁", a_variant(2000))
    await a_product("特仑苏", a_variant(4000), subtitle="纯牛奶", keywords="早餐 乳品")
    found = await names(client, filter={"keyword": keyword}, sort="PRICE_DESC")
    assert found == expected


async def test_search_follows_a_changed_name(client: GraphQLClient) -> None:
    product_id = await a_product("红苹果")
    changes = catalog_admin.ProductChanges(name="青苹果", subtitle="脆甜")
    await catalog_admin.update_product(product_id, changes, now=NOW)
    assert await names(client, filter={"keyword": "红苹"}) == []
    assert await names(client, filter={"keyword": "青苹 脆甜"}) == ["青苹果"]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"first": 0}, "first"),
        ({"first": 101}, "first"),
        ({"after": "nonsense"}, "after"),
        ({"after": "W10"}, "after"),
        ({"filter": {"keyword": "a" * 65}}, "filter.keyword"),
    ],
)
async def test_wrong_arguments_are_named(
    client: GraphQLClient, variables: dict[str, Any], argument: str
) -> None:
    answer = await client.gql(NAMES, variables)
    assert answer.error_codes == ["BAD_REQUEST"]
    assert answer.errors[0]["extensions"]["argument"] == argument


async def test_a_cursor_of_another_order_is_refused(client: GraphQLClient) -> None:
    await a_product("甲")
    page = (await client.gql(NAMES, {"sort": "NEWEST"})).data["products"]
    answer = await client.gql(NAMES, {"sort": "PRICE_ASC", "after": page["pageInfo"]["endCursor"]})
    assert answer.errors[0]["extensions"] == {"code": "BAD_REQUEST", "argument": "after"}


@pytest.mark.parametrize(
    "sort", ["RECOMMENDED", "NEWEST", "BEST_SELLING", "PRICE_ASC", "PRICE_DESC"]
)
async def test_pages_run_through_ties(client: GraphQLClient, sort: str) -> None:
    for number in range(7):
        await a_product(f"商品{number}", a_variant(1000))
    whole = await names(client, sort=sort)
    assert sorted(whole) == [f"商品{number}" for number in range(7)]

    walked: list[str] = []
    after = None
    sizes = []
    while True:
        page = (await client.gql(NAMES, {"first": 3, "after": after, "sort": sort})).data[
            "products"
        ]
        walked += [node["name"] for node in page["nodes"]]
        sizes.append(len(page["nodes"]))
        info = page["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        assert info["startCursor"] == page["edges"][0]["cursor"]
        assert info["endCursor"] == page["edges"][-1]["cursor"]
        assert page["totalCount"] == 7
        after = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert walked == whole
    assert sizes == [3, 3, 1]


async def test_an_empty_list(client: GraphQLClient) -> None:
    page = (await client.gql(NAMES)).data["products"]
    assert page == {
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "totalCount": 0,
    }


async def test_a_page_goes_on_after_what_was_read_while_the_list_changes(
    client: GraphQLClient,
) -> None:
    """What stood at the cursor may be gone, and new products may have come before it."""
    ids = {name: await a_product(name, a_variant(fen)) for name, fen in PRICED.items()}
    first = (await client.gql(NAMES, {"first": 2, "sort": "PRICE_ASC"})).data["products"]
    assert [node["name"] for node in first["nodes"]] == ["一元", "二元"]

    await catalog_admin.set_product_status(ids["二元"], SaleStatus.OFF_SALE, now=NOW)
    await a_product("五毛", a_variant(50))
    await a_product("二元五", a_variant(250))
    after = first["pageInfo"]["endCursor"]
    assert await names(client, sort="PRICE_ASC", after=after) == ["二元五", "三元", "四元"]


PRICED = {"一元": 100, "二元": 200, "三元": 300, "四元": 400}


async def test_edges_are_shown_whether_or_not_cursors_are_asked_for(client: GraphQLClient) -> None:
    await a_product("苹果", a_variant(1000))
    plain = await client.gql("{ products { edges { node { name } } } }")
    assert plain.data == {"products": {"edges": [{"node": {"name": "苹果"}}]}}
    with_cursor = await client.gql("{ products { edges { cursor } pageInfo { endCursor } } }")
    page = with_cursor.data["products"]
    assert page["edges"] == [{"cursor": page["pageInfo"]["endCursor"]}]


async def test_statements_of_a_page_do_not_grow(
    client: GraphQLClient, statements: StatementLog
) -> None:
    """A page of cards with SKUs, prices of the viewer's tier, stock and categories takes one."""
    member_id = await a_member(tier="GOLD")
    category = await a_category("水果")
    for number in range(20):
        await a_product(
            f"商品{number}",
            a_variant(1000),
            a_variant(2000, purchase_limit=3),
            categories=[category],
        )
    counts = []
    for first in (1, 20):
        async with statements.record() as heard:
            answer = await client.gql(CARDS, {"first": first}, token=str(member_id))
        nodes = answer.data["products"]["nodes"]
        assert len(nodes) == first
        assert {len(node["skus"]) for node in nodes} == {2}
        assert nodes[0]["currentPriceRange"] == {"min": 950, "max": 1900}
        counts.append(len(heard))
    assert counts == [1, 1]


async def test_total_count_is_read_only_when_asked_for(
    client: GraphQLClient, statements: StatementLog
) -> None:
    await a_product()
    async with statements.record() as heard:
        await client.gql("{ products { nodes { id name priceRange { min } } } }")
    assert len(heard) == 1


async def test_stock_comes_and_goes(client: GraphQLClient) -> None:
    product_id = await a_product("苹果", a_variant(1000, stock=1))
    sku_id = await db.fetch_value("SELECT id FROM sku WHERE product_id = $1", product_id)
    await stock_admin.adjust(sku_id, -1, now=NOW)
    assert await product_figures.refresh(NOW, 100) == 1
    assert await names(client, filter={"inStock": True}) == []
    await stock_admin.restock(sku_id, 5, now=NOW)
    assert await product_figures.refresh(NOW, 100) == 1
    assert await names(client, filter={"inStock": True}) == ["苹果"]
