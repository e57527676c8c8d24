"""Rule versions: which one holds when, and what is never stored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.rules import DEFAULT_TIERS, OrderRules, PointsRules, Rules, RulesInvalid
from models import database as db
from services import rules
from tests.factories.shop import NOW

pytestmark = pytest.mark.usefixtures("database")


async def test_an_empty_database_has_the_shipped_rules_as_version_one() -> None:
    found = await rules.in_force(now=NOW)
    assert found.rules == Rules()
    row = await db.fetch_one("SELECT id, number FROM rule_version")
    assert row is not None
    assert (row["id"], row["number"]) == (found.version_id, 1)


async def test_a_version_holds_from_its_time_on() -> None:
    await rules.in_force(now=NOW)
    changed = Rules(orders=OrderRules(pay_within_minutes=15))
    version = await rules.publish(changed, effective_at=NOW + timedelta(days=1), now=NOW)

    before = await rules.in_force(now=NOW + timedelta(hours=23))
    assert before.rules == Rules()
    rules.forget_cached()
    after = await rules.in_force(now=NOW + timedelta(days=1))
    assert (after.version_id, after.rules) == (version, changed)


async def test_of_two_for_one_time_the_later_holds() -> None:
    await rules.publish(Rules(hot_searches=("苹果",)), effective_at=NOW, now=NOW)
    await rules.publish(Rules(hot_searches=("大米",)), effective_at=NOW, now=NOW)
    assert (await rules.in_force(now=NOW)).rules.hot_searches == ("大米",)


async def test_a_document_that_contradicts_itself_is_not_stored() -> None:
    gold_below_silver = (*DEFAULT_TIERS[:2], replace(DEFAULT_TIERS[2], growth_threshold=1))
    wrong = Rules(points=PointsRules(max_share_bps=10_001), tiers=gold_below_silver)
    with pytest.raises(RulesInvalid) as refused:
        await rules.publish(wrong, effective_at=NOW, now=NOW)
    assert refused.value.problems == [
        "tiers: growth_threshold is strictly increasing",
        "points.max_share_bps: at most 10000",
    ]
    assert await db.fetch_value("SELECT count(*) FROM rule_version") == 0


async def test_what_was_read_before_another_version_was_told_of_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await rules.in_force(now=NOW)
    read = db.fetch_one

    async def slow(sql: str, *values: object) -> object:
        row = await read(sql, *values)
        monkeypatch.undo()
        await rules.publish(Rules(hot_searches=("大米",)), effective_at=NOW, now=NOW)
        return row

    monkeypatch.setattr(db, "fetch_one", slow)
    assert (await rules.in_force(now=NOW)).rules == Rules()
    assert (await rules.in_force(now=NOW)).rules.hot_searches == ("大米",)
