"""Members' addresses, by member."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from models.address_rows import AddressRow, addresses_of


async def addresses_by_member_id(ids: Sequence[UUID]) -> list[list[AddressRow]]:
    """Return each member's live addresses, the default first."""
    found = await addresses_of(ids)
    return [found.get(id_, []) for id_ in ids]
