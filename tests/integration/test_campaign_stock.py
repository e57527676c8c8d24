"""Pieces set aside for a campaign: reserved, sold, given back to where they belong."""

import asyncio
from uuid import UUID

import pytest

from domain.errors import InvalidInput
from domain.stock_gate import Claimable, Freed
from models import database as db
from models.flash_sales import FlashQuota
from models.ids import new_id
from services import campaign_stock, stock
from services.verification import verify
from tests.factories.campaigns import a_flash_item, a_shelf, shelf_of
from tests.factories.orders import pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku, stock_of

pytestmark = pytest.mark.usefixtures("database")


async def an_order(sku: SkuFacts, stock_id: UUID, pieces: int = 1) -> UUID:
    """Place an order, and have its pieces come from a shelf rather than from the SKU's own."""
    order_id = await placed(await a_buyer(), (sku, pieces))
    async with db.in_transaction():
        await stock.give_back_reserved(order_id, now=NOW)
        await db.execute(
            "UPDATE order_line SET campaign_stock_id = $2 WHERE order_id = $1", order_id, stock_id
        )
        assert await campaign_stock.reserve(stock_id, pieces, now=NOW) is None
    return order_id


async def cancelled(order_id: UUID) -> Freed:
    """Give a cancelled order's pieces back."""
    await db.execute(
        "UPDATE sales_order SET status = 'CANCELLED', timeout_due_at = NULL WHERE id = $1", order_id
    )
    async with db.in_transaction():
        return await stock.give_back_reserved(order_id, now=NOW)


async def set_aside_of(sku: SkuFacts) -> int:
    found: int = await db.fetch_value("SELECT set_aside FROM stock_level WHERE id = $1", sku.id)
    return found


async def assert_shelves_agree() -> None:
    assert [each for each in await verify(("stock.",)) if not each.is_clean] == []


async def test_pieces_are_set_aside_and_what_is_left_returns() -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    assert (await stock_of(sku))["available"] == 6
    assert await set_aside_of(sku) == 4
    assert await stock.available_of([sku.id, stock_id, new_id()]) == {sku.id: 6, stock_id: 4}
    assert await campaign_stock.reserve(stock_id, 1, now=NOW) is None
    assert await campaign_stock.close(stock_id, now=NOW) == Freed({sku.id: 3})
    assert await campaign_stock.close(stock_id, now=NOW) == Freed()
    assert await shelf_of(stock_id) == {"available": 0, "reserved": 1, "sold": 0, "returned": 3}
    assert (await stock_of(sku))["available"] == 9
    assert await set_aside_of(sku) == 1


async def test_no_more_is_set_aside_than_is_available() -> None:
    sku = await a_sku(stock=2)
    with pytest.raises(InvalidInput):
        await a_shelf(sku, 3)
    assert await stock_of(sku) == {"available": 2, "reserved": 0, "sold": 0}
    await a_shelf(sku, 2)
    assert (await stock_of(sku))["available"] == 0


async def test_a_shelf_gives_what_it_has_and_never_more() -> None:
    stock_id = await a_shelf(await a_sku(), 3)
    assert await campaign_stock.reserve(stock_id, 2, now=NOW) is None
    assert await campaign_stock.reserve(stock_id, 2, now=NOW) == 1
    assert await shelf_of(stock_id) == {"available": 1, "reserved": 2, "sold": 0, "returned": 0}


async def test_fifty_at_once_for_the_last_three_of_a_shelf() -> None:
    sku = await a_sku()
    stock_id = await a_shelf(sku, 3)
    left = await asyncio.gather(*(campaign_stock.reserve(stock_id, 1, now=NOW) for _ in range(50)))
    assert left.count(None) == 3
    assert set(left) == {None, 0}
    assert await shelf_of(stock_id) == {"available": 0, "reserved": 3, "sold": 0, "returned": 0}


async def test_a_paid_order_has_sold_its_shelfs_pieces() -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    order_id = await an_order(sku, stock_id, 2)
    await pay(order_id)
    assert await shelf_of(stock_id) == {"available": 2, "reserved": 0, "sold": 2, "returned": 0}
    assert await stock_of(sku) == {"available": 6, "reserved": 0, "sold": 0}
    await assert_shelves_agree()


async def test_a_cancelled_order_gives_back_to_the_shelf_and_to_the_sku_once_it_is_closed() -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    first, second = await an_order(sku, stock_id, 2), await an_order(sku, stock_id)
    assert await cancelled(first) == Freed({stock_id: 2})
    assert await shelf_of(stock_id) == {"available": 3, "reserved": 1, "sold": 0, "returned": 0}
    await campaign_stock.close(stock_id, now=NOW)
    assert await cancelled(second) == Freed({sku.id: 1})
    assert await shelf_of(stock_id) == {"available": 0, "reserved": 0, "sold": 0, "returned": 4}
    assert await stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}
    assert await set_aside_of(sku) == 0
    await assert_shelves_agree()


@pytest.mark.parametrize("is_closed", [False, True])
async def test_pieces_refunded_before_shipment_come_back(is_closed: bool) -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    order_id = await an_order(sku, stock_id, 2)
    await pay(order_id)
    if is_closed:
        await campaign_stock.close(stock_id, now=NOW)
    member_id = await db.fetch_value("SELECT member_id FROM sales_order")
    await db.execute("UPDATE order_line SET refunded_quantity = 1, withdrawn_quantity = 1")
    async with db.in_transaction():
        freed = await stock.give_back_sold(order_id, member_id, {sku.id: 1}, now=NOW)
    assert freed == Freed({sku.id if is_closed else stock_id: 1})
    assert (await shelf_of(stock_id))["sold"] == 1
    await assert_shelves_agree()


async def test_what_comes_back_to_a_flash_sale_can_be_claimed_again_by_its_member() -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    item_id = await a_flash_item(sku, stock_id=stock_id, per_member_limit=2)
    order_id = await an_order(sku, stock_id, 2)
    member_id = await db.fetch_value("SELECT member_id FROM sales_order")
    await FlashQuota.create(item_id=item_id, member_id=member_id, pieces=2)
    await FlashQuota.create(item_id=item_id, member_id=await a_buyer(), pieces=1)
    assert await cancelled(order_id) == Freed(claimable=(Claimable(item_id, member_id, 2),))
    rows = await db.fetch("SELECT pieces FROM flash_quota ORDER BY pieces")
    assert [row["pieces"] for row in rows] == [0, 1]


async def test_once_a_flash_sale_is_closed_its_pieces_are_the_skus() -> None:
    sku = await a_sku(stock=10)
    stock_id = await a_shelf(sku, 4)
    item_id = await a_flash_item(sku, stock_id=stock_id)
    order_id = await an_order(sku, stock_id)
    member_id = await db.fetch_value("SELECT member_id FROM sales_order")
    await FlashQuota.create(item_id=item_id, member_id=member_id, pieces=1)
    await campaign_stock.close(stock_id, now=NOW)
    assert await cancelled(order_id) == Freed({sku.id: 1})
    await assert_shelves_agree()


async def test_closing_while_orders_are_made_and_cancelled_loses_nothing() -> None:
    sku = await a_sku(stock=100)
    stock_id = await a_shelf(sku, 40)
    orders = [await an_order(sku, stock_id) for _ in range(12)]

    async def close() -> None:
        async with db.in_transaction():
            await campaign_stock.close(stock_id, now=NOW)

    await asyncio.gather(*map(cancelled, orders), close())
    assert await shelf_of(stock_id) == {"available": 0, "reserved": 0, "sold": 0, "returned": 40}
    assert await stock_of(sku) == {"available": 100, "reserved": 0, "sold": 0}
    await assert_shelves_agree()
