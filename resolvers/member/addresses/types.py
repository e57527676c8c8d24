"""A shipping address, whole, for its owner."""

from __future__ import annotations

from typing import Any

import strawberry

from services.personal_data import PersonalData
from services.sealed_addresses import open_address


@strawberry.type(description="A shipping address; its owner sees the phone whole.")
class Address:
    id: strawberry.ID = strawberry.field(description="The address's id.")
    name: str = strawberry.field(description="Who gets the parcel.")
    phone: str = strawberry.field(description="Their phone.")
    province: str = strawberry.field(description="The province.")
    city: str = strawberry.field(description="The city.")
    district: str = strawberry.field(description="The district; empty where a city has none.")
    detail: str = strawberry.field(description="Street and door.")
    is_default: bool = strawberry.field(description="Whether it is taken when none is named.")
    region_code: str = strawberry.field(description="The six-digit code of its division.")

    @classmethod
    def from_row(cls, row: Any, keys: PersonalData) -> Address:
        """Open a row of `address`: id, encrypted, region_code, is_default."""
        opened = open_address(row.encrypted, row.region_code, keys)
        return cls(
            id=strawberry.ID(str(row.id)),
            name=opened.name,
            phone=opened.phone,
            province=opened.province,
            city=opened.city,
            district=opened.district,
            detail=opened.detail,
            is_default=row.is_default,
            region_code=row.region_code,
        )
