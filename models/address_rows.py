"""Addresses as readers want them: typed rows, still sealed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from models import database


@dataclass(frozen=True, slots=True)
class AddressRow:
    """A live row of `address`."""

    id: UUID
    encrypted: bytes = field(repr=False)
    region_code: str
    is_default: bool


async def addresses_of(member_ids: Sequence[UUID]) -> dict[UUID, list[AddressRow]]:
    """Return members' live addresses, the default first, then the one saved last."""
    rows = await database.fetch(
        """
        SELECT member_id, id, encrypted, region_code, is_default FROM address
        WHERE member_id = ANY($1) AND deleted_at IS NULL
        ORDER BY member_id, is_default DESC, updated_at DESC, id DESC
        """,
        list(member_ids),
    )
    grouped: defaultdict[UUID, list[AddressRow]] = defaultdict(list)
    for member_id, *columns in rows:
        grouped[member_id].append(AddressRow(*columns))
    return grouped
