"""The order behind an entry of the ledger."""

from __future__ import annotations

from typing import Any, Protocol

from domain.ledger import SourceKind
from resolvers.common.context import Info
from resolvers.member.orders.types import Order


class HasLedgerRow(Protocol):
    """A type that shows an entry of the ledger."""

    row: Any


async def order_of_entry(self: HasLedgerRow, info: Info) -> Order | None:
    """Return the order that an entry comes from; None for entries of another source."""
    if self.row["source_kind"] not in (SourceKind.ORDER, SourceKind.ORDER_FINALITY):
        return None
    return await Order.load(info, self.row["source_id"])
