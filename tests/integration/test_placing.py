"""Placing one order: what is written, what refuses it, and what a refusal leaves behind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.drafts import DraftLine, OrderDraft
from domain.errors import AccountBlocked, Conflict, IdempotencyKeyReused, InvalidInput
from domain.orders import DeliveryMethod
from domain.pricing import discounts_from_json, units_from_json
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from models.members import Member
from services import quoting, stock
from services.order_making import order_no
from services.placing import DraftRefused, PlaceOrder, PriceChanged, place_order
from services.quoting import PricedDraft
from services.sealed_addresses import open_snapshot
from tests.factories.shop import (
    DATA,
    NOW,
    SHANGHAI,
    SkuFacts,
    a_buyer,
    a_cart_line,
    a_member,
    a_sku,
    a_store,
    stock_of,
)
from tests.support.redis import RedisServer
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def gate(redis: RedisClient) -> StockGate:
    return StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=5))


def an_order(
    member_id: UUID, *lines: tuple[SkuFacts, int], key: str = "k", **more: Any
) -> PlaceOrder:
    facts = {"expected_payable_fen": None, "remark": None} | {
        name: more.pop(name) for name in list(more) if name in PlaceOrder.__dataclass_fields__
    }
    draft = OrderDraft(
        lines=tuple(DraftLine(sku_id=sku.id, quantity=quantity) for sku, quantity in lines) or None,
        **more,
    )
    return PlaceOrder(member_id=member_id, draft=draft, idempotency_key=key, **facts)


async def place(command: PlaceOrder, gate: StockGate) -> UUID:
    return await place_order(command, gate, DATA, now=NOW)


async def refusal(command: PlaceOrder, gate: StockGate) -> list[tuple[str, tuple[str, ...], int]]:
    """Return code, path and what is left; and prove that nothing was written."""
    before = await snapshot()
    with pytest.raises(DraftRefused) as caught:
        await place(command, gate)
    assert await snapshot() == before
    return [
        (problem.code.value, problem.path, int(problem.facts.get("left", -1)))
        for problem in caught.value.problems
    ]


async def snapshot() -> list[Any]:
    """Return everything that a refusal must leave as it was."""
    tables = [
        *("sales_order", "order_line", "order_event", "cart_line", "stock_level"),
        *("purchase_count", "idempotency_key", "points_lot", "ledger_entry"),
    ]
    return [
        [tuple(row) for row in await db.fetch(f"SELECT * FROM {table} ORDER BY id")]
        for table in tables
    ]


async def the_order() -> Any:
    return await db.fetch_one("SELECT * FROM sales_order")


async def test_an_order_keeps_a_snapshot_of_everything(gate: StockGate) -> None:
    member_id = await a_buyer(tier="SILVER", points=100)
    apple, pear = await a_sku(999, option="红色"), await a_sku(5001, name="梨")
    command = an_order(member_id, (apple, 3), (pear, 1), points_to_spend=100, remark="轻放")
    order_id = await place(command, gate)

    order = await the_order()
    assert (order["id"], order["member_id"]) == (order_id, member_id)
    assert (order["kind"], order["status"], order["delivery"]) == (
        "NORMAL",
        "AWAITING_PAYMENT",
        "EXPRESS",
    )
    assert (order["tier_code"], order["remark"]) == ("SILVER", "轻放")
    assert (order["placed_at"], order["pay_before"]) == (NOW, NOW + timedelta(minutes=30))
    assert order["timeout_due_at"] == order["pay_before"]
    assert order["rule_version_id"] == await db.fetch_value("SELECT id FROM rule_version")
    # 3 × 979 + 4901 = 7838 of 7998; a point is a fen; 4 pieces cost 10 yuan to carry.
    assert (order["goods_total_fen"], order["discount_total_fen"]) == (7998, 160)
    assert (order["points_spent"], order["points_off_fen"]) == (100, 100)
    assert (order["shipping_fen"], order["payable_fen"]) == (1000, 8738)

    first, second = await db.fetch("SELECT * FROM order_line ORDER BY position")
    assert (first["product_name"], first["sku_name"]) == ("苹果", "红色")
    assert (second["product_name"], second["sku_name"]) == ("梨", "")
    assert first["image_url"] == "https://example.com/product.png"
    assert (first["sku_id"], first["product_id"]) == (apple.id, apple.product_id)
    assert [line["payable_fen"] for line in (first, second)] == [2900, 4838]
    discounts = discounts_from_json(first["discounts"])
    assert [(each.kind, each.amount_fen) for each in discounts] == [
        ("MEMBER_PRICE", 60),
        ("POINTS", 37),
    ]
    units = units_from_json(first["units"])
    assert sum(unit.pieces for unit in units) == 3
    assert sum(unit.pieces * unit.payable_fen for unit in units) == 2900

    event = await db.fetch_one("SELECT order_id, kind, happened_at FROM order_event")
    assert event is not None
    assert tuple(event) == (order_id, "PLACED", NOW)
    assert await stock_of(apple) == {"available": 97, "reserved": 3, "sold": 0}
    assert await stock_of(pear) == {"available": 99, "reserved": 1, "sold": 0}
    assert await db.fetch_value("SELECT sum(remaining) FROM points_lot") == 0


async def test_the_address_is_a_sealed_snapshot(gate: StockGate) -> None:
    member_id = await a_buyer()
    await place(an_order(member_id, (await a_sku(), 1)), gate)
    await db.execute("DELETE FROM address")
    order = await the_order()
    assert order["region_code"] == SHANGHAI
    assert b"13800138000" not in order["address_encrypted"]
    address = open_snapshot(order["address_encrypted"], DATA)
    assert (address.name, address.phone) == ("张三", "13800138000")
    assert (address.province, address.city, address.district, address.detail) == (
        "上海市",
        "上海市",
        "浦东新区",
        "世纪大道 100 号",
    )


async def test_a_pickup_keeps_its_store_and_no_address(gate: StockGate) -> None:
    member_id, store_id = await a_buyer(), await a_store()
    sku = await a_sku(1000)
    pickup = DeliveryMethod.PICKUP
    await place(an_order(member_id, (sku, 1), delivery=pickup, store_id=store_id), gate)
    order = await the_order()
    assert (order["store_id"], order["address_encrypted"]) == (store_id, None)
    assert (order["shipping_fen"], order["payable_fen"]) == (0, 1000)


async def test_the_same_key_answers_with_the_same_order(gate: StockGate) -> None:
    member_id, sku = await a_buyer(), await a_sku(stock=1)
    command = an_order(member_id, (sku, 1))
    order_id = await place(command, gate)
    # The shelf is empty now, and the member may have moved: it is still the same order.
    await db.execute("DELETE FROM address")
    assert await place(command, gate) == order_id
    assert await stock_of(sku) == {"available": 0, "reserved": 1, "sold": 0}


async def test_the_same_key_with_another_body_is_refused(gate: StockGate) -> None:
    member_id, sku = await a_buyer(), await a_sku(stock=5)
    await place(an_order(member_id, (sku, 1)), gate)
    for other in (
        an_order(member_id, (sku, 2)),
        an_order(member_id, (sku, 9)),
        an_order(member_id, (sku, 1), remark="轻放"),
    ):
        with pytest.raises(IdempotencyKeyReused):
            await place(other, gate)
    assert await stock_of(sku) == {"available": 4, "reserved": 1, "sold": 0}


async def test_another_price_than_seen_places_nothing(gate: StockGate) -> None:
    member_id, sku = await a_buyer(), await a_sku(1000)
    await db.execute("UPDATE sku SET price_fen = 1100")
    before = await snapshot()
    command = an_order(member_id, (sku, 1), expected_payable_fen=1800)
    with pytest.raises(PriceChanged) as caught:
        await place(command, gate)
    assert caught.value.path == ("expectedPayable",)
    assert caught.value.priced.quote.payable_fen == 1900
    assert await snapshot() == before
    await place(replace(command, expected_payable_fen=1900), gate)


async def test_a_refusal_names_every_problem(gate: StockGate) -> None:
    member_id = await a_member()
    few, gone = await a_sku(stock=2), await a_sku(on_sale=False)
    assert await refusal(an_order(member_id, (few, 3), (gone, 1)), gate) == [
        ("OUT_OF_STOCK", ("lines", "0", "quantity"), 2),
        ("SKU_NOT_FOR_SALE", ("lines", "1", "skuId"), -1),
        ("ADDRESS_REQUIRED", ("addressId",), -1),
    ]


async def test_the_gate_refuses_before_the_database_is_asked(
    gate: StockGate, redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id, sku = await a_buyer(), await a_sku(stock=5)
    rival = await a_buyer()
    priced = await quoting.quote_draft(member_id, an_order(member_id, (sku, 3)).draft, now=NOW)
    await place(an_order(rival, (sku, 4)), gate)

    async def as_seen_before(*_: object, **__: object) -> PricedDraft:
        return priced

    monkeypatch.setattr(quoting, "quote_draft", as_seen_before)
    assert await refusal(an_order(member_id, (sku, 3)), gate) == [
        ("OUT_OF_STOCK", ("lines", "0", "quantity"), 1)
    ]


async def test_postgresql_decides_when_the_gate_believes_too_much(
    gate: StockGate, redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id, sku = await a_buyer(), await a_sku(stock=5)
    other = await a_sku(stock=5)
    lines = ((other, 1), (sku, 3))
    # The gate counts five; then four go in a way that it doesn't hear of.
    await gate.release(await gate.hold("warm", {sku.id: 1}))
    priced = await quoting.quote_draft(member_id, an_order(member_id, *lines).draft, now=NOW)
    await db.execute("UPDATE stock_level SET available = 1, sold = 4 WHERE id = $1", sku.id)

    async def as_seen_before(*_: object, **__: object) -> PricedDraft:
        return priced

    with monkeypatch.context() as patched:
        patched.setattr(quoting, "quote_draft", as_seen_before)
        assert await refusal(an_order(member_id, *lines), gate) == [
            ("OUT_OF_STOCK", ("lines", "1", "quantity"), 1)
        ]
    # The gate was told: it holds nothing for that order and counts anew.
    hold = await gate.hold("next", {sku.id: 2, other.id: 5})
    assert (hold.answer, hold.left) == ("REFUSED", {sku.id: 1})


async def test_a_limit_is_reached_by_unpaid_orders(gate: StockGate) -> None:
    member_id, sku = await a_buyer(), await a_sku(limit=3)
    await place(an_order(member_id, (sku, 2), key="first"), gate)
    assert await refusal(an_order(member_id, (sku, 2), key="second"), gate) == [
        ("PURCHASE_LIMIT_REACHED", ("lines", "0", "quantity"), 1)
    ]
    await place(an_order(member_id, (sku, 1), key="third"), gate)
    assert await db.fetch_value("SELECT pieces FROM purchase_count") == 3


async def test_an_order_from_the_cart_takes_its_lines_along(gate: StockGate) -> None:
    member_id = await a_buyer()
    apple, pear = await a_sku(), await a_sku()
    await a_cart_line(member_id, apple, 2)
    kept = await a_cart_line(member_id, pear, 1, selected=False)
    command = an_order(member_id, from_cart=True)
    order_id = await place(command, gate)
    assert [row["id"] for row in await db.fetch("SELECT id FROM cart_line")] == [kept]
    assert await place(command, gate) == order_id
    assert await refusal(an_order(member_id, from_cart=True, key="again"), gate) == [
        ("INVALID_INPUT", ("fromCart",), -1)
    ]


async def test_a_cart_that_changed_meanwhile_is_a_conflict(
    gate: StockGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id, sku = await a_buyer(), await a_sku()
    await a_cart_line(member_id, sku, 2)
    command = an_order(member_id, from_cart=True)
    priced = await quoting.quote_draft(member_id, command.draft, now=NOW)
    await db.execute("UPDATE cart_line SET quantity = 3")

    async def as_seen_before(*_: object, **__: object) -> PricedDraft:
        return priced

    before = await snapshot()
    monkeypatch.setattr(quoting, "quote_draft", as_seen_before)
    with pytest.raises(Conflict):
        await place(command, gate)
    assert await snapshot() == before


async def test_points_that_went_meanwhile_are_a_refusal(
    gate: StockGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id, sku = await a_buyer(points=100), await a_sku(1000)
    command = an_order(member_id, (sku, 1), points_to_spend=100)
    priced = await quoting.quote_draft(member_id, command.draft, now=NOW)
    await db.execute("UPDATE points_lot SET remaining = 99")

    async def as_seen_before(*_: object, **__: object) -> PricedDraft:
        return priced

    monkeypatch.setattr(quoting, "quote_draft", as_seen_before)
    assert await refusal(command, gate) == [("INSUFFICIENT_POINTS", ("pointsToSpend",), -1)]


async def test_an_order_of_nothing_is_paid_at_once(gate: StockGate) -> None:
    member_id, store_id = await a_buyer(), await a_store()
    sku = await a_sku(0)
    pickup = DeliveryMethod.PICKUP
    await place(an_order(member_id, (sku, 1), delivery=pickup, store_id=store_id), gate)
    order = await the_order()
    assert (order["status"], order["paid_fen"], order["paid_at"]) == ("AWAITING_PICKUP", 0, NOW)
    assert await db.fetch_value("SELECT count(*) FROM payment") == 0
    assert await stock_of(sku) == {"available": 99, "reserved": 0, "sold": 1}


@pytest.mark.parametrize("remark", ["长" * 201, "\x00"])
async def test_a_remark_has_bounds(gate: StockGate, remark: str) -> None:
    command = an_order(await a_buyer(), (await a_sku(), 1), remark=remark)
    with pytest.raises(InvalidInput) as caught:
        await place(command, gate)
    assert caught.value.path == ("remark",)


async def test_a_blocked_account_orders_nothing(gate: StockGate) -> None:
    member_id, sku = await a_buyer(), await a_sku()
    await db.execute("UPDATE member SET status = 'BLOCKED'")
    with pytest.raises(AccountBlocked):
        await place(an_order(member_id, (sku, 1)), gate)


async def test_a_visitor_may_say_who_brought_them(gate: StockGate) -> None:
    inviter = await Member.get(id=await a_member())
    visitor = await a_buyer()
    await db.execute("UPDATE member SET joined_at = NULL WHERE id = $1", visitor)
    sku = await a_sku()
    await place(an_order(visitor, (sku, 1), key="a", invite_code="NOBODY"), gate)
    await place(an_order(visitor, (sku, 1), key="b", invite_code=inviter.invite_code), gate)
    invited_by = await db.fetch_value("SELECT invited_by_id FROM member WHERE id = $1", visitor)
    assert invited_by == inviter.id


@pytest.mark.parametrize("limit", [None, 9])
async def test_statements_of_an_order(
    gate: StockGate, statements: StatementLog, limit: int | None
) -> None:
    member_id = await a_buyer(points=100)
    skus = [await a_sku(10_000, limit=limit) for _ in range(3)]
    lines = [(sku, 1) for sku in skus]
    await place(an_order(member_id, *lines, key="warm"), gate)
    await quoting.quote_cart(member_id, now=NOW)
    async with statements.record() as heard:
        await place(an_order(member_id, *lines), gate)
    assert len(heard) == 5 + (limit is not None), heard
    for sku in skus:
        await a_cart_line(member_id, sku)
    command = an_order(member_id, from_cart=True, key="cart", points_to_spend=100)
    async with statements.record() as heard:
        await place(command, gate)
    assert len(heard) == 7 + (limit is not None), heard


async def test_redis_may_be_empty_stopped_or_paused(
    gate: StockGate, redis: RedisClient, redis_server: RedisServer
) -> None:
    quick = StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=0.05))
    sku = await a_sku(stock=3)
    buyer = await a_buyer()
    await place(an_order(buyer, (sku, 1), key="usual"), gate)
    await redis.flushall()
    await place(an_order(buyer, (sku, 1), key="emptied"), quick)
    redis_server.pause()
    await place(an_order(buyer, (sku, 1), key="paused"), quick)
    assert await refusal(an_order(buyer, (sku, 1), key="paused, sold out"), quick) == [
        ("OUT_OF_STOCK", ("lines", "0", "quantity"), 0)
    ]
    redis_server.resume()
    redis_server.stop()
    assert await refusal(an_order(buyer, (sku, 1), key="stopped"), quick) == [
        ("OUT_OF_STOCK", ("lines", "0", "quantity"), 0)
    ]
    assert await stock_of(sku) == {"available": 0, "reserved": 3, "sold": 0}


def test_an_order_number_is_the_day_and_fourteen_digits() -> None:
    # 16:30 UTC is the next day in Shanghai.
    numbers = {order_no(NOW + timedelta(hours=12, minutes=30)) for _ in range(1000)}
    assert len(numbers) == 1000
    assert {(number[:6], len(number), number.isdigit()) for number in numbers} == {
        ("261123", 20, True)
    }
