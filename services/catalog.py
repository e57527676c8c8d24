"""Reading the catalogue: product lists, one product, the roots of the category tree.

Lists show what is on sale; one product is answered whatever its status, so that a link in a cart,
an order or a chat still opens and says that it is gone. RECOMMENDED is the same for everybody: in
stock first, then the brand's push, then pieces sold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.catalog import ProductSort
from domain.pricing import Scope, ScopeKind
from models import database
from models.catalog_rows import ProductShape
from services.pages import Page, PageRequest, make_page
from services.product_search import Keyword
from services.sql import Conditions


@dataclass(frozen=True, slots=True)
class ListOrder:
    """An order of the product list: its columns, all in one direction, before the id."""

    columns: tuple[str, ...]
    kinds: tuple[type, ...]
    descending: bool

    @property
    def cursor_columns(self) -> tuple[str, ...]:
        """Return the columns that a cursor is made from."""
        return (*self.columns, "id")

    @property
    def cursor_kinds(self) -> tuple[type, ...]:
        """Return the types of a cursor's values."""
        return (*self.kinds, UUID)

    def key(self, row: Record) -> tuple[Any, ...]:
        """Return a row's place in this order."""
        return (*(row[column] for column in self.columns), row["id"])


WHOLE = ProductShape()
ORDERS = {
    ProductSort.RECOMMENDED: ListOrder(
        ("in_stock", "position", "sold"), (bool, int, int), descending=True
    ),
    ProductSort.NEWEST: ListOrder(("published_at",), (datetime,), descending=True),
    ProductSort.BEST_SELLING: ListOrder(("sold",), (int,), descending=True),
    ProductSort.PRICE_ASC: ListOrder(("min_price_fen",), (int,), descending=False),
    ProductSort.PRICE_DESC: ListOrder(("min_price_fen",), (int,), descending=True),
}
"""Each has a partial index of the same columns over what is on sale (migration 0005)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery:
    """Which products are wanted, and in which order. Prices are a product's lowest list price.

    `category_id` takes in the categories below it; `in_stock=False` asks for what is sold out.
    `scopes` are of coupons and campaigns: a product lies in each of them.
    """

    keyword: Keyword | None = None
    category_id: UUID | None = None
    min_price_fen: int | None = None
    max_price_fen: int | None = None
    in_stock: bool | None = None
    scopes: tuple[Scope, ...] = ()
    sort: ProductSort = ProductSort.RECOMMENDED

    @property
    def has_filter(self) -> bool:
        """Tell whether anything but the stock narrows the list down."""
        narrowing = (self.keyword, self.category_id, self.min_price_fen, self.max_price_fen)
        return any(each is not None for each in narrowing) or any(
            scope.kind is not ScopeKind.ALL for scope in self.scopes
        )


async def list_products(
    wanted: ProductQuery, page: PageRequest, *, shape: ProductShape = WHOLE
) -> Page[Record]:
    """Return a page of the products on sale that match, in one statement.

    The shape holds the order's own columns where a cursor will be asked for (`cursor_columns`).
    """
    order = ORDERS[wanted.sort]
    matching = _conditions(wanted)
    names = ", ".join((*order.columns, "id"))
    here = Conditions(matching)
    if page.after is not None:
        sign = "<" if order.descending else ">"
        # A position is an INT: without the cast, a cursor beyond it would not even be compared.
        places = ", ".join("{}::bigint" if kind is int else "{}" for kind in order.cursor_kinds)
        here.add(f"({names}) {sign} ({places})", *page.after)
    direction = "DESC" if order.descending else "ASC"
    # Without a filter the order's own index serves any page: one plan will do.
    fetch = database.fetch_planned if wanted.has_filter else database.fetch
    rows = await fetch(
        f"""
        SELECT {shape.select(here.value)} FROM product
        WHERE {here.sql}
        ORDER BY {", ".join(f"{name} {direction}" for name in names.split(", "))}
        LIMIT {here.value(page.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        [(found,)] = await database.fetch_planned(
            f"SELECT count(*) FROM product WHERE {matching.sql}", *matching.values
        )
        return int(found)

    return make_page(page, rows, order.key, count)


def _conditions(wanted: ProductQuery) -> Conditions:
    found = Conditions()
    found.add("status = 'ON_SALE'")
    if wanted.in_stock is not None:
        found.add("in_stock" if wanted.in_stock else "NOT in_stock")
    if wanted.min_price_fen is not None:
        found.add("min_price_fen >= {}", wanted.min_price_fen)
    if wanted.max_price_fen is not None:
        found.add("min_price_fen <= {}", wanted.max_price_fen)
    if wanted.category_id is not None:
        found.add(
            "id IN (SELECT product_id FROM product_category WHERE category_id = {})",
            wanted.category_id,
        )
    for scope in wanted.scopes:
        _add_scope(found, scope)
    if wanted.keyword is not None:
        found.add(
            "id IN (SELECT id FROM product_text WHERE search_grams({0}) <> '{{}}'"
            " AND ngrams(text) @> search_grams({0}) AND text LIKE ALL ({1}::text[]))",
            wanted.keyword.text,
            wanted.keyword.patterns,
        )
    return found


def _add_scope(found: Conditions, scope: Scope) -> None:
    if scope.kind is ScopeKind.PRODUCTS:
        found.add("id = ANY({})", list(scope.ids))
    elif scope.kind is ScopeKind.CATEGORIES:
        found.add(
            "id IN (SELECT product_id FROM product_category WHERE category_id = ANY({}))",
            list(scope.ids),
        )


async def get_product(product_id: UUID, *, shape: ProductShape = WHOLE) -> Record | None:
    """Return a product, whether it is on sale or not."""
    here = Conditions()
    here.add("product.id = {}", product_id)
    return await database.fetch_one(
        f"SELECT {shape.select(here.value)} FROM product WHERE {here.sql}", *here.values
    )


async def root_categories() -> list[Record]:
    """Return the roots of the category tree in their order."""
    return await database.fetch(
        """
        SELECT id, name, image_url FROM category
        WHERE parent_id IS NULL ORDER BY position, id
        """
    )
