"""Items of flash sales as one viewer sees them, and those that SKUs lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from executor.fields import BatchInfo
from loaders.flash_sales import item_by_sku_id
from services.campaigns import Viewer
from services.flash_gate import Shown

if TYPE_CHECKING:
    from resolvers.member.flash_sales.types import FlashSaleItem


@dataclass(slots=True)
class FlashItemView:
    """An item's row; what the gate says of it, and what is known of the viewer, once it is read."""

    row: Record
    is_seen: bool = False
    shown: Shown | None = None
    """None where the gate doesn't know the item, or wasn't asked."""
    mine: int | None = None
    """How many pieces the viewer has; None before it is read."""
    viewer: Viewer | None = None


def shown_item(row: Record) -> FlashSaleItem:
    """Return what stands for an item."""
    return cast("FlashSaleItem", FlashItemView(row))


async def items_of_skus(
    skus: Sequence[Any], info: BatchInfo
) -> list[Annotated[FlashSaleItem, strawberry.lazy("resolvers.member.flash_sales.types")] | None]:
    """Resolve `Sku.flashSaleItem`: of the sale that is on, or else of the next one."""
    context = info.context
    ids = [UUID(str(sku["id"])) for sku in skus]  # JSON has only its text.
    rows = await context.loaders.read(item_by_sku_id, ids, now=context.now)
    return [None if row is None else shown_item(row) for row in rows]
