"""Real baskets go through the running mall, and the money that comes in is what it should be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.complete_journey import check, loading, replaying
from cli.complete_journey.reader import CompleteJourney, open_complete_journey
from cli.complete_journey.records import Basket, BasketLine
from cli.embedded.process import die_with_parent
from cli.mini_program import CallFailed
from cli.replay import _show
from cli.tour import _shortened
from cli.walk import Step, walk
from models import database as db
from services.verification import CHECKS, Finding, verify
from settings import Settings
from tests.factories.members import agreements
from tests.support.application import PROJECT, environment_of
from tests.support.simulator import Simulator
from wiring.ports import personal_data_of

FIXTURE = Path(__file__).parents[1] / "fixtures" / "complete_journey"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
BASKETS = 12


@pytest.fixture(scope="module")
def journey() -> Iterator[CompleteJourney]:
    with open_complete_journey(FIXTURE) as opened:
        yield opened


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    """The doors have no limits: all phones come from one address."""
    return settings.model_copy(update={"rate_limits": False})


@pytest.fixture
async def worker_process(live: str, settings: Settings, tmp_path: Path) -> AsyncIterator[None]:
    """`mall worker` beside the web server: it settles what WeChat's callbacks bring."""
    with (tmp_path / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "worker"),
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env=environment_of(settings),
            preexec_fn=die_with_parent(),
        )
    yield
    process.terminate()
    await process.wait()


async def load(journey: CompleteJourney, settings: Settings) -> None:
    def unheard(_records: int) -> None:
        """Nobody watches the progress."""

    await agreements()
    await loading.load_categories(journey, unheard)
    await loading.load_products(journey, unheard, now=NOW)
    await loading.load_stores(journey, unheard)
    await loading.load_members(journey, personal_data_of(settings), unheard, now=NOW)


async def replay(wanted: replaying.Replay) -> replaying.Outcome:
    baskets = replaying.read_baskets(wanted)
    shelf = await replaying.read_shelf(baskets)
    async with replaying.open_run(wanted, shelf) as run:
        await run.sign_in({basket.household_id for basket in baskets}, lambda: None)
        await run.buy(baskets, lambda: None)
    return run.outcome


async def test_baskets_bring_in_what_the_files_say(
    live: str, worker_process: None, wxsim: Simulator, settings: Settings, journey: CompleteJourney
) -> None:
    await load(journey, settings)
    wanted = replaying.Replay(
        replaying.Addresses(live, wxsim.url), baskets=BASKETS, concurrency=4, data=FIXTURE
    )
    households = len({basket.household_id for basket in replaying.read_baskets(wanted)})

    first = await replay(wanted)
    assert first.failures == []
    expected = check.takings(FIXTURE, first=BASKETS)
    assert (len(first.baskets), first.orders) == (expected.baskets, expected.orders)
    assert (first.lines, first.pieces, first.fen) == (
        expected.lines,
        expected.pieces,
        expected.fen,
    )
    assert (first.members, first.bound) == (households, households)
    # Each phone's new identity was merged into the member that the import had made.
    assert await buyers() == {str(basket.household_id) for basket in replaying.read_baskets(wanted)}

    # The same people come back: they are known, and nothing is merged again.
    second = await replay(wanted)
    assert second.failures == []
    assert (second.fen, second.members, second.bound) == (expected.fen, households, 0)
    assert [finding.check.name for finding in await verify() if not finding.is_clean] == []


async def buyers() -> set[str]:
    rows = await db.fetch(
        "SELECT DISTINCT member.source_id FROM sales_order"
        " JOIN member ON member.id = sales_order.member_id WHERE sales_order.paid_at IS NOT NULL"
    )
    return {row["source_id"] for row in rows}


async def test_a_basket_at_another_price_is_a_failure_and_the_rest_goes_on(
    live: str, worker_process: None, wxsim: Simulator, settings: Settings, journey: CompleteJourney
) -> None:
    await load(journey, settings)
    wanted = replaying.Replay(
        replaying.Addresses(live, wxsim.url), baskets=2, concurrency=2, data=FIXTURE
    )
    dear, cheap = replaying.read_baskets(wanted)
    await db.execute(
        "UPDATE sku SET price_fen = price_fen + 1 WHERE code = $1",
        loading.sku_code(dear.lines[0].product_id),
    )
    outcome = await replay(wanted)
    asked = dear.amount_fen + dear.lines[0].quantity
    why = f"CallFailed: quoteOrder: PRICE_DIFFERS: {asked} fen instead of {dear.amount_fen}"
    assert outcome.failures == [replaying.Failure(f"basket {dear.id} part 1", why)]
    assert (outcome.baskets, outcome.fen) == ({cheap.id}, cheap.amount_fen)


async def test_without_an_import_there_is_nothing_to_replay(database: str) -> None:
    basket = Basket(
        id=1, part=1, household_id=1, store_id=1, at=NOW, lines=(BasketLine(1, 1, 100),)
    )
    with pytest.raises(replaying.CannotReplay, match="mall import complete-journey"):
        await replaying.read_shelf([basket])


async def test_a_mall_that_does_not_run_is_named() -> None:
    nowhere = replaying.Addresses("http://127.0.0.1:9", "http://127.0.0.1:9")
    wanted = replaying.Replay(nowhere, baskets=1, concurrency=1, data=FIXTURE)
    with pytest.raises(replaying.CannotReplay, match="Nothing answers at"):
        async with replaying.open_run(wanted, replaying.Shelf({}, {})):
            pass


async def test_work_is_shared_in_order() -> None:
    taken: list[int] = []

    async def take(item: int) -> None:
        taken.append(item)
        await asyncio.sleep(0)

    await replaying.in_parallel(range(7), take, workers=3)
    assert taken == [0, 1, 2, 3, 4, 5, 6]


TAKINGS = check.Takings(baskets=1, orders=1, lines=2, pieces=3, fen=500)


def outcome_of(**facts: Any) -> replaying.Outcome:
    agreed = {"baskets": {7}, "orders": 1, "lines": 2, "pieces": 3, "fen": 500}
    return replaying.Outcome(**{**agreed, **facts})


def test_the_table_is_green_when_everything_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert _show(outcome_of(), TAKINGS, [Finding(CHECKS[0], 0, [])])
    assert "DIFFERS" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("outcome", "findings", "told"),
    [
        (outcome_of(fen=499), [], "DIFFERS"),
        (outcome_of(failures=[replaying.Failure("basket 7", "why")]), [], "basket 7: why"),
        (outcome_of(), [Finding(CHECKS[0], 3, [])], f"{CHECKS[0].name}: 3 rows break it"),
    ],
    ids=["another amount", "a failure", "a broken rule"],
)
def test_the_table_is_not_green(
    outcome: replaying.Outcome,
    findings: list[Finding],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not _show(outcome, TAKINGS, findings)
    assert told in capsys.readouterr().out


STEPS = [
    *("Sign in", "Browse", "Search", "Look", "Fill the cart", "Join", "Give an address"),
    *("Ask the price", "Place the order", "Pay", "Paid", "Points on the way"),
]


async def test_the_tour_walks_from_sign_in_to_points(
    live: str, worker_process: None, wxsim: Simulator, settings: Settings, journey: CompleteJourney
) -> None:
    await load(journey, settings)
    steps: list[Step] = []
    await walk(live, wxsim.url, steps.append)
    assert [step.title for step in steps] == STEPS
    assert [step.number for step in steps] == list(range(1, len(STEPS) + 1))
    assert all(step.exchanges and step.told for step in steps)
    answers = {step.title: step.exchanges[-1].answered for step in steps}
    payable = answers["Place the order"]["placeOrder"]["order"]["payable"]
    assert answers["Paid"]["order"]["paid"] == payable > 0
    assert answers["Give an address"]["saveAddress"]["address"]["regionCode"] == "441900"
    expected = answers["Ask the price"]["quoteOrder"]["pointsToEarn"]
    assert answers["Points on the way"]["me"]["points"] == {"balance": 0, "pending": expected}


async def test_a_tour_of_an_empty_mall_says_so(
    live: str, wxsim: Simulator, settings: Settings
) -> None:
    steps: list[Step] = []
    with pytest.raises(CallFailed, match="NOTHING_ON_SALE"):
        await walk(live, wxsim.url, steps.append)
    # The step that failed is shown too, with what was asked and answered.
    assert [step.title for step in steps] == ["Sign in", "Browse"]


def test_long_texts_are_cut_for_reading() -> None:
    shown = _shortened({"token": "x" * 41, "lines": [{"name": "苹果"}, 2, 3, 4, 5], "none": None})
    assert shown == {
        "token": "x" * 40 + "… (41 characters)",
        "lines": [{"name": "苹果"}, 2, 3, "… and 2 more"],
        "none": None,
    }
