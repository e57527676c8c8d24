"""Whatever happens to orders, in whatever order: the mall agrees with a notebook of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from models import database as db
from models.ids import new_id
from services import finality, merging, promotions, settling
from services import rules as rule_versions
from services.reversal import Reversal, Reversed, reverse
from tests.factories.coupons import FREE_SHIPPING, a_coupon
from tests.factories.orders import cancelled, lines_of, pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_member, a_sku, stock_of
from tests.stateful.orders_oracle import Bought, Notebook
from tests.support.shopping import assert_books_agree

T = TypeVar("T")
STOCK = 1_000
COUPON_DAYS = 6


class OrdersMachine(RuleBasedStateMachine):
    """A member who buys, cancels and returns, and turns out to be somebody else as well."""

    unpaid = Bundle("unpaid")
    gone = Bundle("gone")
    paid = Bundle("paid")
    refunds = Bundle("refunds")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.member_id: UUID | None = None
        self.others = 2
        self.skus: list[SkuFacts] = []
        self.book = Notebook(net=3_000)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize()
    def begin(self) -> None:
        self.member_id, self.skus = self.run(_reset())
        for sku in self.skus:
            self.book.available[sku.id] = STOCK
            self.book.reserved[sku.id] = self.book.sold[sku.id] = 0
        self.bring_coupons()

    @rule()
    def bring_coupons(self) -> None:
        assert self.member_id is not None
        end = self.now + timedelta(days=COUPON_DAYS)
        for terms in ({}, {"terms": FREE_SHIPPING}):
            made: Any = a_coupon(self.member_id, valid_from=NOW, valid_until=end, **terms)
            coupon_id = self.run(made)
            self.book.coupons[coupon_id] = "USABLE"
            self.book.ends[coupon_id] = end

    @rule(
        target=unpaid,
        quantities=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        with_coupons=st.booleans(),
        with_points=st.booleans(),
    )
    def place(self, quantities: list[int], with_coupons: bool, with_points: bool) -> UUID:
        assert self.member_id is not None
        lines = list(zip(self.skus, quantities, strict=False))
        order_id = self.run(
            placed(
                self.member_id,
                *lines,
                now=self.now,
                best_coupons=with_coupons,
                use_max_points=with_points,
            )
        )
        row = self.run(_order(order_id))
        order = Bought(
            status="AWAITING_PAYMENT",
            spent=row["points_spent"],
            goods_fen=row["payable_fen"] - row["shipping_fen"],
            shipping_fen=row["shipping_fen"],
            coupons=self.run(_coupons_of(order_id)),
            left=quantities[: len(lines)],
            skus=[sku.id for sku, _ in lines],
        )
        assert with_coupons or not order.coupons
        assert with_points or not order.spent
        assert all(self.book.coupons[coupon_id] == "USABLE" for coupon_id in order.coupons)
        assert all(self.now < self.book.ends[coupon_id] for coupon_id in order.coupons)
        self.book.place(order_id, order)
        return order_id

    @rule(target=gone, order_id=consumes(unpaid))
    def cancel(self, order_id: UUID) -> UUID:
        self.run(cancelled(order_id, now=self.now))
        self.book.cancel(self.book.orders[order_id], self.now)
        return order_id

    @rule(order_id=gone)
    def pay_too_late(self, order_id: UUID) -> None:
        assert self.run(pay(order_id, now=self.now)) is settling.Outcome.CASE

    @rule(target=paid, order_id=consumes(unpaid), is_received=st.booleans())
    def pay(self, order_id: UUID, is_received: bool) -> UUID:
        assert self.run(pay(order_id, now=self.now)) is settling.Outcome.PAID
        order, row = self.book.orders[order_id], self.run(_order(order_id))
        order.earned, order.growth = row["points_earned"], row["growth_earned"]
        assert order.growth == order.goods_fen * 10 // 100
        self.book.pay(order)
        if is_received:
            self.receive(order_id)
        return order_id

    @rule(order_id=paid)
    def receive_later(self, order_id: UUID) -> None:
        self.receive(order_id)

    def receive(self, order_id: UUID) -> None:
        self.run(finality.receive(order_id, at=self.now))
        order = self.book.orders[order_id]
        if order.final_at is None:
            order.final_at = self.run(_order(order_id))["final_at"]

    @rule(days=st.sampled_from([0, 1, 3, 8]))
    def finalize_later(self, days: int) -> None:
        self.now += timedelta(days=days)
        assert self.run(finality.finalize_due(self.now)) == self.book.finalize(self.now)

    @rule(
        target=refunds,
        order_id=paid,
        place=st.integers(0, 2),
        pieces=st.integers(1, 3),
        before_shipment=st.booleans(),
    )
    def refund(
        self, order_id: UUID, place: int, pieces: int, before_shipment: bool
    ) -> Reversal | None:
        order = self.book.orders[order_id]
        place %= len(order.left)
        pieces = min(pieces, order.left[place])
        if not pieces:
            return None
        line_id = self.run(lines_of(order_id))[place]
        wish = Reversal(
            refund_id=new_id(),
            order_id=order_id,
            quantities={line_id: pieces},
            before_shipment=before_shipment,
        )
        self.note(wish, place, pieces, self.run(reverse(wish, now=self.now)))
        return wish

    def note(self, wish: Reversal, place: int, pieces: int, done: Reversed) -> None:
        order = self.book.orders[wish.order_id]
        self.book.refund(order, place, pieces, before_shipment=wish.before_shipment, now=self.now)
        self.book.give_and_take(
            order,
            returned=done.points_returned,
            taken=done.points_taken,
            growth=done.growth_taken,
        )
        order.paid_back += done.payable_fen
        if order.status == "REFUNDED":
            shipping_fen = 0 if order.ever_shipped else order.shipping_fen
            assert order.paid_back == order.goods_fen + shipping_fen
            assert (order.returned, order.taken) == (order.spent, order.earned)
            assert order.growth_taken == order.growth

    @precondition(lambda self: self.book.orders)
    @rule(wish=refunds)
    def refund_again(self, wish: Reversal | None) -> None:
        if wish is not None:
            assert self.run(reverse(wish, now=self.now)).freed.pieces == {}

    @precondition(lambda self: self.others)
    @rule()
    def merge(self) -> None:
        assert self.member_id is not None
        self.others -= 1
        self.member_id = self.run(_merge(self.member_id, self.now))

    @invariant()
    def the_notebook_agrees(self) -> None:
        if self.member_id is None:
            return
        book, found = self.book, self.run(_state(self.member_id))
        assert found["spendable"] - found["debt"] == book.net + found["gifts"]
        assert 0 in (found["spendable"], found["debt"])
        assert found["pending"] == book.pending
        assert (found["growth"], found["growth_pending"]) == (book.growth, book.growth_pending)
        assert found["coupons"] == book.coupons
        assert found["orders"] == {
            order_id: ("AWAITING_SHIPMENT" if order.status == "PAID" else order.status)
            for order_id, order in book.orders.items()
        }
        for sku in self.skus:
            assert self.run(stock_of(sku)) == {
                "available": book.available[sku.id],
                "reserved": book.reserved[sku.id],
                "sold": book.sold[sku.id],
            }

    def teardown(self) -> None:
        if self.member_id is not None:
            self.run(assert_books_agree())


async def _reset() -> tuple[UUID, list[SkuFacts]]:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    promotions.forget_cached()
    skus = [await a_sku(price_fen, stock=STOCK, limit=99) for price_fen in (999, 5_001, 12_345)]
    return await a_buyer(points=3_000), skus


async def _order(order_id: UUID) -> Any:
    return await db.fetch_one("SELECT * FROM sales_order WHERE id = $1", order_id)


async def _coupons_of(order_id: UUID) -> list[UUID]:
    rows = await db.fetch("SELECT id FROM coupon WHERE order_id = $1 ORDER BY id", order_id)
    return [row["id"] for row in rows]


async def _merge(member_id: UUID, now: datetime) -> UUID:
    other = await a_member()
    async with db.in_transaction():
        survivor = await merging.merge(other, member_id, now=now)
    assert survivor is not None
    return survivor


async def _state(member_id: UUID) -> dict[str, Any]:
    accounts = await db.fetch(
        "SELECT lower(kind) AS kind, balance FROM ledger_account WHERE member_id = $1", member_id
    )
    coupons = await db.fetch("SELECT id, status FROM coupon WHERE member_id = $1", member_id)
    orders = await db.fetch("SELECT id, status FROM sales_order WHERE member_id = $1", member_id)
    gifts = await db.fetch_value(
        "SELECT coalesce(sum(points), 0)::bigint FROM benefit_grant WHERE member_id = $1", member_id
    )
    return {row["kind"]: row["balance"] for row in accounts} | {
        "coupons": {row["id"]: row["status"] for row in coupons},
        "orders": {row["id"]: row["status"] for row in orders},
        "gifts": gifts,
    }


async def test_orders_agree_with_a_notebook(database: str) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    examples = settings.default.max_examples // 5
    machine = type("OrdersMachine", (OrdersMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, max_examples=examples, stateful_step_count=30),
    )
