"""Whatever happens to points, in whatever order: the mall agrees with an oracle that counts."""

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
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.clock import months_expiry
from domain.ledger import AccountKind, Source
from models import database as db
from services import merging, points, points_book, points_expiry
from services import rules as rule_versions
from services.ledger import InsufficientBalance
from tests.factories.shop import NOW, a_member
from tests.stateful.points_oracle import LIFETIME_MONTHS, RETURNED_DAYS, Person
from tests.support import wallets

T = TypeVar("T")
MEMBERS = 2
amounts = st.integers(1, 40)
members = st.integers(0, MEMBERS - 1)


async def _reset() -> list[UUID]:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    return [await a_member() for _ in range(MEMBERS)]


async def _box_of(source: Source) -> UUID:
    found: UUID = await db.fetch_value(
        "SELECT id FROM points_lot WHERE source_id = $1 AND source_kind = $2", source[1], source[0]
    )
    return found


class PointsMachine(RuleBasedStateMachine):
    """Two members whose points move, until they turn out to be one person."""

    orders = Bundle("orders")
    spendings = Bundle("spendings")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self._repeat: Any = None
        self.now = NOW
        self.ids: list[UUID] = []
        self.people: dict[UUID, Person] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize()
    def begin(self) -> None:
        self.ids = self.run(_reset())
        self.people = {member_id: Person() for member_id in self.ids}
        for member in range(MEMBERS):
            for amount, days in ((30, 20), (20, 90), (10, None)):
                self.earn(member, amount, days)
        self._repeat = None

    def owner(self, source: Source) -> UUID:
        return next(
            member_id
            for member_id, person in self.people.items()
            if source[1] in person.own or source[1] in person.spendings
        )

    @rule(target=orders, member=members, amount=amounts, days=st.sampled_from([None, 1, 20, 90]))
    def earn(self, member: int, amount: int, days: int | None) -> Source:
        member_id, source = self.ids[member], wallets.an_order()
        self.run(wallets.earn(member_id, amount, source=source, days=days, now=self.now))
        ends = self.now + days * wallets.DAY if days else months_expiry(self.now, LIFETIME_MONTHS)
        box_id = self.run(_box_of(source))
        self.people[member_id].earn(source[1], box_id, amount, ends, self.now)
        self._repeat = lambda: wallets.earn(member_id, amount, source=source, now=self.now)
        return source

    @rule(target=orders, member=members, amount=amounts)
    def pend(self, member: int, amount: int) -> Source:
        member_id = self.ids[member]
        source = self.run(wallets.pend(member_id, amount, now=self.now))
        self.people[member_id].pend(source[1], self.run(_box_of(source)), amount)
        return source

    @rule(order=orders)
    def release(self, order: Source) -> None:
        member_id = self.owner(order)
        released = self.run(points.release(member_id, source=order, at=self.now))
        assert released == self.people[member_id].release(order[1], self.now)
        self._repeat = lambda: points.release(member_id, source=order, at=self.now)

    @rule(target=spendings, member=members, share=st.sampled_from([10, 40, 70, 90, 100, 101]))
    def spend(self, member: int, share: int) -> Source:
        """Spend so many hundredths of what can be spent: one more than all is refused."""
        member_id, source = self.ids[member], wallets.an_order()
        amount = 1 + self.people[member_id].balance(self.now) * share // 100
        may = self.people[member_id].spend(source[1], amount, self.now)
        try:
            self.run(wallets.spend(member_id, amount, source=source, now=self.now))
            assert may
        except InsufficientBalance:
            assert not may
            self.people[member_id].spend(source[1], 0, self.now)
            return source
        self._repeat = lambda: wallets.spend(member_id, amount, source=source, now=self.now)
        return source

    @rule(spending=spendings, share=st.sampled_from([20, 50, 100]))
    def give_back(self, spending: Source, share: int) -> None:
        member_id, refund = self.owner(spending), wallets.a_refund()
        person = self.people[member_id]
        amount = len(person.spendings[spending[1]].boxes) * share // 100

        def work() -> Coroutine[Any, Any, int]:
            return wallets.give_back(member_id, amount, spending, source=refund, now=self.now)

        assert self.run(work()) == amount
        if late := person.give_back(spending[1], amount, self.now):
            ends = self.now + timedelta(days=RETURNED_DAYS)
            person.late_box(self.run(_box_of(refund)), late, ends)
        person.repay(self.now)
        self._repeat = work

    @rule(order=orders, amount=amounts)
    def take_back(self, order: Source, amount: int) -> None:
        member_id, refund = self.owner(order), wallets.a_refund()

        def work() -> Coroutine[Any, Any, points.Clawed]:
            return wallets.take_back(member_id, amount, order, source=refund, now=self.now)

        clawed = self.run(work())
        assert clawed.taken + clawed.forgiven + clawed.debt == amount
        self.people[member_id].take_back(order[1], amount, self.now)
        self._repeat = work

    @precondition(lambda self: any(person.due(self.now) for person in self.people.values()))
    @rule()
    def expire(self) -> None:
        while self.run(points_expiry.expire_due(self.now, limit=2)):
            pass
        for person in self.people.values():
            person.expire(self.now)

    @rule(days=st.sampled_from([1, 10, 21, 31, 370]))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)
        rule_versions.forget_cached()

    @precondition(lambda self: self._repeat is not None)
    @rule()
    def repeat(self) -> None:
        """Send the last source again: the invariants say that nothing came of it."""
        self.run(self._repeat())

    @rule(first=members, second=members)
    def merge(self, first: int, second: int) -> None:
        one, two = self.ids[first], self.ids[second]
        self._repeat = None
        survivor = self.run(_merge(one, two, self.now))
        for loser in {one, two} - {survivor}:
            self.people[survivor].absorb(self.people.pop(loser), self.now)
            self.ids = [survivor if each == loser else each for each in self.ids]

    @invariant()
    def the_mall_says_what_the_oracle_says(self) -> None:
        for member_id, person in self.people.items():
            held = self.run(wallets.held(member_id))
            assert held.get(AccountKind.SPENDABLE, 0) == person.booked
            assert held.get(AccountKind.PENDING, 0) == person.pending
            assert held.get(AccountKind.DEBT, 0) == person.debt
            assert self.run(points.spendable(member_id, now=self.now)) == person.balance(self.now)
            boxes = {box.id: box.left for box in person.boxes if box.left}
            assert self.run(_lots(member_id)) == boxes
            assert self.run(_earned(member_id)) == person.earned
            assert not (person.debt and person.balance(self.now))

    @invariant()
    def books_agree(self) -> None:
        if self.ids:
            broken = [each for each in self.run(points_book.proof()) if not each.is_clean]
            assert broken == []
            assert self.run(points_book.liability(self.now)).agrees


async def _merge(one: UUID, two: UUID, now: datetime) -> UUID:
    async with db.in_transaction():
        survivor = await merging.merge(one, two, now=now)
    assert survivor is not None
    return survivor


async def _lots(member_id: UUID) -> dict[UUID, int]:
    rows = await db.fetch(
        "SELECT id, remaining FROM points_lot WHERE member_id = $1 AND remaining > 0", member_id
    )
    return dict(map(tuple, rows))


async def _earned(member_id: UUID) -> int:
    count: int = await db.fetch_value(
        "SELECT earned FROM ledger_account WHERE member_id = $1 AND kind = 'SPENDABLE'", member_id
    )
    return count


async def test_points_agree_with_one_who_counts_them_one_by_one(database: str) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    examples = settings.default.max_examples // 2
    machine = type("PointsMachine", (PointsMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, max_examples=examples, stateful_step_count=40),
    )
