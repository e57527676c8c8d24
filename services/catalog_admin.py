"""Writing the catalogue: categories, products, SKUs, prices, what is on sale.

Operators and the demo's seed come through here; an import of a hundred thousand products has its
own batches. Whatever changes a price or what is on sale writes the product's figures in the same
transaction, so that a page never contradicts itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.catalog import PriceLabel, SaleStatus, product_options
from domain.errors import InvalidInput, NotFound
from domain.money import MAX_FEN
from models import database
from models.ids import new_id
from services import product_figures, stock_admin
from services.rich_text import clean_html


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCategory:
    """A category to be: at the root without a parent; siblings go by `position`, then by age.

    `source` and `source_id` name it in the system it comes from.
    """

    name: str
    parent_id: UUID | None = None
    position: int = 0
    image_url: str | None = None
    source: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSku:
    """A SKU to be. `options` name and value in the order they are shown; prices in fen."""

    code: str
    price_fen: int
    options: Mapping[str, str] = field(default_factory=dict)
    stock: int = 0
    image_url: str | None = None
    label_price_fen: int | None = None
    label_kind: PriceLabel | None = None
    weight_grams: int = 0
    purchase_limit: int | None = None
    status: SaleStatus = SaleStatus.ON_SALE
    tier_prices_fen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product to be, with its SKUs in order. `position`: the higher, the earlier recommended."""

    name: str
    category_ids: Sequence[UUID]
    skus: Sequence[NewSku]
    subtitle: str = ""
    images: Sequence[str] = ()
    description_html: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    keywords: str = ""
    no_reason_return: bool = True
    position: int = 0
    published_at: datetime | None = None
    status: SaleStatus = SaleStatus.ON_SALE
    source: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanges:
    """What to change of a product; None leaves it as it is."""

    name: str | None = None
    subtitle: str | None = None
    images: Sequence[str] | None = None
    description_html: str | None = None
    attributes: Mapping[str, str] | None = None
    keywords: str | None = None
    no_reason_return: bool | None = None
    position: int | None = None


async def create_category(wanted: NewCategory) -> UUID:
    """Add a category and return its id.

    Raises:
        NotFound: there is no such parent.
        InvalidInput: the name is empty.
    """
    if not wanted.name.strip():
        raise InvalidInput(path=("name",), problem="A name is expected.")
    if wanted.parent_id is not None:
        await _require("category", wanted.parent_id, "parentId")
    category_id = new_id()
    await database.execute(
        """
        INSERT INTO category (id, parent_id, name, image_url, position, source, source_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        category_id,
        wanted.parent_id,
        wanted.name,
        wanted.image_url,
        wanted.position,
        wanted.source,
        wanted.source_id,
    )
    return category_id


async def create_product(wanted: NewProduct, *, now: datetime) -> UUID:
    """Add a product with its SKUs, stock and prices, and return its id.

    Raises:
        InvalidInput: no name, no SKU, a code that is taken, or a price out of bounds.
        NotFound: there is no such category.
    """
    if not wanted.name.strip():
        raise InvalidInput(path=("name",), problem="A name is expected.")
    if not wanted.skus:
        raise InvalidInput(path=("skus",), problem="A product has one SKU at least.")
    product_id = new_id()
    async with database.in_transaction():
        await database.execute(
            """
            INSERT INTO product (
                id, name, subtitle, images, description_html, attributes, options, keywords,
                status, no_reason_return, position, published_at, sold, min_price_fen,
                max_price_fen, in_stock, created_at, updated_at, source, source_id)
            VALUES ($1, $2, $3, $4::jsonb, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11, $12,
                    0, 0, 0, false, $13, $13, $14, $15)
            """,
            product_id,
            wanted.name,
            wanted.subtitle,
            database.to_json(list(wanted.images)),
            clean_html(wanted.description_html),
            database.to_json(_pairs(wanted.attributes)),
            database.to_json(
                product_options([(sku.options, sku.image_url) for sku in wanted.skus])
            ),
            wanted.keywords,
            wanted.status.value,
            wanted.no_reason_return,
            wanted.position,
            wanted.published_at or now,
            now,
            wanted.source,
            wanted.source_id,
        )
        await place_in_categories(product_id, wanted.category_ids)
        for position, sku in enumerate(wanted.skus):
            await _insert_sku(product_id, position, sku, now)
        await product_figures.refresh_products([product_id])
    return product_id


async def add_sku(product_id: UUID, wanted: NewSku, *, now: datetime) -> UUID:
    """Add a SKU after the others of its product and return its id.

    Raises:
        NotFound: there is no such product.
        InvalidInput: a code that is taken, or a price out of bounds.
    """
    async with database.in_transaction():
        await _require("product", product_id, "productId", lock=True)
        rows = await database.fetch(
            "SELECT options, image_url FROM sku WHERE product_id = $1 ORDER BY position, id",
            product_id,
        )
        sku_id = await _insert_sku(product_id, len(rows), wanted, now)
        variants = [
            *(
                ({each["name"]: each["value"] for each in row["options"]}, row["image_url"])
                for row in rows
            ),
            (wanted.options, wanted.image_url),
        ]
        await database.execute(
            "UPDATE product SET options = $2::jsonb, updated_at = $3 WHERE id = $1",
            product_id,
            database.to_json(product_options(variants)),
            now,
        )
        await product_figures.refresh_products([product_id])
    return sku_id


async def update_product(product_id: UUID, changes: ProductChanges, *, now: datetime) -> None:
    """Change what is told of a product.

    Raises:
        NotFound: there is no such product.
    """
    attributes, html = changes.attributes, changes.description_html
    values: dict[str, Any] = {
        "name": changes.name,
        "subtitle": changes.subtitle,
        "images": None if changes.images is None else database.to_json(list(changes.images)),
        "description_html": None if html is None else clean_html(html),
        "attributes": None if attributes is None else database.to_json(_pairs(attributes)),
        "keywords": changes.keywords,
        "no_reason_return": changes.no_reason_return,
        "position": changes.position,
    }
    given = {name: value for name, value in values.items() if value is not None}
    # A column is named only when it changes: the search's trigger listens to some of them.
    written = ", ".join(f"{name} = ${place}" for place, name in enumerate(given, start=3))
    found = await database.execute(
        f"UPDATE product SET updated_at = $2{', ' * bool(given)}{written} WHERE id = $1",
        product_id,
        now,
        *given.values(),
    )
    if not found:
        raise NotFound(thing="product", path=("productId",))


async def place_in_categories(product_id: UUID, category_ids: Sequence[UUID]) -> None:
    """Put a product into these categories, and by that into all those above them.

    Raises:
        NotFound: there is no such category.
    """
    async with database.in_transaction():
        await database.execute("DELETE FROM product_category WHERE product_id = $1", product_id)
        places = await database.fetch(
            """
            WITH RECURSIVE place AS (
                SELECT id, parent_id, true AS is_direct FROM category WHERE id = ANY($1)
                UNION
                SELECT above.id, above.parent_id, false
                FROM category AS above JOIN place ON above.id = place.parent_id
            )
            SELECT id, bool_or(is_direct) AS is_direct FROM place GROUP BY id
            """,
            list(category_ids),
        )
        if sum(place["is_direct"] for place in places) < len(set(category_ids)):
            raise NotFound(thing="category", path=("categoryIds",))
        await database.execute(
            """
            INSERT INTO product_category (id, product_id, category_id, is_direct)
            SELECT place.id, $1, place.category_id, place.is_direct
            FROM unnest($2::uuid[], $3::uuid[], $4::bool[]) AS place (id, category_id, is_direct)
            """,
            product_id,
            [new_id() for _ in places],
            [place["id"] for place in places],
            [place["is_direct"] for place in places],
        )


async def set_price(sku_id: UUID, price_fen: int, *, now: datetime) -> None:
    """Set a SKU's list price; orders placed before keep theirs.

    Raises:
        NotFound: there is no such SKU.
        InvalidInput: the price is out of bounds.
    """
    _check_price(price_fen)
    await _change_sku(sku_id, "price_fen = $3", price_fen, now=now)


async def set_tier_prices(sku_id: UUID, prices_fen: Mapping[str, int], *, now: datetime) -> None:
    """Set what tiers pay for a SKU in place of their percentage; a tier left out has none.

    Raises:
        NotFound: there is no such SKU.
        InvalidInput: a price is out of bounds.
    """
    async with database.in_transaction():
        await _change_sku(sku_id, "weight_grams = weight_grams", now=now)
        await database.execute("DELETE FROM sku_tier_price WHERE sku_id = $1", sku_id)
        await _insert_tier_prices(sku_id, prices_fen)


async def set_sku_status(sku_id: UUID, status: SaleStatus, *, now: datetime) -> None:
    """Put one variant on sale or take it off.

    Raises:
        NotFound: there is no such SKU.
    """
    await _change_sku(sku_id, "status = $3", status.value, now=now)


async def set_product_status(product_id: UUID, status: SaleStatus, *, now: datetime) -> None:
    """Put a product on sale or take it off; its page still answers, as not available.

    Raises:
        NotFound: there is no such product.
    """
    found = await database.execute(
        "UPDATE product SET status = $2, updated_at = $3 WHERE id = $1",
        product_id,
        status.value,
        now,
    )
    if not found:
        raise NotFound(thing="product", path=("productId",))


async def _insert_sku(product_id: UUID, position: int, wanted: NewSku, now: datetime) -> UUID:
    for price_fen in (wanted.price_fen, *wanted.tier_prices_fen.values()):
        _check_price(price_fen)
    sku_id = new_id()
    inserted = await database.execute(
        """
        INSERT INTO sku (
            id, product_id, code, options, image_url, price_fen, label_price_fen, label_kind,
            weight_grams, purchase_limit, status, position, created_at, updated_at)
        VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
        ON CONFLICT (code) DO NOTHING
        """,
        sku_id,
        product_id,
        wanted.code,
        database.to_json(_pairs(wanted.options)),
        wanted.image_url,
        wanted.price_fen,
        wanted.label_price_fen,
        wanted.label_kind.value if wanted.label_kind else None,
        wanted.weight_grams,
        wanted.purchase_limit,
        wanted.status.value,
        position,
        now,
    )
    if not inserted:
        raise InvalidInput(path=("code",), problem="Another SKU has this code.")
    await stock_admin.open_level(sku_id, wanted.stock, now=now)
    await _insert_tier_prices(sku_id, wanted.tier_prices_fen)
    return sku_id


async def _insert_tier_prices(sku_id: UUID, prices_fen: Mapping[str, int]) -> None:
    for price_fen in prices_fen.values():
        _check_price(price_fen)
    if prices_fen:
        await database.execute(
            """
            INSERT INTO sku_tier_price (id, sku_id, tier_code, price_fen)
            SELECT price.id, $1, price.tier_code, price.fen
            FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS price (id, tier_code, fen)
            """,
            sku_id,
            [new_id() for _ in prices_fen],
            list(prices_fen),
            list(prices_fen.values()),
        )


async def _change_sku(sku_id: UUID, change: str, *values: Any, now: datetime) -> None:
    async with database.in_transaction():
        product_id = await database.fetch_value(
            f"UPDATE sku SET updated_at = $2, {change} WHERE id = $1 RETURNING product_id",
            sku_id,
            now,
            *values,
        )
        if product_id is None:
            raise NotFound(thing="SKU", path=("skuId",))
        await product_figures.refresh_products([product_id])


async def _require(table: str, row_id: UUID, argument: str, *, lock: bool = False) -> None:
    found = await database.fetch_value(
        f"SELECT id FROM {table} WHERE id = $1{' FOR UPDATE' if lock else ''}", row_id
    )
    if found is None:
        raise NotFound(thing=table, path=(argument,))


def _check_price(price_fen: int) -> None:
    if not 0 <= price_fen <= MAX_FEN:
        raise InvalidInput(path=("price",), problem="A price is at least 0.")


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
