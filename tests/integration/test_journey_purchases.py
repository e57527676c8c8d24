"""The year's baskets as purchases: they agree with an independent query, and happen once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import importing as command
from cli import main
from cli.complete_journey import campaigns, loading, page, purchase_check, purchases, report
from cli.complete_journey.coupon_reader import Promotions
from cli.complete_journey.purchases import Outcome, Progress
from cli.complete_journey.reader import CompleteJourney, open_complete_journey
from cli.complete_journey.report import FIGURES, Month
from domain.members import AgreementKind
from models import database as db
from services import consents, days, growth, importing, locks, shop_purchases
from services.shop_purchases import Recorded
from tests.factories.members import agreements
from tests.factories.shop import DATA, a_member
from tests.support.shopping import assert_books_agree

FIXTURE = Path(__file__).parents[1] / "fixtures" / "complete_journey"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


class PowerCut(Exception):
    """Ends a run in the middle."""


@pytest.fixture(scope="module")
def journey() -> Iterator[CompleteJourney]:
    with open_complete_journey(FIXTURE) as opened:
        yield opened


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of 761 days what tells members and tidies up: it is tried elsewhere."""
    wanted = ("tier_reviews", "tier_rises", "points_expiry", "coupon_expiry")
    few = tuple(step for step in days.STEPS if step.name in wanted)
    assert len(few) == len(wanted)
    monkeypatch.setattr(days, "STEPS", few)


@pytest.fixture(scope="module")
def promotions() -> Promotions:
    return Promotions(FIXTURE)


def unheard(_records: int) -> None:
    """Nobody watches the progress."""


async def run(journey: CompleteJourney, promotions: Promotions) -> Outcome:
    return await purchases.run(journey, promotions, Progress(unheard, unheard, unheard), now=NOW)


async def months(journey: CompleteJourney) -> list[Month]:
    members = await purchases.members_of()
    return await report.months(set(members.values()), *purchases.span_of(journey))


@pytest.mark.usefixtures("few_steps")
async def test_the_year_is_what_the_files_say_though_it_broke_off(
    journey: CompleteJourney, promotions: Promotions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await loading.load_stores(journey, unheard)
    await loading.load_members(journey, DATA, unheard, now=NOW)
    recorded = await break_off(journey, promotions, monkeypatch)
    outcome = await run(journey, promotions)
    there = await db.fetch_value("SELECT count(*) FROM shop_purchase")
    assert (there, there - outcome.purchases) == (1_911, recorded)
    expected, found = purchase_check.months(FIXTURE), await months(journey)
    assert [(month.first_day, month) for month in found] == [
        (month.first_day, month) for month in expected
    ]
    assert all(one.agrees for one in report.compare(expected, found))
    # All points have expired, and the last tiers were kept or lost.
    assert (found[-1].first_day, found[-1].liability) == (date(2019, 1, 1), 0)
    assert (found[-1].regular, found[-1].silver, found[-1].gold) == (5, 17, 28)
    await coupons_were_claimed_and_used()
    await assert_books_agree()
    await a_second_run_changes_nothing(journey, promotions)


async def break_off(
    journey: CompleteJourney, promotions: Promotions, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Have a run end in the middle of a day, between purchases and their growth.

    Returns how many purchases it recorded.
    """
    credit_many, batches = growth.credit_many, 0

    async def fail_at_last(*given: Any, **named: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 203:
            raise PowerCut
        await credit_many(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(growth, "credit_many", fail_at_last)
        with pytest.raises(PowerCut):
            await run(journey, promotions)
    recorded: int = await db.fetch_value("SELECT count(*) FROM shop_purchase")
    # What stood beside it may have been written, or not.
    assert 400 < recorded < 700
    await assert_books_agree()
    assert await locks.is_free("history")
    return recorded


async def coupons_were_claimed_and_used() -> None:
    told = await db.fetch_one(
        """
        SELECT count(*), count(*) FILTER (WHERE status = 'USED'), count(purchase_id),
               count(DISTINCT campaign_id), count(*) FILTER (WHERE used_at < created_at),
               count(*) FILTER (WHERE purchase.member_id <> coupon.member_id
                                OR purchase.purchased_at <> coupon.used_at)
        FROM coupon LEFT JOIN shop_purchase AS purchase ON purchase.id = purchase_id
        """
    )
    assert told is not None
    assert tuple(told) == (82, 82, 82, 12, 0, 0)
    campaign = await db.fetch_one(
        """
        SELECT kind, audience, claim_from, claim_until, per_member_limit, series,
               (SELECT count(*) FROM campaign_member WHERE campaign_id = campaign.id) AS listed,
               (SELECT count(*) FROM coupon WHERE campaign_id = campaign.id) AS coupons
        FROM coupon_campaign AS campaign WHERE source_id = '18'
        """
    )
    assert campaign is not None
    assert tuple(campaign)[:2] == ("CLAIM", "LISTED")
    # From 30 October to 24 December 2017, both included, in Shanghai.
    assert campaign["claim_from"] == datetime(2017, 10, 29, 16, tzinfo=UTC)
    assert campaign["claim_until"] == datetime(2017, 12, 24, 16, tzinfo=UTC)
    assert (campaign["series"], campaign["listed"], campaign["coupons"]) == ("Type A", 24, 22)
    assert await db.fetch_value("SELECT count(*) FROM coupon_campaign") == 27


async def a_second_run_changes_nothing(journey: CompleteJourney, promotions: Promotions) -> None:
    before = await everything()
    outcome = await run(journey, promotions)
    assert (outcome.baskets, outcome.purchases, outcome.coupons_used, outcome.days) == (0, 0, 0, 0)
    assert await everything() == before


async def everything() -> dict[str, Any]:
    """Return how many rows each table has that a run writes, and who last changed them."""
    tables = (
        *("shop_purchase", "ledger_entry", "points_lot", "tier_term", "coupon", "coupon_terms"),
        *("coupon_campaign", "campaign_member", "member", "consent", "day_run", "message"),
    )
    rows = {
        table: await db.fetch(f"SELECT id, xmin::text FROM {table} ORDER BY id") for table in tables
    }
    return {table: list(map(tuple, found)) for table, found in rows.items()}


async def test_households_join_at_their_first_visit_once(journey: CompleteJourney) -> None:
    await agreements()
    await loading.load_members(journey, DATA, unheard, now=NOW)
    first = journey.households()[0]
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE source_id = $1", str(first.id))
    assert await purchases.join_members(journey, now=NOW) == 49
    assert await purchases.join_members(journey, now=NOW + timedelta(days=1)) == 0
    second = journey.households()[1]
    row = await db.fetch_one("SELECT * FROM member WHERE source_id = $1", str(second.id))
    assert row is not None
    assert row["joined_at"] == row["created_at"] == row["tier_since"] == second.first_basket_at
    given = await consents.standing(row["id"])
    assert {kind for kind, answer in given.items() if answer.given} == {
        AgreementKind.MEMBERSHIP,
        AgreementKind.PRIVACY,
    }
    assert first.id not in await purchases.members_of()


async def test_a_merged_household_buys_for_the_survivor(journey: CompleteJourney) -> None:
    await loading.load_members(journey, DATA, unheard, now=NOW)
    first, survivor = journey.households()[0], await a_member()
    await db.execute(
        "UPDATE member SET status = 'MERGED', merged_into_id = $2 WHERE source_id = $1",
        str(first.id),
        survivor,
    )
    assert (await purchases.members_of())[first.id] == survivor
    visits = [(str(first.id), first.first_basket_at)]
    assert await importing.join_members(loading.SOURCE, visits, now=NOW) == 0


async def test_the_days_rest_while_old_ones_are_filled_in() -> None:
    async with days.history():
        assert await days.catch_up(now=NOW) == 0
        assert await db.fetch_value("SELECT count(*) FROM day_run") == 0
        with pytest.raises(locks.LockTaken):
            async with days.history():
                pass
    await days.catch_up(now=NOW)
    assert await db.fetch_value("SELECT count(*) FROM day_run") > 0


async def test_a_worker_goes_on_with_today_and_not_with_what_follows_old_days() -> None:
    await days.run_day(date(2017, 1, 1), now=NOW)
    await days.begin_with_today(now=NOW)
    while await days.catch_up(now=NOW):
        pass
    rows = await db.fetch("SELECT DISTINCT day FROM day_run ORDER BY day")
    # The first of March in Shanghai is today; of the day before there is no more than its mark.
    known = [date(2017, 1, 1), date(2026, 2, 28), date(2026, 3, 1)]
    assert [row["day"] for row in rows] == known
    await days.begin_with_today(now=NOW + timedelta(days=5))
    assert await db.fetch_value("SELECT max(day) FROM day_run") == known[-1]


async def test_nothing_is_recorded_for_those_who_are_not_here(
    journey: CompleteJourney, promotions: Promotions
) -> None:
    shelf = await campaigns.put_up(promotions, {}, unheard, now=NOW)
    redemption = promotions.redemptions[0]
    assert await campaigns.redeem([redemption], shelf, {}, day=redemption.day) == 0
    recorded = await shop_purchases.record_many([], rules=SimpleNamespace())  # type: ignore[arg-type] # Not looked at.
    assert recorded == Recorded()


def test_a_page_stands_alone_and_shows_every_figure() -> None:
    january = Month(date(2017, 1, 1), **{name: 10 + place for place, name in enumerate(FIGURES)})
    february = Month(date(2017, 2, 1), **dict.fromkeys(FIGURES, 0))
    html = page.page([january, february])
    assert (html.count("<svg"), html.count("<polygon"), html.count("<polyline")) == (2, 3, 1)
    names = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in FIGURES)
    figures = "".join(f"<td>{10 + place}</td>" for place in range(len(FIGURES)))
    assert f"<tr><th>month</th>{names}</tr>" in html
    assert f"<tr><th>2017-01</th>{figures}</tr>" in html
    assert "http" not in html


def test_production_makes_members_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def production() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(in_production=True)

    monkeypatch.setattr(command, "running_settings", production)
    told = CliRunner().invoke(main.app, ["import", "complete-journey", "--purchases"])
    assert told.exit_code == 1
    assert told.output == "mall: --purchases makes members of nobody; not in production.\n"
