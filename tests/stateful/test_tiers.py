"""Whatever happens to growth, in whatever order: the mall agrees with one who keeps it on paper."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
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
    rule,
    run_state_machine_as_test,
)

from domain.ledger import EntryReason, SourceKind
from domain.rules import Rules
from loaders.members import MemberShape, member_by_id
from models import database as db
from models.ids import new_id
from services import growth, tier_reviews, tier_rises
from services import rules as rule_versions
from services.verification import verify
from tests.factories.shop import NOW, a_member
from tests.stateful.tiers_oracle import GIFTS, Climber, Thresholds

T = TypeVar("T")
SHIPPED: Thresholds = (0, 3_000, 6_000)
CODES = ("REGULAR", "SILVER", "GOLD")
amounts = st.sampled_from([5, 500, 1_000, 2_500, 3_000, 6_000])
EARNINGS = frozenset({"tier_code", "tier_since", "tier_review_at", "lifetime_growth"})


async def _reset() -> UUID:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    return await a_member()


class TiersMachine(RuleBasedStateMachine):
    """One member who buys and returns through the years, under rules that change."""

    orders = Bundle("orders")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.paper = Climber(NOW, [(datetime.min.replace(tzinfo=NOW.tzinfo), SHIPPED)])
        self.member_id = self.run(_reset())
        self.numbers: dict[UUID, int] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize(target=orders, amount=amounts)
    def begin(self, amount: int) -> UUID:
        """Reach a tier with something to spare."""
        self._buy(3_000)
        return self._buy(amount)

    @rule(target=orders, amount=amounts)
    def buy(self, amount: int) -> UUID:
        return self._buy(amount)

    def _buy(self, amount: int) -> UUID:
        order_id = new_id()
        self.run(
            growth.credit(
                self.member_id,
                amount,
                reason=EntryReason.ORDER,
                source=(SourceKind.ORDER_FINALITY, order_id),
                at=self.now,
            )
        )
        self.numbers[order_id] = self.paper.credit(amount, self.now)
        return order_id

    @rule(order=orders, amount=st.sampled_from([5, 400, 1_500]))
    def give_back(self, order: UUID, amount: int) -> None:
        taken = self.run(
            growth.take_back(
                self.member_id,
                amount,
                reason=EntryReason.ORDER_RETURNED,
                source=(SourceKind.REFUND, new_id()),
                now=self.now,
                earned_by=(SourceKind.ORDER_FINALITY, order),
            )
        )
        assert taken == self.paper.take(self.numbers[order], amount, self.now)

    @rule(days=st.sampled_from([1, 40, 200, 366]))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)
        rule_versions.forget_cached()

    @rule()
    def review(self) -> None:
        while self.run(tier_reviews.review_due(self.now)):
            pass
        self.paper.review(self.now)

    @rule(asked=st.sampled_from([SHIPPED, (0, 1_000, 2_000), (0, 5_000, 9_000)]))
    def change_rules(self, asked: Thresholds) -> None:
        tiers = tuple(
            replace(tier, growth_threshold=threshold)
            for tier, threshold in zip(Rules().tiers, asked, strict=True)
        )
        self.now += timedelta(hours=1)
        rules = Rules(tiers=tiers)
        self.run(rule_versions.publish(rules, effective_at=self.now, now=self.now))
        self.run(_raise(self.now))
        self.paper.versions.append((self.now, asked))
        above = asked[min(self.paper.term.level + 1, 2)]
        review_at = self.paper.term.review_at
        is_late = review_at is not None and review_at <= self.now
        if is_late or (self.paper.term.level < 2 and self.paper.growth >= above):
            self.paper.review(self.now)
            self.paper.rise(self.now)

    @invariant()
    def the_mall_says_what_the_paper_says(self) -> None:
        shape = MemberShape(EARNINGS, has_points=True, has_tier_term=True)
        [row] = self.run(member_by_id([self.member_id], now=self.now, shape=shape))
        assert row is not None
        paper = self.paper
        assert (row["tier_code"], row["tier_since"]) == (CODES[paper.term.level], paper.term.since)
        assert row["tier_review_at"] == paper.term.review_at
        assert (row["growth"], row["lifetime_growth"]) == (paper.growth, paper.lifetime)
        assert row["term_growth"] == paper.earned()
        assert row["earned"] == sum(GIFTS[level] for _, level in paper.gifts)

    def teardown(self) -> None:
        assert [each for each in self.run(verify()) if not each.is_clean] == []


async def _raise(now: datetime) -> None:
    while await tier_rises.raise_after_rules(now):
        pass


async def test_tiers_agree_with_one_who_keeps_them_on_paper(database: str) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    machine = type("TiersMachine", (TiersMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, stateful_step_count=30),
    )
