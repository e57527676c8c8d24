"""One product: its prices for each viewer, stock, limits, labels, description, card for sharing."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import PriceLabel, SaleStatus
from domain.members import SceneKind
from domain.rules import CatalogRules, Rules, TierRules
from domain.scenes import read_target_scene_code
from models import database as db
from models.catalog import PurchaseCount, SkuDailyLow
from services import catalog_admin, product_figures, rules, stock_admin
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.shop import NOW, a_member
from tests.support.catalog import catalog_client
from tests.support.graphql import GraphQLClient
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")

PAGE = """
    query ($id: ID!) {
        product(id: $id) {
            id name subtitle images labels sold available descriptionHtml noReasonReturn
            priceRange { min max } currentPriceRange { min max }
            attributes { name value } options { name values { value imageUrl } }
            categories { name }
            skus {
                code options { name value } imageUrl price memberPrice currentPrice currentPriceKind
                referencePrice { amount label } stock purchaseLimit purchaseLimitLeft
                product { name }
            }
            shareCard { title imageUrl path h5Url miniProgramCodeUrl }
        }
    }
"""
TODAY = date(2026, 11, 22)


@pytest.fixture
async def client(database: str) -> GraphQLClient:
    return await catalog_client(NOW)


async def product(client: GraphQLClient, id_: object, token: object = None, **headers: str) -> Any:
    answer = await client.gql(
        PAGE, {"id": str(id_)}, token=str(token) if token else None, headers=headers
    )
    return answer.data["product"]


async def sku_ids(product_id: UUID) -> list[UUID]:
    rows = await db.fetch("SELECT id FROM sku WHERE product_id = $1 ORDER BY position", product_id)
    return [row["id"] for row in rows]


async def test_everything_told_of_a_product(client: GraphQLClient) -> None:
    fruit = await a_category("水果")
    apples = await a_category("苹果类", fruit)
    product_id = await a_product(
        "红富士苹果",
        a_variant(
            2990,
            code="A-1",
            options={"规格": "5 斤", "果径": "80mm"},
            stock=11,
            image_url="/media/a.png",
        ),
        a_variant(
            5590,
            code="A-2",
            options={"规格": "10 斤", "果径": "80mm"},
            stock=10,
            image_url="https://cdn.example/b.png",
            purchase_limit=2,
        ),
        categories=[apples],
        subtitle="脆甜多汁",
        images=["/media/a.png", "https://cdn.example/b.png"],
        attributes={"产地": "山东烟台"},
        description_html="<p>好吃</p><script>alert(1)</script>",
        no_reason_return=False,
        published_at=NOW - timedelta(days=30),
    )
    shown = await product(client, product_id)
    card = shown.pop("shareCard")
    assert shown == {
        "id": str(product_id),
        "name": "红富士苹果",
        "subtitle": "脆甜多汁",
        "images": ["https://mall.example/media/a.png", "https://cdn.example/b.png"],
        "labels": ["新品", "限购"],
        "sold": 0,
        "available": True,
        "descriptionHtml": "<p>好吃</p>",
        "noReasonReturn": False,
        "priceRange": {"min": 2990, "max": 5590},
        "currentPriceRange": {"min": 2990, "max": 5590},
        "attributes": [{"name": "产地", "value": "山东烟台"}],
        "options": [
            {
                "name": "规格",
                "values": [
                    {"value": "5 斤", "imageUrl": "https://mall.example/media/a.png"},
                    {"value": "10 斤", "imageUrl": "https://cdn.example/b.png"},
                ],
            },
            {"name": "果径", "values": [{"value": "80mm", "imageUrl": None}]},
        ],
        "categories": [{"name": "苹果类"}],
        "skus": [
            {
                "code": "A-1",
                "options": [{"name": "规格", "value": "5 斤"}, {"name": "果径", "value": "80mm"}],
                "imageUrl": "https://mall.example/media/a.png",
                "price": 2990,
                "memberPrice": 2990,
                "currentPrice": 2990,
                "currentPriceKind": None,
                "referencePrice": None,
                "stock": "IN_STOCK",
                "purchaseLimit": None,
                "purchaseLimitLeft": None,
                "product": {"name": "红富士苹果"},
            },
            {
                "code": "A-2",
                "options": [{"name": "规格", "value": "10 斤"}, {"name": "果径", "value": "80mm"}],
                "imageUrl": "https://cdn.example/b.png",
                "price": 5590,
                "memberPrice": 5590,
                "currentPrice": 5590,
                "currentPriceKind": None,
                "referencePrice": None,
                "stock": "LOW",
                "purchaseLimit": 2,
                "purchaseLimitLeft": 2,
                "product": {"name": "红富士苹果"},
            },
        ],
    }
    code = card.pop("miniProgramCodeUrl").removeprefix("https://mall.example/codes/")
    assert read_target_scene_code(code.removesuffix(".png")) == (SceneKind.PRODUCT, product_id)
    assert card == {
        "title": "红富士苹果",
        "imageUrl": "https://mall.example/media/a.png",
        "path": f"pages/product/index?id={product_id}",
        "h5Url": f"https://mall.example/h5/product/{product_id}",
    }


async def test_without_a_picture_the_card_has_the_shops(client: GraphQLClient) -> None:
    shown = await product(client, await a_product())
    assert shown["images"] == []
    assert shown["shareCard"]["imageUrl"] == "https://mall.example/media/share.png"


@pytest.mark.parametrize("id_", ["", "nonsense", "0" * 36, "00000000-0000-0000-0000-000000000000"])
async def test_no_such_product(client: GraphQLClient, id_: str) -> None:
    assert await product(client, id_) is None


@pytest.mark.parametrize(
    ("tier", "price", "range_", "kind"),
    [
        (None, 949, {"min": 949, "max": 9999}, None),
        ("REGULAR", 949, {"min": 949, "max": 9999}, None),
        ("SILVER", 930, {"min": 930, "max": 8888}, "MEMBER_PRICE"),
        ("GOLD", 902, {"min": 902, "max": 9499}, "MEMBER_PRICE"),
    ],
)
async def test_prices_of_each_tier(
    client: GraphQLClient, tier: str | None, price: int, range_: dict[str, int], kind: str | None
) -> None:
    """949 × 98 % = 930.02, × 95 % = 901.55; SILVER has a price of its own for the second."""
    product_id = await a_product(
        "苹果", a_variant(949), a_variant(9999, tier_prices_fen={"SILVER": 8888})
    )
    viewer = await a_member(tier=tier) if tier else None
    shown = await product(client, product_id, viewer)
    first = shown["skus"][0]
    assert (first["price"], first["memberPrice"], first["currentPrice"]) == (949, price, price)
    assert first["currentPriceKind"] == kind
    assert shown["currentPriceRange"] == range_
    assert shown["priceRange"] == {"min": 949, "max": 9999}
    assert ("会员价" in shown["labels"]) == (kind is not None)


async def test_a_tier_that_the_rules_dropped_has_no_prices(client: GraphQLClient) -> None:
    only = Rules(tiers=(TierRules("REGULAR", "普卡", "Regular", 0, 0),))
    await rules.publish(only, effective_at=NOW - timedelta(days=1), now=NOW)
    product_id = await a_product("苹果", a_variant(1000, tier_prices_fen={"GOLD": 1}))
    viewer = await a_member(tier="GOLD")
    assert (await product(client, product_id, viewer))["skus"][0]["currentPrice"] == 1000


async def test_a_changed_price_is_seen_at_once(client: GraphQLClient) -> None:
    product_id = await a_product("苹果", a_variant(1000), a_variant(2000))
    cheap, dear = await sku_ids(product_id)
    await catalog_admin.set_price(dear, 3000, now=NOW)
    await catalog_admin.set_tier_prices(cheap, {"SILVER": 700}, now=NOW)
    viewer = await a_member(tier="SILVER")
    shown = await product(client, product_id, viewer)
    assert shown["priceRange"] == {"min": 1000, "max": 3000}
    assert shown["currentPriceRange"] == {"min": 700, "max": 2940}


async def test_off_sale_and_out_of_stock_say_so(client: GraphQLClient) -> None:
    product_id = await a_product("苹果", a_variant(1000, stock=5), a_variant(2000, stock=0))
    has, out = await sku_ids(product_id)

    shown = await product(client, product_id)
    assert shown["available"]
    assert [sku["stock"] for sku in shown["skus"]] == ["LOW", "OUT"]

    await catalog_admin.set_sku_status(has, SaleStatus.OFF_SALE, now=NOW)
    shown = await product(client, product_id)
    assert not shown["available"]
    assert [sku["price"] for sku in shown["skus"]] == [2000]
    assert shown["priceRange"] == {"min": 2000, "max": 2000}

    await catalog_admin.set_sku_status(has, SaleStatus.ON_SALE, now=NOW)
    await stock_admin.restock(out, 100, now=NOW)
    await catalog_admin.set_product_status(product_id, SaleStatus.OFF_SALE, now=NOW)
    shown = await product(client, product_id)
    assert not shown["available"]
    assert [sku["stock"] for sku in shown["skus"]] == ["OUT", "OUT"]
    assert shown["priceRange"] == {"min": 1000, "max": 2000}


async def test_what_a_limit_leaves(client: GraphQLClient) -> None:
    product_id = await a_product("苹果", a_variant(1000, purchase_limit=3))
    (sku_id,) = await sku_ids(product_id)
    buyer, greedy, other = await a_member(), await a_member(), await a_member()
    await PurchaseCount.create(member_id=buyer, sku_id=sku_id, pieces=2)
    await PurchaseCount.create(member_id=greedy, sku_id=sku_id, pieces=4)
    left = [
        (await product(client, product_id, viewer))["skus"][0]["purchaseLimitLeft"]
        for viewer in (None, buyer, greedy, other)
    ]
    assert left == [3, 1, 0, 3]


@pytest.mark.parametrize(
    ("lows", "label", "expected"),
    [
        ({}, None, None),
        ({1: 1500}, None, (1500, "近7天最低成交价")),
        ({1: 1500, 7: 1200}, None, (1200, "近7天最低成交价")),
        ({8: 1100, 7: 1200}, None, (1200, "近7天最低成交价")),
        ({0: 1500}, None, None),
        ({1: 1000}, None, None),
        ({1: 900, 2: 2000}, None, None),
        ({}, (1999, PriceLabel.TAG_PRICE), (1999, "吊牌价")),
        ({}, (1999, PriceLabel.SUGGESTED_RETAIL_PRICE), (1999, "建议零售价")),
        ({}, (1000, PriceLabel.TAG_PRICE), None),
        ({1: 900}, (1999, PriceLabel.TAG_PRICE), (1999, "吊牌价")),
        ({1: 1500}, (1999, PriceLabel.TAG_PRICE), (1500, "近7天最低成交价")),
    ],
)
async def test_struck_through_prices(
    client: GraphQLClient,
    lows: dict[int, int],
    label: tuple[int, PriceLabel] | None,
    expected: tuple[int, str] | None,
) -> None:
    """`lows` are the lowest prices paid by how many days ago; the price now is ¥10.00."""
    price, kind = label or (None, None)
    product_id = await a_product("苹果", a_variant(1000, label_price_fen=price, label_kind=kind))
    (sku_id,) = await sku_ids(product_id)
    for days_ago, fen in lows.items():
        day = TODAY - timedelta(days=days_ago)
        await SkuDailyLow.create(sku_id=sku_id, day=day, price_fen=fen)
    shown = (await product(client, product_id))["skus"][0]["referencePrice"]
    assert shown == (expected and {"amount": expected[0], "label": expected[1]})


async def test_labels_follow_the_rules_and_the_language(client: GraphQLClient) -> None:
    changed = Rules(catalog=CatalogRules(new_for_days=1, best_seller_pieces=2, low_stock_pieces=1))
    await rules.publish(changed, effective_at=NOW - timedelta(days=1), now=NOW)
    product_id = await a_product(
        "苹果", a_variant(1000, stock=4), published_at=NOW - timedelta(days=1, seconds=1)
    )
    await db.execute("UPDATE stock_level SET available = 2, sold = 2, updated_at = $1", NOW)
    await product_figures.refresh(NOW, 10)
    viewer = await a_member(tier="GOLD")
    headers = {"accept-language": "en"}
    shown = await product(client, product_id, viewer, **headers)
    assert shown["labels"] == ["Member price", "Best seller"]
    assert shown["skus"][0]["stock"] == "IN_STOCK"
    assert shown["sold"] == 2


async def test_statements_of_a_page(client: GraphQLClient, statements: StatementLog) -> None:
    """The product with its SKUs and categories, and the SKUs' product."""
    category = await a_category("水果")
    counts = []
    for number in (1, 20):
        product_id = await a_product(
            "苹果",
            *(a_variant(1000 + each) for each in range(number)),
            categories=[category],
            description_html="<p>好吃</p>",
        )
        await product(client, product_id)
        async with statements.record() as heard:
            shown = await product(client, product_id)
        assert len(shown["skus"]) == number
        counts.append(len(heard))
    assert counts == [2, 2]


async def test_descriptions_of_a_list_are_read_together(
    client: GraphQLClient, statements: StatementLog
) -> None:
    for number in range(3):
        await a_product(f"商品{number}", description_html=f"<p>{number}</p>")
    asked = "{ products(sort: NEWEST) { nodes { name descriptionHtml } } }"
    await client.gql(asked)
    async with statements.record() as heard:
        answer = await client.gql(asked)
    nodes = answer.data["products"]["nodes"]
    assert {node["name"]: node["descriptionHtml"] for node in nodes} == {
        "商品0": "<p>0</p>",
        "商品1": "<p>1</p>",
        "商品2": "<p>2</p>",
    }
    assert len(heard) == 1
