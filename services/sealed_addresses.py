"""Addresses as they lie in the database: sealed, and opened for their owner only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields

import orjson

from models.regions import regions
from services.personal_data import PersonalData

ADDRESS = "address.encrypted"
ORDER_ADDRESS = "sales_order.address_encrypted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets a parcel and where below the district: the sealed part of an address."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    detail: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FullAddress(Recipient):
    """An address with its divisions spelt out; an order keeps it whole, as a snapshot."""

    province: str
    city: str
    district: str


_SNAPSHOT = tuple(each.name for each in fields(FullAddress))


def seal_recipient(recipient: Recipient, data: PersonalData) -> bytes:
    """Seal for `address.encrypted`; the region code stands beside it."""
    return data.seal(orjson.dumps(asdict(recipient)), context=ADDRESS)


def open_address(sealed: bytes, region_code: str, data: PersonalData) -> FullAddress:
    """Open a row of `address`; a division that the table no longer knows has empty names."""
    recipient = orjson.loads(data.open(sealed, context=ADDRESS))
    region = regions().by_code(region_code)
    return FullAddress(
        **recipient,
        province=region.province if region else "",
        city=region.city if region else "",
        district=region.district if region else "",
    )


def seal_snapshot(address: FullAddress, data: PersonalData) -> bytes:
    """Seal for `sales_order.address_encrypted`."""
    # Thousands of them a second, in a flash sale: `asdict` would copy each text by three calls.
    whole = {name: getattr(address, name) for name in _SNAPSHOT}
    return data.seal(orjson.dumps(whole), context=ORDER_ADDRESS)


def open_snapshot(sealed: bytes, data: PersonalData) -> FullAddress:
    """Open what an order keeps of its address."""
    return FullAddress(**orjson.loads(data.open(sealed, context=ORDER_ADDRESS)))
