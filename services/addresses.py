"""A member's shipping addresses: at most twenty, one of them the default."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.addresses import (
    MAX_ADDRESSES,
    TooManyAddresses,
    parse_contact_phone,
    parse_detail,
    parse_name,
    parse_region_name,
)
from domain.errors import AccountBlocked, InvalidInput, NotFound
from domain.members import MemberStatus
from domain.regions import Region, RegionProblem
from models import database
from models.address_rows import AddressRow
from models.ids import new_id
from models.regions import regions
from services.personal_data import PersonalData
from services.sealed_addresses import Recipient, seal_recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveAddress:
    """An address as a form sends it: `address_id` names the one to change, None adds one.

    The region code alone says where it is; names beside it must agree.
    """

    member_id: UUID
    address_id: UUID | None
    name: str = field(repr=False)
    phone: str = field(repr=False)
    province: str
    city: str
    district: str
    detail: str = field(repr=False)
    region_code: str | None = None
    is_default: bool = False


async def save_address(command: SaveAddress, data: PersonalData, *, now: datetime) -> AddressRow:
    """Add an address or change one, and return it.

    The first one is the default, and stays so until another takes its place.

    Raises:
        InvalidInput: names the field; `TooManyAddresses` when there is no room for one more.
        NotFound: the address is not the member's, or was deleted.
        AccountBlocked
    """
    recipient = Recipient(
        name=parse_name(command.name, "name"),
        phone=parse_contact_phone(command.phone, "phone"),
        detail=parse_detail(command.detail, "detail"),
    )
    region = _region_of(command)
    sealed = seal_recipient(_with_town(recipient, region.town), data)
    return await database.retrying(lambda: _save(command, sealed, region.code, now))


async def delete_address(member_id: UUID, address_id: UUID, *, now: datetime) -> None:
    """Take an address off the member's list; the one saved last becomes the default if it was.

    Orders keep their own copy. Deleting again changes nothing.

    Raises:
        NotFound: the address is not the member's.
        AccountBlocked
    """
    await database.retrying(lambda: _delete(member_id, address_id, now))


def _region_of(command: SaveAddress) -> Region:
    names = [
        parse_region_name(getattr(command, level), level)
        for level in ("province", "city", "district")
    ]
    code = (command.region_code or "").strip()
    found: Region | RegionProblem | None
    if code and not any(name.strip() for name in names):
        found = regions().by_code(code) or RegionProblem(("regionCode",))
    else:
        found = regions().resolve(*names, region_code=code or None)
    if isinstance(found, RegionProblem):
        raise InvalidInput(path=found.path, problem="There is no such division.")
    return found


def _with_town(recipient: Recipient, town: str) -> Recipient:
    """Put the town in front of the street: where a city has no districts it says where."""
    if not town or recipient.detail.startswith(town):
        return recipient
    detail = parse_detail(f"{town}{recipient.detail}", "detail")
    return Recipient(name=recipient.name, phone=recipient.phone, detail=detail)


async def _save(command: SaveAddress, sealed: bytes, code: str, now: datetime) -> AddressRow:
    async with database.in_transaction():
        standing = await _lock(command.member_id)
        if command.address_id is None:
            if len(standing) >= MAX_ADDRESSES:
                raise TooManyAddresses(limit=MAX_ADDRESSES)
            address_id = new_id()
        elif command.address_id in standing:
            address_id = command.address_id
        else:
            raise NotFound(thing="address", path=("id",))
        becomes_default = (
            command.is_default or standing.get(address_id, False) or not any(standing.values())
        )
        if becomes_default:
            await _unset_default(command.member_id, but=address_id)
        row = AddressRow(address_id, sealed, code, becomes_default)
        await _write(command.member_id, row, now)
        return row


async def _delete(member_id: UUID, address_id: UUID, now: datetime) -> None:
    async with database.in_transaction():
        standing = await _lock(member_id)
        owned = await database.execute(
            """
            UPDATE address SET deleted_at = coalesce(deleted_at, $3), is_default = false
            WHERE id = $1 AND member_id = $2
            """,
            address_id,
            member_id,
            now,
        )
        if not owned:
            raise NotFound(thing="address", path=("id",))
        if standing.get(address_id):
            await database.execute(
                """
                UPDATE address SET is_default = true
                WHERE id = (
                    SELECT id FROM address WHERE member_id = $1 AND deleted_at IS NULL
                    ORDER BY updated_at DESC, id DESC LIMIT 1
                )
                """,
                member_id,
            )


async def _lock(member_id: UUID) -> dict[UUID, bool]:
    """Keep other writers of this member's addresses out; return ids and which is the default.

    Under this lock counting is exact; the index on defaults stands behind it.
    """
    status = await database.fetch_value(
        "SELECT status FROM member WHERE id = $1 FOR NO KEY UPDATE", member_id
    )
    if status != MemberStatus.ACTIVE:
        raise AccountBlocked
    rows = await database.fetch(
        "SELECT id, is_default FROM address WHERE member_id = $1 AND deleted_at IS NULL", member_id
    )
    return {row["id"]: row["is_default"] for row in rows}


async def _unset_default(member_id: UUID, *, but: UUID) -> None:
    await database.execute(
        """
        UPDATE address SET is_default = false
        WHERE member_id = $1 AND id <> $2 AND is_default AND deleted_at IS NULL
        """,
        member_id,
        but,
    )


async def _write(member_id: UUID, row: AddressRow, now: datetime) -> None:
    await database.execute(
        """
        INSERT INTO address (id, member_id, encrypted, region_code, is_default, created_at,
                             updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        ON CONFLICT (id) DO UPDATE
        SET encrypted = excluded.encrypted, region_code = excluded.region_code,
            is_default = excluded.is_default, updated_at = excluded.updated_at
        """,
        row.id,
        member_id,
        row.encrypted,
        row.region_code,
        row.is_default,
        now,
    )
