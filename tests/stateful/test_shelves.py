"""Whatever happens to pieces, in whatever order: every shelf has what a notebook says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from domain.errors import InvalidInput
from domain.orders import CancelReason
from domain.stock_gate import Claimable, Freed
from models import database as db
from models.ids import new_id
from services import campaign_stock, stock, stock_admin
from services import rules as rule_versions
from services.cancelling import cancel_unpaid
from services.reversal import Reversal, reverse
from services.verification import verify
from tests.factories.campaigns import a_flash_item, a_shelf
from tests.factories.orders import NO_WECHAT, OpenGate, lines_of, pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku

T = TypeVar("T")
SKUS = 2
STOCK = 12
skus = st.integers(0, SKUS - 1)
few = st.integers(1, 5)


class ListeningGate(OpenGate):
    """Lets everything through, and remembers what it was told of."""

    def __init__(self) -> None:
        self.heard = Freed()

    async def free(self, freed: Freed) -> None:
        """Remember it."""
        self.heard = freed


@dataclass(slots=True)
class Shelf:
    """Pieces that a SKU has set aside; `item_id` is the flash sale's that sells them, if one."""

    sku: int
    pieces: Counter[str]
    item_id: UUID | None
    is_closed: bool = False


@dataclass(slots=True)
class Order:
    """An order of SKUs' own pieces, or of a shelf's; `left` is what wasn't given back."""

    left: list[int]
    shelf_id: UUID | None = None
    quantities: dict[int, int] = field(default_factory=dict)


async def _begin() -> tuple[UUID, list[SkuFacts], SkuFacts]:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    member_id = await a_buyer()
    plenty = await a_sku(stock=1_000_000)
    return member_id, [await a_sku(stock=STOCK) for _ in range(SKUS)], plenty


async def _rows(table: str, columns: str) -> dict[UUID, dict[str, int]]:
    rows = await db.fetch(f"SELECT id, {columns} FROM {table}")
    return {row["id"]: {name: row[name] for name in columns.split(", ")} for row in rows}


async def _reserved_for_an_order(
    order_id: UUID, sku: SkuFacts, shelf_id: UUID, pieces: int, item_id: UUID | None
) -> None:
    """Have an order be of what a shelf has, instead of the pieces it was placed for."""
    async with db.in_transaction():
        await stock.give_back_reserved(order_id, now=NOW)
        await db.execute(
            "UPDATE order_line SET campaign_stock_id = $2, sku_id = $3 WHERE order_id = $1",
            *(order_id, shelf_id, sku.id),
        )
        assert await campaign_stock.reserve(shelf_id, pieces, now=NOW) is None
        if item_id is not None:
            await db.execute(_COUNT_QUOTA, new_id(), item_id, order_id, pieces)


_COUNT_QUOTA = """
INSERT INTO flash_quota AS quota (id, item_id, member_id, pieces)
SELECT $1, $2, member_id, $4 FROM sales_order WHERE id = $3
ON CONFLICT (item_id, member_id) DO UPDATE SET pieces = quota.pieces + excluded.pieces
"""


class ShelvesMachine(RuleBasedStateMachine):
    """Two SKUs, what campaigns set aside of them, and one member's orders of either."""

    shelves = Bundle("shelves")
    unpaid = Bundle("unpaid")
    paid = Bundle("paid")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.levels = [Counter(initial=STOCK, available=STOCK) for _ in range(SKUS)]
        self.known: dict[UUID, Shelf] = {}
        self.orders: dict[UUID, Order] = {}
        self.quotas: Counter[UUID] = Counter()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize()
    def begin(self) -> None:
        self.member_id, self.skus, self.plenty = self.run(_begin())

    @rule(sku=skus, pieces=few)
    def restock(self, sku: int, pieces: int) -> None:
        left = self.run(stock_admin.restock(self.skus[sku].id, pieces, now=NOW))
        self.levels[sku].update(restocked=pieces, available=pieces)
        assert left == self.levels[sku]["available"]

    @rule(sku=skus, pieces=st.integers(-9, 9))
    def adjust(self, sku: int, pieces: int) -> None:
        fits = self.levels[sku]["available"] + pieces >= 0
        try:
            self.run(stock_admin.adjust(self.skus[sku].id, pieces, now=NOW))
        except InvalidInput:
            assert not fits
        else:
            assert fits
            self.levels[sku].update(adjusted=pieces, available=pieces)

    @rule(target=shelves, sku=skus, pieces=few, is_flash=st.booleans())
    def set_aside(self, sku: int, pieces: int, is_flash: bool) -> Any:
        level = self.levels[sku]
        try:
            shelf_id = self.run(a_shelf(self.skus[sku], pieces))
        except InvalidInput:
            assert level["available"] < pieces
            return multiple()
        level.update(available=-pieces, set_aside=pieces)
        item_id = self.run(a_flash_item(self.skus[sku], stock_id=shelf_id)) if is_flash else None
        self.known[shelf_id] = Shelf(sku, Counter(available=pieces, set_aside=pieces), item_id)
        return shelf_id

    @rule(shelf_id=shelves)
    def close(self, shelf_id: UUID) -> None:
        """Closing it again frees nothing."""
        shelf = self.known[shelf_id]
        left = shelf.pieces["available"]
        freed = self.run(campaign_stock.close(shelf_id, now=NOW))
        assert freed == (Freed({self.skus[shelf.sku].id: left}) if left else Freed())
        shelf.is_closed = True
        shelf.pieces.update(available=-left, returned=left)
        self.levels[shelf.sku].update(set_aside=-left, available=left)

    @rule(target=unpaid, wanted=st.dictionaries(skus, few, min_size=1))
    def order(self, wanted: dict[int, int]) -> Any:
        short = {
            self.skus[sku].id: self.levels[sku]["available"]
            for sku, pieces in wanted.items()
            if self.levels[sku]["available"] < pieces
        }
        if short:
            quantities = {self.skus[sku].id: pieces for sku, pieces in wanted.items()}
            assert self.run(stock.reserve(quantities, now=NOW)) == short
            return multiple()
        lines = [(self.skus[sku], pieces) for sku, pieces in wanted.items()]
        order_id = self.run(placed(self.member_id, *lines))
        for sku, pieces in wanted.items():
            self.levels[sku].update(available=-pieces, reserved=pieces)
        self.orders[order_id] = Order(list(wanted.values()), quantities=wanted)
        return order_id

    @rule(target=unpaid, shelf_id=shelves, pieces=few)
    def order_from(self, shelf_id: UUID, pieces: int) -> Any:
        shelf = self.known[shelf_id]
        if shelf.pieces["available"] < pieces:
            left = self.run(campaign_stock.reserve(shelf_id, pieces, now=NOW))
            assert left == shelf.pieces["available"]
            return multiple()
        order_id = self.run(placed(self.member_id, (self.plenty, pieces)))
        self.run(
            _reserved_for_an_order(order_id, self.skus[shelf.sku], shelf_id, pieces, shelf.item_id)
        )
        shelf.pieces.update(available=-pieces, reserved=pieces)
        if shelf.item_id is not None:
            self.quotas[shelf.item_id] += pieces
        self.orders[order_id] = Order([pieces], shelf_id)
        return order_id

    @rule(target=paid, order_id=consumes(unpaid))
    def pay(self, order_id: UUID) -> UUID:
        self.run(pay(order_id))
        for counts, pieces in self.counted(self.orders[order_id]):
            counts.update(reserved=-pieces, sold=pieces)
        return order_id

    @rule(order_id=consumes(unpaid))
    def cancel(self, order_id: UUID) -> None:
        gate = ListeningGate()
        reason = CancelReason.TIMEOUT
        self.run(cancel_unpaid(order_id, NO_WECHAT, gate, reason=reason, now=NOW))
        order = self.orders[order_id]
        assert gate.heard == self.give_back(order, "reserved", order.left)

    @rule(order_id=paid, share=few)
    def refund(self, order_id: UUID, share: int) -> None:
        """Refund some pieces of the first line that has any: they never left the house."""
        order = self.orders[order_id]
        place = next((place for place, left in enumerate(order.left) if left), None)
        if place is None:
            return
        pieces = min(share, order.left[place])
        line_id = self.run(lines_of(order_id))[place]
        reversal = Reversal(
            refund_id=new_id(),
            order_id=order_id,
            quantities={line_id: pieces},
            before_shipment=True,
        )
        given = [pieces if number == place else 0 for number in range(len(order.left))]
        expected = self.give_back(order, "sold", given)
        assert self.run(reverse(reversal, now=NOW)).freed == expected
        # Asked for again, it frees nothing.
        assert self.run(reverse(reversal, now=NOW)).freed == Freed()
        order.left[place] -= pieces

    def counted(self, order: Order) -> list[tuple[Counter[str], int]]:
        """Return the counts that an order's lines are on, and their pieces."""
        if order.shelf_id is not None:
            return [(self.known[order.shelf_id].pieces, order.left[0])]
        return list(zip((self.levels[sku] for sku in order.quantities), order.left, strict=True))

    def give_back(self, order: Order, column: str, given: list[int]) -> Freed:
        """Note pieces, by line, as given back; returns what the gate is to hear."""
        if order.shelf_id is None:
            for sku, pieces in zip(order.quantities, given, strict=True):
                self.levels[sku].update({column: -pieces, "available": pieces})
            return Freed(
                {
                    self.skus[sku].id: pieces
                    for sku, pieces in zip(order.quantities, given, strict=True)
                    if pieces
                }
            )
        shelf, [pieces] = self.known[order.shelf_id], given
        if shelf.item_id is not None:
            self.quotas[shelf.item_id] -= pieces
        if shelf.is_closed:
            shelf.pieces.update({column: -pieces, "returned": pieces})
            self.levels[shelf.sku].update(set_aside=-pieces, available=pieces)
            return Freed({self.skus[shelf.sku].id: pieces})
        shelf.pieces.update({column: -pieces, "available": pieces})
        if shelf.item_id is not None:
            return Freed(claimable=(Claimable(shelf.item_id, self.member_id, pieces),))
        return Freed({order.shelf_id: pieces})

    @invariant()
    def shelves_are_as_noted(self) -> None:
        if not hasattr(self, "skus"):
            return
        columns = "initial, restocked, adjusted, available, reserved, sold, set_aside"
        levels = self.run(_rows("stock_level", columns))
        for sku, counts in zip(self.skus, self.levels, strict=True):
            found = levels[sku.id]
            assert found == {name: counts[name] for name in found}
            moved_in = counts["initial"] + counts["restocked"] + counts["adjusted"]
            at = ("available", "reserved", "sold", "set_aside")
            assert moved_in == sum(counts[name] for name in at)
            # What campaigns have of it, less what they returned.
            mine = [each for each in self.known.values() if self.skus[each.sku] is sku]
            lent = sum(each.pieces["set_aside"] - each.pieces["returned"] for each in mine)
            assert counts["set_aside"] == lent
        columns = "set_aside, available, reserved, sold, returned"
        for shelf_id, found in self.run(_rows("campaign_stock", columns)).items():
            assert found == {name: self.known[shelf_id].pieces[name] for name in found}
            assert found["set_aside"] == sum(found.values()) - found["set_aside"]
        quotas = self.run(db.fetch("SELECT item_id, pieces FROM flash_quota"))
        assert {row["item_id"]: row["pieces"] for row in quotas} == self.quotas

    def teardown(self) -> None:
        if hasattr(self, "skus"):
            assert [each for each in self.run(verify(("stock.",))) if not each.is_clean] == []


@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.soak)])
async def test_shelves_agree_with_a_notebook(database: str, examples: int) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    machine = type("ShelvesMachine", (ShelvesMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, max_examples=examples, stateful_step_count=50),
    )
