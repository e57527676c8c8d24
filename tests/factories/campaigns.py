"""Campaigns and their shelves, made by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.flash_sales import FlashSaleState
from models import database
from models.campaign_stock import CampaignStock
from models.flash_sales import FlashSale, FlashSaleItem
from services import campaign_stock
from tests.factories.shop import NOW, SkuFacts

HOUR = timedelta(hours=1)


async def a_shelf(sku: SkuFacts, pieces: int) -> UUID:
    """Set pieces of a SKU aside; returns the stock id."""
    async with database.in_transaction():
        return await campaign_stock.set_aside(sku.id, pieces, now=NOW)


async def a_flash_item(
    sku: SkuFacts, *, stock_id: UUID, price_fen: int = 100, per_member_limit: int = 1
) -> UUID:
    """Make a running flash sale of one item that has a shelf; returns the item's id."""
    shelf = await CampaignStock.get(id=stock_id)
    sale = await FlashSale.create(
        name="整点秒杀",
        starts_at=NOW - HOUR,
        ends_at=NOW + HOUR,
        state=FlashSaleState.PUBLISHED,
        published_at=NOW - HOUR,
        close_due_at=NOW + HOUR,
        created_at=NOW - HOUR,
    )
    item = await FlashSaleItem.create(
        sale_id=sale.id,
        sku_id=sku.id,
        stock_id=stock_id,
        price_fen=price_fen,
        quantity=shelf.set_aside,
        per_member_limit=per_member_limit,
    )
    return item.id


async def shelf_of(stock_id: UUID) -> dict[str, int]:
    """Return the pieces of a shelf, by where they are."""
    row = await database.fetch_one(
        "SELECT available, reserved, sold, returned FROM campaign_stock WHERE id = $1", stock_id
    )
    assert row is not None
    return dict(row)
