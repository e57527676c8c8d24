"""Carts by their member."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from models import database
from models.order_rows import CART_LINES, CartLineRow


async def cart_lines_by_member_id(ids: Sequence[UUID]) -> list[list[CartLineRow]]:
    """Return the lines of each cart, newest first."""
    carts: defaultdict[UUID, list[CartLineRow]] = defaultdict(list)
    for row in await database.fetch(CART_LINES, ids):
        carts[row["member_id"]].append(CartLineRow(**row))
    return [carts[id_] for id_ in ids]
