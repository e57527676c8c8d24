"""Many orders at once, on real PostgreSQL and Redis."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

import pytest

from domain.carts import LineChange
from domain.drafts import DraftLine, OrderDraft
from domain.errors import Conflict, IdempotencyKeyReused, NotFound
from gateways.redis.connection import RedisClient
from gateways.redis.stock_gate import StockGate, StockGateConfig
from models import database as db
from services import stock
from services.carts import UpdateCart, update_cart
from services.placing import DraftRefused, PlaceOrder, place_order
from tests.factories.shop import (
    DATA,
    NOW,
    SkuFacts,
    a_buyer,
    a_cart_line,
    a_sku,
    stock_of,
)
from tests.support.redis import RedisServer

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def gate(redis: RedisClient) -> StockGate:
    return StockGate(redis, stock.available_of, StockGateConfig(timeout_seconds=5))


def an_order(member_id: UUID, lines: Iterable[tuple[SkuFacts, int]], key: str) -> PlaceOrder:
    draft = OrderDraft(
        lines=tuple(DraftLine(sku_id=sku.id, quantity=quantity) for sku, quantity in lines)
    )
    return PlaceOrder(
        member_id=member_id,
        draft=draft,
        expected_payable_fen=None,
        remark=None,
        idempotency_key=key,
    )


async def outcome(command: PlaceOrder, gate: StockGate) -> UUID | str:
    """Return the order's id, or the codes of its refusal."""
    try:
        return await place_order(command, gate, DATA, now=NOW)
    except DraftRefused as refused:
        return " ".join(problem.code for problem in refused.problems)
    except IdempotencyKeyReused as error:
        return error.code


async def orders_placed() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM sales_order")
    return count


@pytest.mark.parametrize("with_redis", [True, False])
async def test_fifty_orders_for_the_last_three_pieces(
    gate: StockGate, redis_server: RedisServer, with_redis: bool
) -> None:
    sku = await a_sku(stock=3)
    buyers = [await a_buyer() for _ in range(50)]
    if not with_redis:
        redis_server.stop()
    outcomes = await asyncio.gather(
        *(outcome(an_order(buyer, [(sku, 1)], "k"), gate) for buyer in buyers)
    )
    refusals = Counter(each for each in outcomes if isinstance(each, str))
    assert refusals == {"OUT_OF_STOCK": 47}
    assert await orders_placed() == 3
    assert await stock_of(sku) == {"available": 0, "reserved": 3, "sold": 0}


async def test_two_carts_with_the_same_skus_in_opposite_order(gate: StockGate) -> None:
    first, second = await a_sku(stock=1000), await a_sku(stock=1000)
    one, other = await a_buyer(), await a_buyer()
    outcomes = await asyncio.gather(
        *(
            outcome(an_order(buyer, lines, f"k{number}"), gate)
            for number in range(50)
            for buyer, lines in (
                (one, [(first, 1), (second, 2)]),
                (other, [(second, 1), (first, 2)]),
            )
        )
    )
    assert all(isinstance(each, UUID) for each in outcomes)
    assert await stock_of(first) == {"available": 850, "reserved": 150, "sold": 0}
    assert await stock_of(second) == {"available": 850, "reserved": 150, "sold": 0}


async def test_one_key_twenty_times_makes_one_order(gate: StockGate) -> None:
    sku = await a_sku(stock=1)
    buyer = await a_buyer()
    command = an_order(buyer, [(sku, 1)], "same")
    outcomes = await asyncio.gather(*(outcome(command, gate) for _ in range(20)))
    assert len(set(outcomes)) == 1
    assert isinstance(outcomes[0], UUID)
    assert await orders_placed() == 1
    assert await stock_of(sku) == {"available": 0, "reserved": 1, "sold": 0}


async def test_one_key_twenty_times_from_the_cart_makes_one_order(gate: StockGate) -> None:
    sku = await a_sku(stock=100)
    buyer = await a_buyer()
    await a_cart_line(buyer, sku, 2)
    command = PlaceOrder(
        member_id=buyer,
        draft=OrderDraft(from_cart=True),
        expected_payable_fen=None,
        remark=None,
        idempotency_key="same",
    )
    outcomes = await asyncio.gather(*(outcome(command, gate) for _ in range(20)))
    assert len(set(outcomes)) == 1
    assert isinstance(outcomes[0], UUID)
    assert await stock_of(sku) == {"available": 98, "reserved": 2, "sold": 0}


async def test_a_member_limit_holds_under_rivals(gate: StockGate) -> None:
    sku = await a_sku(stock=100, limit=3)
    buyer = await a_buyer()
    outcomes = await asyncio.gather(
        *(outcome(an_order(buyer, [(sku, 1)], f"k{number}"), gate) for number in range(10))
    )
    refusals = Counter(each for each in outcomes if isinstance(each, str))
    assert refusals == {"PURCHASE_LIMIT_REACHED": 7}
    assert await stock_of(sku) == {"available": 97, "reserved": 3, "sold": 0}
    assert await db.fetch_value("SELECT pieces FROM purchase_count") == 3


async def test_a_line_is_ordered_or_changed_and_never_both(gate: StockGate) -> None:
    sku = await a_sku(stock=1000)
    buyer = await a_buyer()
    for number in range(20):
        line_id = await a_cart_line(buyer, sku, 1)
        order = PlaceOrder(
            member_id=buyer,
            draft=OrderDraft(from_cart=True),
            expected_payable_fen=None,
            remark=None,
            idempotency_key=f"k{number}",
        )
        change = UpdateCart(
            member_id=buyer,
            select_all=None,
            lines=(LineChange(line_id=line_id, quantity=5),),
        )
        placed, changed = await asyncio.gather(
            place_order(order, gate, DATA, now=NOW),
            update_cart(change, now=NOW),
            return_exceptions=True,
        )
        in_cart = await db.fetch_value("SELECT quantity FROM cart_line")
        if isinstance(placed, UUID):
            # Either the change came too late, or the order took it along.
            ordered = await db.fetch_value(
                "SELECT quantity FROM order_line WHERE order_id = $1", placed
            )
            assert (in_cart, ordered, type(changed)) in {
                (None, 1, NotFound),
                (None, 5, type(None)),
            }
        else:
            assert (type(placed), changed, in_cart) == (Conflict, None, 5)
        await db.execute("DELETE FROM cart_line")
