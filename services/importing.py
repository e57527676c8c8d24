"""Bringing in another system's catalogue, shops and members, in batches that may be repeated.

Everything carries (source, source_id). What is there already stays as it is, so an import that
broke off is simply run again, and one that is run twice changes nothing. Each call is one
transaction; imports of one source take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.catalog import SaleStatus
from models import database
from models.ids import new_id
from services import consents, locks, members


@dataclass(frozen=True, slots=True)
class ImportedCategory:
    """A node of a category tree; its parent stands before it in the list."""

    source_id: str
    parent_source_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class ImportedProduct:
    """A product with one SKU. `category_source_ids` run from the root to the product's own."""

    source_id: str
    sku_code: str
    name: str
    subtitle: str
    keywords: str
    category_source_ids: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    price_fen: int
    weight_grams: int
    stock: int
    position: int
    is_on_sale: bool

    @property
    def status(self) -> SaleStatus:
        """Return whether it is on sale."""
        return SaleStatus.ON_SALE if self.is_on_sale else SaleStatus.OFF_SALE


@dataclass(frozen=True, slots=True)
class ImportedStore:
    """A shop that orders can be picked up at."""

    source_id: str
    name: str
    address: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class ImportedMember:
    """A holder of the old programme's card. They join here by accepting our agreements."""

    source_id: str
    nickname: str
    phone: members.Phone | None


async def import_categories(source: str, categories: Sequence[ImportedCategory]) -> dict[str, UUID]:
    """Add the categories that are missing, behind those there are; return all ids of the source."""
    async with database.in_transaction():
        await _take_turns(source)
        ids = await _category_ids(source)
        missing = [category for category in categories if category.source_id not in ids]
        ids |= {category.source_id: new_id() for category in missing}
        first = await database.fetch_value("SELECT coalesce(max(position) + 1, 0) FROM category")
        await database.execute(
            """
            INSERT INTO category (id, parent_id, name, position, source, source_id)
            SELECT row.id, row.parent_id, row.name, row.position, $1, row.source_id
            FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::text[])
                AS row (id, parent_id, name, position, source_id)
            """,
            source,
            [ids[category.source_id] for category in missing],
            [ids[c.parent_source_id] if c.parent_source_id else None for c in missing],
            [category.name for category in missing],
            list(range(first, first + len(missing))),
            [category.source_id for category in missing],
        )
    return ids


async def import_products(
    source: str,
    products: Sequence[ImportedProduct],
    *,
    category_ids: Mapping[str, UUID],
    now: datetime,
) -> int:
    """Add the products that are missing, with SKU, stock and categories; return how many."""
    async with database.in_transaction():
        await _take_turns(source)
        there = await _source_ids("product", source, [product.source_id for product in products])
        missing = [(new_id(), p) for p in products if p.source_id not in there]
        if missing:
            await _add_products(source, missing, now=now)
            await _add_skus(missing, now=now)
            await _add_to_categories(missing, category_ids)
    return len(missing)


async def import_stores(source: str, stores: Sequence[ImportedStore]) -> int:
    """Add the shops that are missing; return how many."""
    async with database.in_transaction():
        await _take_turns(source)
        there = await _source_ids("store", source, [store.source_id for store in stores])
        missing = [store for store in stores if store.source_id not in there]
        await database.copy_rows(
            "store",
            [
                *("id", "name", "address", "city", "latitude", "longitude", "opening_hours"),
                *("supports_pickup", "is_open", "source", "source_id"),
            ],
            [
                (
                    *(new_id(), store.name, store.address, "", store.latitude, store.longitude, ""),
                    *(True, True, source, store.source_id),
                )
                for store in missing
            ],
        )
    return len(missing)


async def import_members(source: str, imported: Sequence[ImportedMember], *, now: datetime) -> int:
    """Add the members that are missing, as visitors with their accounts; return how many.

    A phone that someone has here already stays theirs: the imported member comes without one.
    """
    async with database.in_transaction():
        await _take_turns(source)
        there = await _source_ids("member", source, [member.source_id for member in imported])
        missing = [member for member in imported if member.source_id not in there]
        taken = await _taken_phones([member.phone.digest for member in missing if member.phone])
        ids = [
            await members.create(
                now=now, phone=m.phone if m.phone and m.phone.digest not in taken else None
            )
            for m in missing
        ]
        await database.execute(
            """
            UPDATE member SET source = $1, source_id = row.source_id, nickname = row.nickname
            FROM unnest($2::uuid[], $3::text[], $4::text[]) AS row (id, source_id, nickname)
            WHERE member.id = row.id
            """,
            source,
            ids,
            [member.source_id for member in missing],
            [member.nickname for member in missing],
        )
    return len(missing)


async def join_members(
    source: str, first_visits: Sequence[tuple[str, datetime]], *, now: datetime
) -> int:
    """Make imported visitors members since their first visit there; returns how many joined now.

    They count as having accepted the agreements in force: nobody asked them. It is for data of
    people who don't exist, and no production mall may use it.
    """
    async with database.in_transaction():
        await _take_turns(source)
        rows = await database.fetch(
            """
            UPDATE member
            SET joined_at = row.at, created_at = least(created_at, row.at),
                tier_since = CASE WHEN tier_review_at IS NULL THEN least(tier_since, row.at)
                                  ELSE tier_since END
            FROM unnest($2::text[], $3::timestamptz[]) AS row (source_id, at)
            WHERE member.source = $1 AND member.source_id = row.source_id
              AND joined_at IS NULL AND status = 'ACTIVE'
            RETURNING member.id
            """,
            source,
            [source_id for source_id, _ in first_visits],
            [at for _, at in first_visits],
        )
        await _accept_agreements([row["id"] for row in rows], now=now)
    return len(rows)


async def _accept_agreements(member_ids: Sequence[UUID], *, now: datetime) -> None:
    agreements = await consents.current_agreements(now=now)
    await database.copy_rows(
        "consent",
        ["id", "member_id", "kind", "version", "given", "given_at"],
        [
            (new_id(), member_id, agreement.kind.value, agreement.version, True, now)
            for member_id in member_ids
            for agreement in agreements.values()
            if agreement.is_required
        ],
    )


async def refresh_statistics() -> None:
    """Tell PostgreSQL what its tables hold now; it would plan for empty ones for a minute else."""
    await database.execute(
        "ANALYZE category, product, product_category, product_text, sku, stock_level, store, member"
    )


async def _taken_phones(digests: Sequence[bytes]) -> set[bytes]:
    rows = await database.fetch(
        "SELECT phone_hash FROM member WHERE phone_hash = ANY($1::bytea[])", digests
    )
    return {bytes(row["phone_hash"]) for row in rows}


async def _take_turns(source: str) -> None:
    """Wait for another import of this source: which rows are missing must hold until commit."""
    await locks.hold(f"import:{source}")


async def _category_ids(source: str) -> dict[str, UUID]:
    rows = await database.fetch("SELECT source_id, id FROM category WHERE source = $1", source)
    return {row["source_id"]: row["id"] for row in rows}


async def _source_ids(table: str, source: str, source_ids: Sequence[str]) -> set[str]:
    """Return those of the ids that the table has; the table's name is our own."""
    rows = await database.fetch(
        f"SELECT source_id FROM {table} WHERE source = $1 AND source_id = ANY($2::text[])",
        source,
        source_ids,
    )
    return {row["source_id"] for row in rows}


async def _add_products(
    source: str, products: Sequence[tuple[UUID, ImportedProduct]], *, now: datetime
) -> None:
    # Not by COPY: asyncpg's binary COPY can't carry jsonb.
    await database.execute(
        """
        INSERT INTO product (
            id, name, subtitle, images, description_html, attributes, options, keywords, status,
            no_reason_return, position, published_at, sold, min_price_fen, max_price_fen,
            in_stock, source, source_id, created_at, updated_at)
        SELECT row.id, row.name, row.subtitle, '[]', '', row.attributes::jsonb, '[]', row.keywords,
               row.status, true, row.position, $2, 0, row.price_fen, row.price_fen,
               row.in_stock, $1, row.source_id, $2, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::int[], $10::bigint[], $11::bool[], $12::text[])
            AS row (id, name, subtitle, attributes, keywords, status, position, price_fen,
                    in_stock, source_id)
        """,
        source,
        now,
        [product_id for product_id, _ in products],
        [product.name for _, product in products],
        [product.subtitle for _, product in products],
        [_attributes(product) for _, product in products],
        [product.keywords for _, product in products],
        [product.status for _, product in products],
        [product.position for _, product in products],
        [product.price_fen for _, product in products],
        [product.is_on_sale and product.stock > 0 for _, product in products],
        [product.source_id for _, product in products],
    )


def _attributes(product: ImportedProduct) -> str:
    return database.to_json([{"name": name, "value": value} for name, value in product.attributes])


async def _add_skus(products: Sequence[tuple[UUID, ImportedProduct]], *, now: datetime) -> None:
    skus = [(new_id(), product_id, product) for product_id, product in products]
    await database.execute(
        """
        INSERT INTO sku (
            id, product_id, code, options, price_fen, weight_grams, status, position,
            created_at, updated_at)
        SELECT row.id, row.product_id, row.code, '[]', row.price_fen, row.weight_grams, row.status,
               0, $1, $1
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::int[], $7::text[])
            AS row (id, product_id, code, price_fen, weight_grams, status)
        """,
        now,
        [sku_id for sku_id, _, _ in skus],
        [product_id for _, product_id, _ in skus],
        [product.sku_code for _, _, product in skus],
        [product.price_fen for _, _, product in skus],
        [product.weight_grams for _, _, product in skus],
        [product.status for _, _, product in skus],
    )
    await database.copy_rows(
        "stock_level",
        [
            *("id", "initial", "restocked", "adjusted", "available", "reserved", "sold"),
            *("set_aside", "updated_at"),
        ],
        [(sku_id, p.stock, 0, 0, p.stock, 0, 0, 0, now) for sku_id, _, p in skus],
    )


async def _add_to_categories(
    products: Sequence[tuple[UUID, ImportedProduct]], category_ids: Mapping[str, UUID]
) -> None:
    await database.copy_rows(
        "product_category",
        ["id", "product_id", "category_id", "is_direct"],
        [
            (new_id(), product_id, category_ids[path], path == product.category_source_ids[-1])
            for product_id, product in products
            for path in product.category_source_ids
        ],
    )
