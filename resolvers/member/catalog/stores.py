"""Stores, and where the member is."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import strawberry
from asyncpg import Record

from resolvers.common.errors import bad_request
from resolvers.common.ids import find_id
from resolvers.common.order_lines import OrderLineInput
from services.stores import Point, StoreQuery

MAX_LINES = 100
MAX_TEXT = 64


@strawberry.type(description="A shop of the brand.")
class Store:
    id: strawberry.ID = strawberry.field(description="The store's id.")
    name: str = strawberry.field(description="Its name.")
    address: str = strawberry.field(description="Where it is.")
    phone: str | None = strawberry.field(description="Its phone.")
    latitude: float = strawberry.field(description="GCJ-02, in degrees.")
    longitude: float = strawberry.field(description="GCJ-02, in degrees.")
    distance_metres: int | None = strawberry.field(
        description="As the crow flies from `near`; null without it."
    )
    opening_hours: str = strawberry.field(description="When it is open, in words.")
    supports_pickup: bool = strawberry.field(description="Whether it hands out orders.")

    @classmethod
    def from_row(cls, row: Record) -> Store:
        """Build the store from its row; one that wasn't searched by distance has none."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            name=row["name"],
            address=row["address"],
            phone=row["phone"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            distance_metres=row.get("distance_metres"),
            opening_hours=row["opening_hours"],
            supports_pickup=row["supports_pickup"],
        )


@strawberry.input(description="A point on the map; used for the query, never stored.")
class GeoPointInput:
    latitude: float = strawberry.field(description="GCJ-02, −90 to 90, as wx.getLocation gives it.")
    longitude: float = strawberry.field(description="GCJ-02, −180 to 180.")


@strawberry.input(description="Which stores; everything given must hold.")
class StoreFilter:
    supports_pickup: bool | None = strawberry.field(
        default=None, description="Whether it hands out orders."
    )
    city: str | None = strawberry.field(default=None, description="The city, with or without 市.")
    keyword: str | None = strawberry.field(
        default=None, description="Held by the name, the address or the city."
    )
    in_stock: list[OrderLineInput] | None = strawberry.field(
        default=None, description="Stores that can hand out all of these now."
    )


def read_store_query(near: GeoPointInput | None, given: StoreFilter | None) -> StoreQuery:
    """Check what is asked; a wrong argument is a BAD_REQUEST that names it."""
    given = given or StoreFilter()
    return StoreQuery(
        near=_point(near) if near else None,
        supports_pickup=given.supports_pickup,
        city=_text(given.city, "filter.city"),
        keyword=_text(given.keyword, "filter.keyword"),
        pieces=_pieces(given.in_stock or []),
    )


def _point(near: GeoPointInput) -> Point:
    for name, value, limit in (
        ("latitude", near.latitude, 90),
        ("longitude", near.longitude, 180),
    ):
        if not -limit <= value <= limit:
            raise bad_request(f"−{limit} to {limit} is expected.", argument=f"near.{name}")
    return Point(near.latitude, near.longitude)


def _text(text: str | None, argument: str) -> str:
    if text is not None and (len(text) > MAX_TEXT or "\x00" in text):
        raise bad_request(f"at most {MAX_TEXT} characters are expected.", argument=argument)
    return text or ""


def _pieces(lines: list[OrderLineInput]) -> dict[UUID, int]:
    """Add up the pieces by SKU; an id that can't be one is asked for and never in stock."""
    if len(lines) > MAX_LINES:
        raise bad_request(f"at most {MAX_LINES} lines are expected.", argument="filter.inStock")
    pieces: Counter[UUID] = Counter()
    for place, line in enumerate(lines):
        if line.quantity < 1:
            argument = f"filter.inStock.{place}.quantity"
            raise bad_request("at least 1 is expected.", argument=argument)
        pieces[find_id(line.sku_id) or UUID(int=0)] += line.quantity
    return dict(pieces)
