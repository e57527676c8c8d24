"""A simulation tells what a publication then does."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.ledger import EntryReason, SourceKind
from domain.rules import Rules, to_document
from domain.tiers import BenefitCode
from models import database as db
from models.ids import new_id
from services import growth, tier_reviews, tier_rises, tier_simulation
from services import rules as rule_versions
from settings import Settings
from tests.factories.orders import bought
from tests.factories.shop import NOW as SHOP_NOW
from tests.factories.shop import a_buyer, a_member, a_sku
from tests.support.commands import mall

NOW = datetime(2026, 11, 15, 6, 0, tzinfo=UTC)
REVIEW_AT = datetime(2027, 11, 15, 16, 0, tzinfo=UTC)
REGULAR, SILVER, GOLD = Rules().tiers
OTHERS = Rules(
    tiers=(
        REGULAR,
        replace(SILVER, growth_threshold=2_000),
        replace(GOLD, growth_threshold=4_500, gift_points=500),
    )
)
pytestmark = pytest.mark.usefixtures("database")


async def _credit(member_id: UUID, amount: int, at: datetime) -> None:
    source = (SourceKind.ORDER_FINALITY, new_id())
    await growth.credit(member_id, amount, reason=EntryReason.ORDER, source=source, at=at)


async def _tiers() -> dict[UUID, str]:
    return dict(map(tuple, await db.fetch("SELECT id, tier_code FROM member")))


def _moves(before: dict[UUID, str], after: dict[UUID, str]) -> Counter[tuple[str, str]]:
    return Counter((before[id_], after[id_]) for id_ in before)


async def test_what_is_told_is_what_happens() -> None:
    chance = random.Random(4)
    for _ in range(40):
        member_id = await a_member()
        await _credit(member_id, chance.randrange(1, 7_000), NOW)
        await _credit(member_id, chance.randrange(1, 5_000), NOW + timedelta(days=1))
    published_at = NOW + timedelta(days=2)
    told = await tier_simulation.simulate(OTHERS, now=published_at)

    before = await _tiers()
    await rule_versions.publish(OTHERS, effective_at=published_at, now=published_at)
    while await tier_rises.raise_after_rules(published_at):
        pass
    after = await _tiers()
    assert told.moves == _moves(before, after)
    assert len(told.moves) > 4

    given = await db.fetch_value(
        "SELECT sum(entry.delta) FROM ledger_entry AS entry"
        " WHERE reason = 'TIER_GIFT' AND seq IS NOT NULL AND created_at = $1",
        published_at,
    )
    assert told.costs[BenefitCode.UPGRADE_GIFT].then_fen == given  # A point is worth a fen.

    standing = {id_ for id_ in before if before[id_] == after[id_] != "REGULAR"}
    reviewed_at = REVIEW_AT + timedelta(days=1)
    while await tier_reviews.review_due(reviewed_at):
        pass
    reviewed = await _tiers()
    left = Counter((after[id_], reviewed[id_]) for id_ in standing)
    assert told.at_review == left
    assert set(left) >= {("GOLD", "SILVER"), ("SILVER", "REGULAR")}


async def test_costs_come_from_the_last_years_orders() -> None:
    member_id = await a_buyer(tier="GOLD")
    await bought(member_id, (await a_sku(10_000), 2))
    for now, cost_fen in ((SHOP_NOW, 1_000), (SHOP_NOW + timedelta(days=366), 0)):
        rule_versions.forget_cached()
        told = await tier_simulation.simulate(Rules(), now=now)
        cost = told.costs[BenefitCode.MEMBER_PRICE]
        assert (cost.now_fen, cost.then_fen) == (cost_fen, cost_fen)


class TestCommand:
    async def test_a_rules_document_is_tried_out(
        self, database: str, settings: Settings, tmp_path: Path
    ) -> None:
        del database
        await _credit(await a_member(), 2_500, NOW)
        file = tmp_path / "rules.json"
        file.write_text(json.dumps({"tiers": to_document(OTHERS)["tiers"]}), encoding="utf-8")
        status, said = await mall(settings, "tiers", "simulate", "--rules", str(file), "--json")
        assert status == 0
        told = json.loads(said)
        assert told["moves"] == [{"from": "REGULAR", "to": "SILVER", "members": 1}]
        assert told["atReview"] == []
        costs = {cost["benefit"]: (cost["nowFen"], cost["thenFen"]) for cost in told["costs"]}
        assert costs["UPGRADE_GIFT"] == (0, 100)
        assert costs["MEMBER_DAY_COUPON"] == (52 * 600, 52 * 800)

    async def test_rules_that_contradict_themselves_are_refused(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        file = tmp_path / "rules.json"
        file.write_text('{"points": {"max_share_bps": 10001}}', encoding="utf-8")
        status, said = await mall(settings, "tiers", "simulate", "--rules", str(file))
        assert (status, said) == (2, "mall: points.max_share_bps: at most 10000\n")
