"""Whatever happens to teams, in whatever order: the mall agrees with a notebook of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from domain.orders import CancelReason
from models import database as db
from services import group_teams, payment_sweeps
from services import rules as rule_versions
from services.cancelling import cancel_unpaid
from services.placing import DraftRefused
from services.verification import verify
from tests.factories.group_buys import HOUR, a_group_buy, team_of
from tests.factories.orders import NO_WECHAT, OpenGate, pay, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku
from tests.stateful.teams_oracle import Campaign, Notebook

T = TypeVar("T")
MEMBERS = 4
CAMPAIGNS = (
    Campaign(NOW + 4 * HOUR, 3, HOUR, 3, newcomers_only=False),
    Campaign(NOW + 2 * HOUR, 2, 2 * HOUR, 5, newcomers_only=True),
)
members = st.integers(0, MEMBERS - 1)
few = st.integers(1, 2)
PAUSES = (1, 4, 16, 45, 70)
"""In minutes: within a seat's time, just beyond it, and beyond a team's."""


async def _begin() -> tuple[SkuFacts, list[UUID], list[UUID]]:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    sku = await a_sku(stock=10_000)
    campaigns = [
        await a_group_buy(
            sku,
            starts_at=NOW,
            ends_at=each.ends_at,
            team_size=each.size,
            team_hours=each.team_time // HOUR,
            per_member_limit=each.limit,
            new_members_only=each.newcomers_only,
        )
        for each in CAMPAIGNS
    ]
    return sku, campaigns, [await a_buyer() for _ in range(MEMBERS)]


async def _attempt(work: Coroutine[Any, Any, UUID]) -> tuple[UUID | None, str | None]:
    """Return the order that was placed, or the codes of its refusal."""
    try:
        return await work, None
    except DraftRefused as refused:
        return None, " ".join(problem.code for problem in refused.problems)


class TeamsMachine(RuleBasedStateMachine):
    """Four members, a campaign for everybody and one for newcomers, some hours long."""

    teams = Bundle("teams")
    orders = Bundle("orders")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.book = Notebook(CAMPAIGNS)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize()
    def begin(self) -> None:
        self.sku, self.campaigns, self.ids = self.run(_begin())

    def place(
        self, member: int, pieces: int, refusal: str | None, **team: UUID | None
    ) -> UUID | None:
        """Place an order, which is refused just as the notebook says."""
        work = placed(
            self.ids[member],
            (self.sku, pieces),
            key=None,
            now=self.now,
            **team,
        )
        order_id, found = self.run(_attempt(work))
        assert found == refusal
        return order_id

    @rule(targets=(teams, orders), member=members, campaign=st.integers(0, 1), pieces=few)
    def open(self, member: int, campaign: int, pieces: int) -> Any:
        refusal = self.book.refuses_opening(member, campaign, pieces, self.now)
        order_id = self.place(member, pieces, refusal, group_buy_id=self.campaigns[campaign])
        if order_id is None:
            return multiple()
        team_id = self.run(team_of(order_id))
        self.book.open(team_id, member, campaign, self.now)
        self.book.seat(order_id, team_id, member, pieces, self.now)
        return (team_id, order_id)

    @rule(target=orders, place=teams, member=members, pieces=few)
    def join(self, place: tuple[UUID, UUID], member: int, pieces: int) -> Any:
        team_id = place[0]
        refusal = self.book.refuses_joining(member, team_id, pieces, self.now)
        order_id = self.place(
            member,
            pieces,
            refusal,
            group_buy_id=self.campaigns[self.book.teams[team_id].campaign],
            group_buy_team_id=team_id,
        )
        if order_id is None:
            return multiple()
        self.book.seat(order_id, team_id, member, pieces, self.now)
        return (team_id, order_id)

    @rule(place=orders)
    def pay(self, place: tuple[UUID, UUID]) -> None:
        order_id = place[1]
        if self.book.orders[order_id].status == "AWAITING_PAYMENT":
            self.run(pay(order_id, now=self.now))
            self.book.pay(order_id, self.now)

    @rule(place=orders)
    def cancel(self, place: tuple[UUID, UUID]) -> None:
        order_id = place[1]
        if self.book.orders[order_id].status == "AWAITING_PAYMENT":
            reason = CancelReason.MEMBER
            work = cancel_unpaid(order_id, NO_WECHAT, OpenGate(), reason=reason, now=self.now)
            self.run(work)
            self.book.cancel(order_id, "MEMBER")

    @rule(minutes=st.sampled_from(PAUSES))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def time_orders_out(self) -> None:
        self.run(payment_sweeps.cancel_overdue(NO_WECHAT, OpenGate(), now=self.now, limit=100))
        for order_id, order in self.book.orders.items():
            if order.status == "AWAITING_PAYMENT" and order.pay_before <= self.now:
                self.book.cancel(order_id, "TIMEOUT")

    @rule()
    def end_teams(self) -> None:
        self.run(group_teams.end_due(now=self.now))
        self.run(group_teams.refund_due(OpenGate(), now=self.now))
        self.book.end_teams(self.now)

    @invariant()
    def teams_are_as_noted(self) -> None:
        if not hasattr(self, "sku"):
            return
        rows = self.run(db.fetch("SELECT id, status FROM group_buy_team"))
        expected = {team_id: team.status for team_id, team in self.book.teams.items()}
        assert {row["id"]: row["status"] for row in rows} == expected
        rows = self.run(db.fetch("SELECT team_id, position, order_id, status FROM group_buy_seat"))
        assert {tuple(row) for row in rows} == {
            (team_id, place, order_id, "PAID" if self.book.is_paid(order_id) else "HELD")
            for team_id, team in self.book.teams.items()
            for place, order_id in team.seats.items()
        }
        rows = self.run(
            db.fetch("SELECT id, concat_ws(' ', status, cancel_reason) FROM sales_order")
        )
        orders = {order_id: order.status for order_id, order in self.book.orders.items()}
        assert {row[0]: row[1] for row in rows} == orders
        rows = self.run(db.fetch("SELECT member_id, group_buy_id, pieces FROM group_buy_count"))
        counts = {
            (self.ids.index(row[0]), self.campaigns.index(row[1])): row[2] for row in rows if row[2]
        }
        assert counts == {place: pieces for place, pieces in self.book.counts().items() if pieces}

    def teardown(self) -> None:
        if hasattr(self, "sku"):
            assert [each for each in self.run(verify()) if not each.is_clean] == []


async def test_teams_agree_with_a_notebook(database: str) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    examples = settings.default.max_examples // 20
    machine = type("TeamsMachine", (TeamsMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, max_examples=examples, stateful_step_count=40),
    )
