"""All that moves points, at once, while two members become one: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from domain.ledger import AccountKind, Source
from models import database as db
from services import ledger, merging, points, points_expiry
from services.ledger import InsufficientBalance
from tests.factories.shop import NOW, a_member
from tests.support import wallets
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

LATER = NOW + timedelta(days=30)
"""Half of what the storm earns has ended by then."""


class Storm:
    """Two members, and what they earned and spent so far."""

    def __init__(self, one: UUID, two: UUID, seed: int) -> None:
        self.members = (one, two)
        self.chance = random.Random(seed)
        self.earned: list[Source] = []
        self.spent: list[tuple[Source, int]] = []

    async def earn(self) -> None:
        days = self.chance.choice([1, 100])
        member_id, amount = self.chance.choice(self.members), self.chance.randint(5, 40)
        self.earned.append(await wallets.earn(member_id, amount, days=days))

    async def pend(self) -> None:
        member_id = self.chance.choice(self.members)
        self.earned.append(await wallets.pend(member_id, self.chance.randint(5, 40)))

    async def release(self) -> None:
        if self.earned:
            source = self.chance.choice(self.earned)
            await self._as_owner(source, lambda id_: points.release(id_, source=source, at=NOW))

    async def spend(self) -> None:
        member_id, amount = self.chance.choice(self.members), self.chance.randint(5, 40)
        source = wallets.an_order()

        async def work() -> None:
            async with db.in_transaction():
                survivor_id = await merging.lock_survivor(member_id)
                await wallets.spend(survivor_id, amount, source=source)

        try:
            await db.retrying(work)
        except InsufficientBalance:
            return
        self.spent.append((source, amount))

    async def give_back(self) -> None:
        if self.spent:
            self.chance.shuffle(self.spent)
            source, amount = self.spent.pop()
            refund = wallets.a_refund()
            await self._as_spender(
                source, lambda id_: wallets.give_back(id_, amount, source, source=refund)
            )

    async def take_back(self) -> None:
        if self.earned:
            source, refund = self.chance.choice(self.earned), wallets.a_refund()
            amount = self.chance.randint(1, 5)
            await self._as_owner(
                source, lambda id_: wallets.take_back(id_, amount, source, source=refund)
            )

    async def expire(self) -> None:
        await points_expiry.expire_due(LATER, limit=3)

    async def merge(self) -> None:
        async def work() -> None:
            async with db.in_transaction():
                await merging.merge(*self.members, now=NOW)

        await db.retrying(work)

    async def _as_owner(self, source: Source, act: Callable[[UUID], Awaitable[object]]) -> None:
        sql = "SELECT member_id FROM points_lot WHERE source_id = $1"
        await self._locked(source, sql, act)

    async def _as_spender(self, source: Source, act: Callable[[UUID], Awaitable[object]]) -> None:
        sql = """
            SELECT lot.member_id FROM points_lot_use AS use
            JOIN points_lot AS lot ON lot.id = use.lot_id WHERE use.source_id = $1 LIMIT 1
        """
        await self._locked(source, sql, act)

    async def _locked(
        self, source: Source, owner_of: str, act: Callable[[UUID], Awaitable[object]]
    ) -> None:
        """Act as the member whose lot it is, or as whoever they were merged into."""

        async def work() -> None:
            async with db.in_transaction():
                owner_id = await db.fetch_value(owner_of, source[1])
                await merging.lock_survivor(owner_id)
                # A merge may have gone before us: the lots are the survivor's now.
                await act(await db.fetch_value(owner_of, source[1]))

        await db.retrying(work)


@pytest.mark.parametrize("seed", range(3))
async def test_points_that_move_all_at_once_while_two_become_one(seed: int) -> None:
    one, two = await a_member(points=200), await a_member(points=200)
    storm = Storm(one, two, seed)
    acts = [storm.earn, storm.pend, storm.release, storm.spend, storm.give_back, storm.take_back]
    for turn in range(6):
        kinds = [*storm.chance.choices(acts, k=30), storm.expire, storm.expire]
        if turn == 3:
            kinds.insert(15, storm.merge)
        storm.chance.shuffle(kinds)
        await asyncio.gather(*(act() for act in kinds))
        await assert_books_agree()
    await merging.gather_stragglers(now=NOW)
    while await points_expiry.expire_due(LATER):
        pass
    await assert_books_agree()
    balances = await ledger.balances([one, two])
    [loser_id] = await _losers()
    assert set(balances[loser_id].values()) == {0}
    [survivor_id] = {one, two} - {loser_id}
    assert balances[survivor_id][AccountKind.SPENDABLE] == await points.spendable(
        survivor_id, now=LATER
    )


async def _losers() -> list[UUID]:
    return [row["loser_id"] for row in await db.fetch("SELECT loser_id FROM member_merge")]
