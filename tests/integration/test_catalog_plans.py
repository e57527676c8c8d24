"""No first page of a large catalogue reads a whole table."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.catalog import ProductSort
from loaders.catalog import categories_by_product_id, skus_by_product_id
from models import database as db
from models.catalog_rows import SkuView
from services import catalog, product_figures, product_search
from services.catalog import ProductQuery
from services.pages import PageRequest
from tests.factories.catalog import a_category
from tests.factories.shop import NOW, a_member

PRODUCTS = 20_000
LARGE = {"product", "product_text", "product_category", "sku", "stock_level"}


FILL = (
    """
    INSERT INTO product (
        id, name, subtitle, images, description_html, attributes, options, keywords, status,
        no_reason_return, position, published_at, sold, min_price_fen, max_price_fen, in_stock,
        created_at, updated_at)
    SELECT md5('product' || n)::uuid,
           (ARRAY['红苹果 APPLE ', '牛奶 MILK ', '面包 BREAD ', '洗衣液 SOAP '])[n % 4 + 1] || n,
           '', '[]', '', '[]', '[]', '', CASE WHEN n % 10 = 0 THEN 'OFF_SALE' ELSE 'ON_SALE' END,
           true, 0, $1::timestamptz - n * interval '1 minute', n * 7919 % 5000, n * 31 % 100000,
           n * 31 % 100000, n % 9 <> 0, $1, $1
    FROM generate_series(0, $2::int - 1) AS n
    """,
    """
    INSERT INTO sku (
        id, product_id, code, options, price_fen, weight_grams, status, position, created_at,
        updated_at)
    SELECT md5('sku' || n)::uuid, md5('product' || n)::uuid, 'code' || n, '[]', n * 31 % 100000,
           0, 'ON_SALE', 0, $1, $1::timestamptz - interval '1 day'
    FROM generate_series(0, $2::int - 1) AS n
    """,
    """
    INSERT INTO stock_level (
        id, initial, restocked, adjusted, available, reserved, sold, set_aside, updated_at)
    SELECT md5('sku' || n)::uuid, 9, 0, 0, 9, 0, 0, 0, $1::timestamptz - interval '1 day'
    FROM generate_series(0, $2::int - 1) AS n
    """,
)
PLACE = """
    INSERT INTO product_category (id, product_id, category_id, is_direct)
    SELECT gen_random_uuid(), id, CASE WHEN place % 2 = 0 THEN $1::uuid ELSE $2 END, true
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM product) AS numbered
    WHERE place % 2 = 0 OR place < 300
"""


class Plans:
    """Explains every statement before it is run, and remembers which tables were read whole."""

    def __init__(self) -> None:
        self.read_whole: set[str] = set()
        self._fetch = db.fetch

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        plan = (await self._fetch(f"EXPLAIN (FORMAT JSON) {sql}", *args))[0][0]
        for node in _nodes(plan[0]["Plan"]):
            if node["Node Type"] == "Seq Scan":
                self.read_whole.add(node["Relation Name"])
        return await self._fetch(sql, *args)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


@pytest.fixture
async def categories(database: str) -> AsyncIterator[dict[str, UUID]]:
    """20 000 products: half of them in one category, a few in another; every fourth is an apple."""
    named = {"large": await a_category("大"), "small": await a_category("小")}
    for statement in FILL:
        await db.execute(statement, NOW, PRODUCTS)
    await db.execute(PLACE, named["large"], named["small"])
    for table in LARGE:
        await db.execute(f"ANALYZE {table}")
    yield named
    for table in ("stock_level", "sku", "product_category", "product_text", "product"):
        await db.execute(f"DELETE FROM {table}")
        await db.execute(f"VACUUM ANALYZE {table}")


async def test_no_list_search_or_sweep_reads_a_large_table_whole(
    categories: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[dict[str, Any]] = [
        {},
        {"in_stock": True},
        {"in_stock": False},
        {"min_price_fen": 500, "max_price_fen": 900},
        {"category_id": categories["large"]},
        {"category_id": categories["small"], "in_stock": True},
        *(
            {"keyword": product_search.read_keyword(typed)}
            for typed in ("苹果", "果", "a", "apple 77", "19999", "没有的词", "%")
        ),
    ]
    member_id = await a_member(tier="GOLD")
    plans = Plans()
    monkeypatch.setattr(db, "fetch", plans.fetch)
    monkeypatch.setattr(db, "fetch_planned", plans.fetch)
    for wanted in queries:
        for sort in ProductSort:
            page = await catalog.list_products(ProductQuery(sort=sort, **wanted), PageRequest(20))
            expected = {"没有的词": 0, "%": 0, "19999": 1}
            keyword = wanted.get("keyword")
            assert len(page.rows) == expected.get(keyword.text if keyword else "", 20)
            assert plans.read_whole == set(), (wanted, sort)
            if page.has_next:
                order = catalog.ORDERS[sort]
                request = PageRequest(20, order.key(page.rows[-1]))
                await catalog.list_products(ProductQuery(sort=sort, **wanted), request)
                assert plans.read_whole == set(), (wanted, sort, "second page")

    page = await catalog.list_products(ProductQuery(), PageRequest(20))
    ids = [row["id"] for row in page.rows]
    await skus_by_product_id(ids, view=SkuView(member_id, NOW.date()))
    await categories_by_product_id(ids)
    for typed in ("苹果", "a", "红苹", "没有的词"):
        await product_search.suggest(typed, (), first=10)
    assert plans.read_whole.isdisjoint(LARGE)
    await _sweep_over_few_changes()


async def _sweep_over_few_changes() -> None:
    await product_figures.refresh(NOW, PRODUCTS)
    await db.execute(
        "UPDATE stock_level SET available = 0, sold = 9, updated_at = $1"
        " WHERE id IN (SELECT id FROM stock_level LIMIT 5)",
        NOW,
    )
    async with db.in_transaction():
        before = await _rows_read()
        assert await product_figures.refresh(NOW, 100) == 5
        assert await _rows_read() == before


async def _rows_read() -> int:
    """Return how many rows whole reads of the large tables have given this transaction."""
    read: int = await db.fetch_value(
        "SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = ANY($1)",
        list(LARGE),
    )
    return read
