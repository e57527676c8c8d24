"""Figures follow stock, prices and payments; sweeps are idempotent and miss nothing."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.catalog import SaleStatus
from domain.errors import InvalidInput
from models import database as db
from models.catalog import Sku
from models.ids import new_id
from models.orders import Order, OrderLine
from services import catalog_admin, product_figures, stock_admin
from tests.factories.catalog import a_product, a_variant
from tests.factories.shop import NOW, SkuFacts, a_member, a_sku

pytestmark = pytest.mark.usefixtures("database")

LATER = NOW + timedelta(minutes=5)


async def figures(product_id: UUID) -> tuple[int, int, int, bool]:
    row = await db.fetch_one(
        "SELECT sold, min_price_fen, max_price_fen, in_stock FROM product WHERE id = $1", product_id
    )
    assert row is not None
    return tuple(row)


async def sku_ids(product_id: UUID) -> list[UUID]:
    rows = await db.fetch("SELECT id FROM sku WHERE product_id = $1 ORDER BY position", product_id)
    return [row["id"] for row in rows]


async def move(sku_id: UUID, pieces: int, *, now: datetime) -> None:
    """Sell pieces as a paid order does."""
    await db.execute(
        """
        UPDATE stock_level SET available = available - $2, sold = sold + $2, updated_at = $3
        WHERE id = $1
        """,
        sku_id,
        pieces,
        now,
    )


async def test_a_new_product_has_its_figures() -> None:
    product_id = await a_product("苹果", a_variant(300), a_variant(200, stock=0))
    assert await figures(product_id) == (0, 200, 300, True)
    assert await product_figures.refresh(NOW, 100) == 0


async def test_a_sweep_writes_what_changed_and_only_that() -> None:
    changed = await a_product("苹果", a_variant(300, stock=5), a_variant(200, stock=1))
    await a_product("香蕉")
    one, two = await sku_ids(changed)
    await move(one, 3, now=NOW)
    await move(two, 1, now=NOW)
    assert await figures(changed) == (0, 200, 300, True)
    assert await product_figures.refresh(NOW, 100) == 1
    assert await figures(changed) == (4, 200, 300, True)
    assert await product_figures.refresh(NOW, 100) == 0
    await move(one, 2, now=LATER)
    assert await product_figures.refresh(LATER, 100) == 1
    assert await figures(changed) == (6, 200, 300, False)


async def test_batches_go_on_until_nothing_is_left() -> None:
    products = [await a_product(f"商品{number}") for number in range(5)]
    for product_id in products:
        await move((await sku_ids(product_id))[0], 1, now=NOW)
    written = [await product_figures.refresh(NOW, 2) for _ in range(4)]
    assert written == [2, 2, 1, 0]
    assert [(await figures(product_id))[0] for product_id in products] == [1] * 5


async def test_a_transaction_that_commits_late_is_not_missed() -> None:
    """It wrote an `updated_at` from before the sweep that came first."""
    product_id = await a_product("苹果")
    (sku_id,) = await sku_ids(product_id)
    await product_figures.refresh(NOW, 100)
    started = NOW + timedelta(minutes=1)
    await product_figures.refresh(started + timedelta(seconds=59), 100)
    await move(sku_id, 1, now=started)
    assert await product_figures.refresh(started + timedelta(seconds=60), 100) == 1
    assert (await figures(product_id))[0] == 1


async def test_a_locked_product_waits_for_the_next_sweep() -> None:
    one, two = await a_product("苹果"), await a_product("香蕉")
    for product_id in (one, two):
        await move((await sku_ids(product_id))[0], 1, now=NOW)
    locked, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.in_transaction():
            await db.fetch_value("SELECT id FROM product WHERE id = $1 FOR UPDATE", one)
            locked.set()
            await done.wait()

    holding = asyncio.create_task(hold())
    await locked.wait()
    try:
        assert await product_figures.refresh(NOW, 100) == 1
    finally:
        done.set()
        await holding
    assert await product_figures.refresh(NOW, 100) == 1
    assert [(await figures(each))[0] for each in (one, two)] == [1, 1]


async def test_one_sweep_works_at_a_time() -> None:
    product_id = await a_product("苹果")
    await product_figures.refresh(NOW, 100)
    await move((await sku_ids(product_id))[0], 1, now=NOW)
    at_work, done = asyncio.Event(), asyncio.Event()

    async def first_sweep() -> int:
        async with db.in_transaction():
            written = await product_figures.refresh(NOW, 100)
            at_work.set()
            await done.wait()
            return written

    sweeping = asyncio.create_task(first_sweep())
    await at_work.wait()
    try:
        assert await product_figures.refresh(NOW, 100) == 0
    finally:
        done.set()
    assert await sweeping == 1


async def test_prices_and_status_are_written_at_once() -> None:
    product_id = await a_product("苹果", a_variant(300), a_variant(200))
    one, two = await sku_ids(product_id)
    await catalog_admin.set_price(one, 900, now=NOW)
    assert await figures(product_id) == (0, 200, 900, True)
    await catalog_admin.set_sku_status(two, SaleStatus.OFF_SALE, now=NOW)
    assert await figures(product_id) == (0, 900, 900, True)
    await catalog_admin.set_sku_status(one, SaleStatus.OFF_SALE, now=NOW)
    assert await figures(product_id) == (0, 200, 900, False)
    await catalog_admin.add_sku(product_id, a_variant(50, stock=0), now=NOW)
    assert await figures(product_id) == (0, 50, 50, False)


async def test_a_rebuild_mends_everything_and_writes_only_what_is_wrong() -> None:
    right = await a_product("苹果")
    wrong = [await a_product(f"商品{number}", a_variant(100 + number)) for number in range(3)]
    await db.execute(
        "UPDATE product SET sold = 9, min_price_fen = 1, in_stock = false WHERE id = ANY($1)", wrong
    )
    assert await product_figures.rebuild(batch=2) == 3
    assert [await figures(each) for each in wrong] == [
        (0, 100, 100, True),
        (0, 101, 101, True),
        (0, 102, 102, True),
    ]
    assert await figures(right) == (0, 1000, 1000, True)
    assert await product_figures.rebuild(batch=2) == 0


async def a_paid_order(sku: SkuFacts, *, paid_at: datetime, **facts: Any) -> None:
    """Make a paid order of one line, at ¥10.00 a piece unless told otherwise."""
    line: dict[str, Any] = {
        "quantity": 1,
        "unit_price_fen": 1000,
        "discount_total_fen": 0,
        "points_off_fen": 0,
    }
    line |= {name: value for name, value in facts.items() if name in line}
    total = line["unit_price_fen"] * line["quantity"]
    off, points = line["discount_total_fen"], line["points_off_fen"]
    order = await Order.create(
        order_no=new_id().hex,
        member_id=await a_member(),
        kind=facts.get("kind", "NORMAL"),
        status="AWAITING_SHIPMENT",
        delivery="EXPRESS",
        goods_total_fen=total,
        discount_total_fen=off,
        shipping_fen=0,
        points_spent=points,
        points_off_fen=points,
        payable_fen=total - off - points,
        tier_code="REGULAR",
        placed_at=paid_at,
        pay_before=paid_at,
        paid_at=paid_at,
    )
    await OrderLine.create(
        order_id=order.id,
        position=0,
        sku_id=sku.id,
        product_name="苹果",
        sku_name="",
        payable_fen=total - off - points,
        discounts=[],
        units=[],
        **line,
    )


async def lows() -> dict[tuple[UUID, date], int]:
    rows = await db.fetch("SELECT sku_id, day, price_fen FROM sku_daily_low")
    return {(row["sku_id"], row["day"]): row["price_fen"] for row in rows}


async def test_the_lowest_price_of_a_day_is_what_was_paid_for_a_piece() -> None:
    """After every discount, before points; a fraction of a fen is left out."""
    sku, other = await a_sku(), await a_sku()
    today = date(2026, 11, 22)
    await a_paid_order(sku, paid_at=NOW)
    await a_paid_order(sku, paid_at=NOW, quantity=3, discount_total_fen=400, points_off_fen=1000)
    await a_paid_order(other, paid_at=NOW, unit_price_fen=2000)
    assert await product_figures.refresh_daily_lows(NOW) == 2
    assert await lows() == {(sku.id, today): 866, (other.id, today): 2000}
    assert await product_figures.refresh_daily_lows(NOW) == 0

    await a_paid_order(sku, paid_at=LATER, discount_total_fen=100)
    assert await product_figures.refresh_daily_lows(LATER) == 0
    await a_paid_order(sku, paid_at=LATER, discount_total_fen=200)
    assert await product_figures.refresh_daily_lows(LATER) == 1
    assert (await lows())[sku.id, today] == 800


async def test_gifts_and_redemptions_are_no_purchases() -> None:
    sku = await a_sku()
    await a_paid_order(sku, paid_at=NOW, discount_total_fen=1000)
    await a_paid_order(sku, paid_at=NOW, unit_price_fen=1, kind="REDEMPTION")
    assert await product_figures.refresh_daily_lows(NOW) == 0
    assert await lows() == {}


async def test_the_day_is_shanghais() -> None:
    sku = await a_sku()
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    await a_paid_order(sku, paid_at=midnight - timedelta(microseconds=1), unit_price_fen=900)
    await a_paid_order(sku, paid_at=midnight, unit_price_fen=1100)
    assert await product_figures.refresh_daily_lows(NOW) == 2
    assert await lows() == {(sku.id, date(2026, 11, 21)): 900, (sku.id, date(2026, 11, 22)): 1100}


async def test_days_without_a_sweep_are_caught_up_with() -> None:
    """Days that no struck-through price looks at any more are left out."""
    sku = await a_sku()
    for days in (8, 7, 3, 1):
        await a_paid_order(sku, paid_at=NOW - timedelta(days=days), unit_price_fen=1000 + days)
    assert await product_figures.refresh_daily_lows(NOW) == 3
    assert await lows() == {
        (sku.id, date(2026, 11, 15)): 1007,
        (sku.id, date(2026, 11, 19)): 1003,
        (sku.id, date(2026, 11, 21)): 1001,
    }


async def test_a_payment_that_commits_late_is_folded_in() -> None:
    sku = await a_sku()
    await product_figures.refresh_daily_lows(NOW)
    paid_at = NOW + timedelta(minutes=1)
    await product_figures.refresh_daily_lows(paid_at + timedelta(seconds=59))
    await a_paid_order(sku, paid_at=paid_at)
    assert await product_figures.refresh_daily_lows(paid_at + timedelta(seconds=60)) == 1


async def test_a_payment_told_of_late_is_folded_in_by_the_next_day() -> None:
    sku = await a_sku()
    await product_figures.refresh_daily_lows(NOW)
    await a_paid_order(sku, paid_at=NOW - timedelta(hours=3))
    assert await product_figures.refresh_daily_lows(LATER) == 0
    assert await product_figures.refresh_daily_lows(NOW + timedelta(days=1)) == 1
    assert await lows() == {(sku.id, date(2026, 11, 22)): 1000}


async def test_stock_admin_keeps_the_equation() -> None:
    sku = await a_sku(stock=5)
    assert await stock_admin.restock(sku.id, 3, now=NOW) == 8
    assert await stock_admin.adjust(sku.id, -8, now=NOW) == 0
    assert await stock_admin.adjust(sku.id, 2, now=NOW) == 2
    row = await db.fetch_one("SELECT * FROM stock_level WHERE id = $1", sku.id)
    assert row is not None
    assert {name: row[name] for name in ("initial", "restocked", "adjusted", "available")} == {
        "initial": 5,
        "restocked": 3,
        "adjusted": -6,
        "available": 2,
    }
    assert row["updated_at"] == NOW


async def test_rivals_cannot_take_away_more_than_there_is() -> None:
    sku = await a_sku(stock=5)

    async def take() -> str:
        try:
            await stock_admin.adjust(sku.id, -2, now=NOW)
        except InvalidInput:
            return "refused"
        return "taken"

    outcomes = await asyncio.gather(*(take() for _ in range(6)))
    assert sorted(outcomes) == ["refused"] * 4 + ["taken"] * 2
    assert await db.fetch_value("SELECT available FROM stock_level WHERE id = $1", sku.id) == 1


async def test_figures_do_not_touch_sku_rows() -> None:
    product_id = await a_product("苹果")
    (sku_id,) = await sku_ids(product_id)
    before = await Sku.get(id=sku_id)
    await move(sku_id, 1, now=NOW)
    await product_figures.refresh(NOW, 10)
    assert (await Sku.get(id=sku_id)).updated_at == before.updated_at
