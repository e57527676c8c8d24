"""The order behind an entry of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from executor.fields import BatchInfo
from resolvers.member.orders.types import Order, orders_by_ids


class HasLedgerRow(Protocol):
    """A type that shows an entry of the ledger."""

    row: Any


async def orders_of_entries(entries: Sequence[HasLedgerRow], info: BatchInfo) -> list[Order | None]:
    """Return the order that each entry comes from; None for entries of another source."""
    ids = [entry.row["order_id"] for entry in entries]
    wanted = [order_id for order_id in ids if order_id is not None]
    orders = dict(zip(wanted, await orders_by_ids(info.context, wanted), strict=True))
    return [None if order_id is None else orders[order_id] for order_id in ids]
