"""Writing the catalogue: what is refused changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import SaleStatus
from domain.errors import DomainError, InvalidInput, NotFound
from models import database as db
from models.ids import new_id
from services import catalog_admin, stock_admin
from services.catalog_admin import NewCategory, ProductChanges
from tests.factories.catalog import a_category, a_product, a_variant
from tests.factories.shop import NOW

pytestmark = pytest.mark.usefixtures("database")

NOBODY = new_id()
LATER = NOW + timedelta(hours=1)


async def counts() -> tuple[int, ...]:
    row = await db.fetch_one(
        """
        SELECT (SELECT count(*) FROM category), (SELECT count(*) FROM product),
               (SELECT count(*) FROM sku), (SELECT count(*) FROM stock_level),
               (SELECT count(*) FROM product_category), (SELECT count(*) FROM sku_tier_price)
        """
    )
    assert row is not None
    return tuple(row)


async def places(product_id: UUID) -> dict[str, bool]:
    rows = await db.fetch(
        """
        SELECT category.name, place.is_direct
        FROM product_category AS place JOIN category ON category.id = place.category_id
        WHERE place.product_id = $1
        """,
        product_id,
    )
    return {row["name"]: row["is_direct"] for row in rows}


async def test_a_product_stands_in_its_categories_and_all_above() -> None:
    food = await a_category("食品")
    fruit = await a_category("水果", food)
    apples = await a_category("苹果", fruit)
    drinks = await a_category("饮料", food)
    product_id = await a_product("苹果汁", categories=[apples, drinks, fruit])
    assert await places(product_id) == {"苹果": True, "饮料": True, "水果": True, "食品": False}
    await catalog_admin.place_in_categories(product_id, [drinks])
    assert await places(product_id) == {"饮料": True, "食品": False}
    with pytest.raises(NotFound):
        await catalog_admin.place_in_categories(product_id, [fruit, NOBODY])
    assert await places(product_id) == {"饮料": True, "食品": False}
    await catalog_admin.place_in_categories(product_id, [])
    assert await places(product_id) == {}


async def test_only_what_is_given_changes() -> None:
    product_id = await a_product(
        "苹果", subtitle="脆", attributes={"产地": "烟台"}, keywords="水果"
    )
    changes = ProductChanges(subtitle="甜", description_html="<b>x</b><script>y</script>")
    await catalog_admin.update_product(product_id, changes, now=LATER)
    await catalog_admin.update_product(product_id, ProductChanges(), now=LATER)
    row = await db.fetch_one("SELECT * FROM product WHERE id = $1", product_id)
    assert row is not None
    assert (row["name"], row["subtitle"], row["description_html"]) == ("苹果", "甜", "<b>x</b>")
    assert (row["attributes"], row["updated_at"]) == ([{"name": "产地", "value": "烟台"}], LATER)
    text = await db.fetch_value("SELECT text FROM product_text WHERE id = $1", product_id)
    assert text == "苹果 甜 水果"


async def test_an_option_that_comes_later_is_shown() -> None:
    product_id = await a_product("衬衫", a_variant(options={"尺码": "M"}))
    await catalog_admin.add_sku(product_id, a_variant(options={"尺码": "L"}), now=NOW)
    options = await db.fetch_value("SELECT options FROM product WHERE id = $1", product_id)
    assert [value["value"] for value in options[0]["values"]] == ["M", "L"]


REFUSALS: list[tuple[str, Callable[[], Awaitable[Any]], type[DomainError], tuple[str, ...]]] = [
    ("category without a name", lambda: a_category(" "), InvalidInput, ("name",)),
    ("category below nothing", lambda: a_category("水果", NOBODY), NotFound, ("parentId",)),
    ("product without a name", lambda: a_product(" "), InvalidInput, ("name",)),
    (
        "product in no category of ours",
        lambda: a_product("苹果", categories=[NOBODY]),
        NotFound,
        ("categoryIds",),
    ),
    (
        "price below nothing",
        lambda: a_product("苹果", a_variant(), a_variant(-1)),
        InvalidInput,
        ("price",),
    ),
    ("price beyond bounds", lambda: a_product("苹果", a_variant(2**53)), InvalidInput, ("price",)),
    (
        "tier price below nothing",
        lambda: a_product("苹果", a_variant(tier_prices_fen={"GOLD": -1})),
        InvalidInput,
        ("price",),
    ),
    (
        "stock below nothing",
        lambda: a_product("苹果", a_variant(stock=-1)),
        InvalidInput,
        ("stock",),
    ),
    (
        "SKU of no product",
        lambda: catalog_admin.add_sku(NOBODY, a_variant(), now=NOW),
        NotFound,
        ("productId",),
    ),
    (
        "change of no product",
        lambda: catalog_admin.update_product(NOBODY, ProductChanges(name="a"), now=NOW),
        NotFound,
        ("productId",),
    ),
    (
        "status of no product",
        lambda: catalog_admin.set_product_status(NOBODY, SaleStatus.OFF_SALE, now=NOW),
        NotFound,
        ("productId",),
    ),
    (
        "status of no SKU",
        lambda: catalog_admin.set_sku_status(NOBODY, SaleStatus.OFF_SALE, now=NOW),
        NotFound,
        ("skuId",),
    ),
    (
        "price of no SKU",
        lambda: catalog_admin.set_price(NOBODY, 1, now=NOW),
        NotFound,
        ("skuId",),
    ),
    (
        "tier price of no SKU",
        lambda: catalog_admin.set_tier_prices(NOBODY, {"GOLD": 1}, now=NOW),
        NotFound,
        ("skuId",),
    ),
    (
        "price out of bounds",
        lambda: catalog_admin.set_price(NOBODY, -1, now=NOW),
        InvalidInput,
        ("price",),
    ),
    ("stock of no SKU", lambda: stock_admin.restock(NOBODY, 1, now=NOW), NotFound, ("skuId",)),
    ("count of no SKU", lambda: stock_admin.adjust(NOBODY, 1, now=NOW), NotFound, ("skuId",)),
    (
        "delivery of nothing",
        lambda: stock_admin.restock(NOBODY, 0, now=NOW),
        InvalidInput,
        ("pieces",),
    ),
]


@pytest.mark.parametrize(
    ("change", "error", "path"),
    [pytest.param(*rest, id=name) for name, *rest in REFUSALS],
)
async def test_refusals_change_nothing(
    change: Callable[[], Awaitable[Any]], error: type[DomainError], path: tuple[str, ...]
) -> None:
    await a_product("香蕉", categories=[await a_category("水果")])
    before = await counts()
    with pytest.raises(error) as refused:
        await change()
    assert refused.value.path == path
    assert await counts() == before


async def test_a_product_has_one_sku_at_least() -> None:
    wanted = catalog_admin.NewProduct(name="苹果", category_ids=(), skus=())
    with pytest.raises(InvalidInput):
        await catalog_admin.create_product(wanted, now=NOW)
    assert await counts() == (0, 0, 0, 0, 0, 0)


async def test_a_code_is_used_once() -> None:
    await a_product("苹果", a_variant(code="A-1"))
    before = await counts()
    with pytest.raises(InvalidInput) as refused:
        await a_product("香蕉", a_variant(code="B-1"), a_variant(code="A-1"))
    assert refused.value.path == ("code",)
    assert await counts() == before


async def test_siblings_go_by_position() -> None:
    ids = [
        await catalog_admin.create_category(NewCategory(name=name, position=position))
        for name, position in (("乙", 2), ("甲", 1))
    ]
    rows = await db.fetch("SELECT id FROM category ORDER BY position")
    assert [row["id"] for row in rows] == ids[::-1]
