"""The Complete Journey brought into the database: its records as the import service takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cli.complete_journey import check
from cli.complete_journey.reader import CompleteJourney
from cli.complete_journey.records import Household, Product, Store
from models import database
from services import importing, phones
from services.personal_data import PersonalData

T = TypeVar("T")
SOURCE = "complete-journey"
STOCK_PIECES = 1_000_000
"""For each SKU on sale: a year of all baskets takes 17,638 pieces of the most bought one."""
BATCH = 2_000
MEMBER_BATCH = 200
NO_PLACE = (0.0, 0.0)
"""The source doesn't say where its shops are; in a list by distance they come last."""

Advance = Callable[[int], None]
"""Hears how many more records have been dealt with."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many of a kind the source has, and how many of them were added by this run."""

    kind: str
    in_source: int
    added: int

    @property
    def there_before(self) -> int:
        """Return how many an earlier run had brought in."""
        return self.in_source - self.added


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of ours beside the one that an independent query gives."""

    what: str
    expected: int
    found: int

    @property
    def agrees(self) -> bool:
        """Return whether the two are equal."""
        return self.expected == self.found


async def load_categories(journey: CompleteJourney, advance: Advance) -> Loaded:
    """Add the category tree."""
    before = await _count("category")
    categories = journey.categories()
    await importing.import_categories(
        SOURCE,
        [
            importing.ImportedCategory(
                source_id=category.id, parent_source_id=category.parent_id, name=category.name
            )
            for category in categories
        ],
    )
    advance(len(categories))
    return Loaded("categories", len(categories), await _count("category") - before)


async def load_products(journey: CompleteJourney, advance: Advance, *, now: datetime) -> Loaded:
    """Add the products; their categories are there."""
    category_ids = await importing.import_categories(SOURCE, [])
    seen = added = 0
    for batch in journey.products(batch=BATCH):
        added += await importing.import_products(
            SOURCE, [_product(product) for product in batch], category_ids=category_ids, now=now
        )
        seen += len(batch)
        advance(len(batch))
    return Loaded("products", seen, added)


async def load_stores(journey: CompleteJourney, advance: Advance) -> Loaded:
    """Add the shops."""
    stores = journey.stores()
    added = await importing.import_stores(SOURCE, [_store(store) for store in stores])
    advance(len(stores))
    return Loaded("stores", len(stores), added)


async def load_members(
    journey: CompleteJourney, personal_data: PersonalData, advance: Advance, *, now: datetime
) -> Loaded:
    """Add the households as members."""
    households = journey.households()
    added = 0
    for batch in in_batches(households, MEMBER_BATCH):
        added += await importing.import_members(
            SOURCE, [_member(household, personal_data) for household in batch], now=now
        )
        advance(len(batch))
    return Loaded("members", len(households), added)


async def compare(journey: CompleteJourney, folder: Path) -> list[Comparison]:
    """Hold the database and the reader against an independent query over the files."""
    counts, prices = check.counts(folder), check.prices(folder)
    takings = check.takings(folder)
    ours = [basket for batch in journey.baskets() for basket in batch]
    skus = await database.fetch(
        """
        SELECT product.source_id, sku.price_fen FROM sku JOIN product ON product.id = sku.product_id
        WHERE product.source = $1 AND sku.status = 'ON_SALE'
        """,
        SOURCE,
    )
    stored = {int(row["source_id"]): row["price_fen"] for row in skus}
    same = sum(stored.get(product) == price for product, price in prices.items())
    return [
        Comparison("products", counts["products"], await _count("product")),
        Comparison("stores", counts["stores"], await _count("store")),
        Comparison("members", counts["members"], await _count("member")),
        Comparison("SKUs on sale", len(prices), len(stored)),
        Comparison("SKUs at the expected price", len(prices), same),
        Comparison("baskets with lines", takings.baskets, len({basket.id for basket in ours})),
        Comparison("orders of at most 100 lines", takings.orders, len(ours)),
        Comparison("lines", takings.lines, sum(len(basket.lines) for basket in ours)),
        Comparison("pieces", takings.pieces, sum(line.quantity for b in ours for line in b.lines)),
        Comparison("fen of all baskets", takings.fen, sum(basket.amount_fen for basket in ours)),
    ]


def in_batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the rows in slices."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def _count(table: str) -> int:
    """Count the source's rows; the table's name is our own."""
    found: int = await database.fetch_value(
        f"SELECT count(*) FROM {table} WHERE source = $1", SOURCE
    )
    return found


def sku_code(product_id: int) -> str:
    """Return the code of the one SKU that a product has."""
    return f"CJ-{product_id}"


def _product(product: Product) -> importing.ImportedProduct:
    attributes = [("品牌", product.brand), ("厂商", str(product.manufacturer_id))]
    if product.package_size:
        attributes.append(("规格", product.package_size))
    return importing.ImportedProduct(
        source_id=str(product.id),
        sku_code=sku_code(product.id),
        name=product.name,
        subtitle=product.subtitle,
        keywords=product.keywords,
        category_source_ids=product.category_ids,
        attributes=tuple(attributes),
        price_fen=product.price_fen,
        weight_grams=product.weight_grams,
        stock=STOCK_PIECES if product.is_sold else 0,
        position=-product.rank,
        is_on_sale=product.is_sold,
    )


def _store(store: Store) -> importing.ImportedStore:
    latitude, longitude = NO_PLACE
    return importing.ImportedStore(
        source_id=str(store.id),
        name=f"门店 {store.id}",
        address="",
        latitude=latitude,
        longitude=longitude,
    )


def _member(household: Household, personal_data: PersonalData) -> importing.ImportedMember:
    return importing.ImportedMember(
        source_id=str(household.id),
        nickname=f"住户 {household.id}",
        phone=phones.seal(phone_of(household.id), personal_data),
    )


def phone_of(household_id: int) -> str:
    """Return the number that stands for the phone of a household.

    The source has none. 141 belongs to machines, whose numbers have 13 digits: with 11 it is well
    formed and nobody's.
    """
    return f"141{household_id:08d}"
