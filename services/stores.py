"""Finding an open store: by distance from a point, or by name without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from asyncpg import Record

from models import database
from services.pages import Page, PageRequest, make_page
from services.product_search import escape_like
from services.sql import Conditions

EARTH_DIAMETER_METRES = 12_742_017.6
"""Twice the mean radius of the IUGG."""

STORE_COLUMNS = """
    id, name, address, city, phone, latitude, longitude, opening_hours, supports_pickup
"""

# Haversine. The point is used for the query and never stored. Rounding can bring the root's
# argument a hair above 1 at the antipode, which asin refuses.
_DISTANCE_METRES = f"""
    round({EARTH_DIAMETER_METRES} * asin(sqrt(least(1,
        sin(radians(latitude - {{0}}) / 2) ^ 2
        + cos(radians({{0}})) * cos(radians(latitude)) * sin(radians(longitude - {{1}}) / 2) ^ 2
    ))))::bigint
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map in degrees, GCJ-02 as WeChat's maps use."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreQuery:
    """Which stores are wanted. `pieces` by SKU must all be on sale and in stock.

    Stock is one pool for all stores: with `pieces`, either every store that hands out orders is
    answered, or none.
    """

    near: Point | None = None
    supports_pickup: bool | None = None
    city: str = ""
    keyword: str = ""
    pieces: Mapping[UUID, int] = field(default_factory=dict)


async def list_stores(wanted: StoreQuery, page: PageRequest) -> Page[Record]:
    """Return a page of open stores, nearest first; by name when `near` is not given.

    Each row has `distance_metres`, None without a point. Cursor: (distance or name, id).
    """
    matching = _conditions(wanted)
    here = Conditions(matching)
    distance = "NULL::bigint"
    if wanted.near is not None:
        distance = _DISTANCE_METRES.format(
            here.value(wanted.near.latitude), here.value(wanted.near.longitude)
        )
    column = "name" if wanted.near is None else "distance_metres"
    after = Conditions(values=here.values)
    if page.after is not None:
        after.add(f"({column}, id) > ({{}}, {{}})", *page.after)
    rows = await database.fetch_planned(
        f"""
        SELECT * FROM (
            SELECT {STORE_COLUMNS}, {distance} AS distance_metres
            FROM store WHERE {here.sql}
        ) AS found
        WHERE {after.sql} ORDER BY {column}, id LIMIT {after.value(page.limit)}
        """,
        *after.values,
    )

    async def count() -> int:
        found: int = await database.fetch_value(
            f"SELECT count(*) FROM store WHERE {matching.sql}", *matching.values
        )
        return found

    return make_page(page, rows, lambda row: (row[column], row["id"]), count)


def _conditions(wanted: StoreQuery) -> Conditions:
    found = Conditions()
    found.add("is_open")
    if wanted.supports_pickup is not None:
        found.add("supports_pickup = {}", wanted.supports_pickup)
    if wanted.city.strip():
        # 上海 and 上海市 are the same to whoever types it.
        found.add("rtrim(city, '市') = rtrim({}, '市')", wanted.city.strip())
    if wanted.keyword.strip():
        pattern = f"%{escape_like(wanted.keyword.strip())}%"
        found.add("(name ILIKE {0} OR address ILIKE {0} OR city ILIKE {0})", pattern)
    if wanted.pieces:
        found.add("supports_pickup")
        found.add(
            """
            NOT EXISTS (
                SELECT FROM unnest({}::uuid[], {}::bigint[]) AS wanted (sku_id, pieces)
                LEFT JOIN (
                    stock_level JOIN sku ON sku.id = stock_level.id AND sku.status = 'ON_SALE'
                    JOIN product ON product.id = sku.product_id AND product.status = 'ON_SALE'
                ) ON stock_level.id = wanted.sku_id
                WHERE coalesce(stock_level.available, 0) < wanted.pieces
            )
            """,
            list(wanted.pieces),
            list(wanted.pieces.values()),
        )
    return found
