"""The work of days: in order, caught up after a downtime, once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from domain.clock import business_day, start_of_business_day
from domain.ledger import EntryReason, SourceKind
from models import database as db
from models.ids import new_id
from services import data_export, days, growth, points
from services.days import Acts, DayNotBegun, Step, StepResult, StepsFailed, catch_up, run_day
from services.uploads import PictureStorage
from settings import Settings
from tests.factories.shop import DATA, a_member
from tests.support.commands import mall
from tests.support.shopping import assert_books_agree

DAY = date(2027, 11, 16)
NOON = datetime(2027, 11, 16, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


async def _a_year_ago(member_id: UUID, day: date, *, growth_then: int = 6_500) -> None:
    """Have a member earn growth and points whose year ends with the beginning of `day`."""
    at = start_of_business_day(day.replace(year=day.year - 1) - timedelta(days=1))
    await growth.credit(
        member_id,
        growth_then,
        reason=EntryReason.ORDER,
        source=(SourceKind.ORDER_FINALITY, new_id()),
        at=at,
    )
    await points.grant(
        member_id,
        growth_then // 100,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=at,
    )


async def _state() -> list[tuple[Any, ...]]:
    """Return all that the days leave: members, entries, lots, terms and messages."""
    rows = await db.fetch(
        """
        SELECT member.member_no, tier_code, tier_since, tier_review_at, tier_since_seq,
               tier_floor_code, tier_warned_at, lifetime_growth, balances, entries, lots, terms,
               messages
        FROM member
        CROSS JOIN LATERAL (
            SELECT array_agg(kind || balance ORDER BY kind) AS balances FROM ledger_account
            WHERE member_id = member.id) AS accounts
        CROSS JOIN LATERAL (
            SELECT array_agg((account.kind, entry.seq, delta, reason, entry.created_at)::text
                             ORDER BY kind, entry.seq) AS entries
            FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = account_id
            WHERE account.member_id = member.id) AS book
        CROSS JOIN LATERAL (
            SELECT array_agg((earned, remaining, expired, expires_at)::text
                             ORDER BY expires_at, earned) AS lots
            FROM points_lot WHERE member_id = member.id) AS points
        CROSS JOIN LATERAL (
            SELECT array_agg((tier_code, since, cause, growth, period_growth)::text
                             ORDER BY since, tier_code) AS terms
            FROM tier_term WHERE member_id = member.id) AS past
        CROSS JOIN LATERAL (
            SELECT array_agg((event, facts, created_at)::text ORDER BY created_at, event)
                AS messages
            FROM message WHERE member_id = member.id) AS told
        """
    )
    return sorted(tuple(row)[1:] for row in rows)


async def _members_of_five_days() -> None:
    for number in range(5):
        await _a_year_ago(await a_member(), DAY + timedelta(days=number))
    await _a_year_ago(await a_member(), DAY + timedelta(days=31), growth_then=3_200)


async def test_a_day_does_what_is_due_and_says_how_much() -> None:
    await _a_year_ago(await a_member(), DAY)
    done = {result.step: result.pieces for result in await run_day(DAY, now=NOON)}
    assert (done["tier_reviews"], done["points_expiry"]) == (1, 3)
    assert [step.name for step in days.STEPS] == list(done)
    await assert_books_agree()


async def test_a_day_again_finds_nothing() -> None:
    await _members_of_five_days()
    await run_day(DAY, now=NOON)
    before = await _state()
    again = await run_day(DAY, now=NOON + timedelta(hours=1))
    assert sum(result.pieces for result in again) == 0
    assert await _state() == before


async def test_progress_hears_of_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "STEPS", (_counting(5, limit=2),))
    heard: list[tuple[str, int]] = []
    result = await run_day(DAY, now=NOON, progress=lambda step, n: heard.append((step, n)))
    assert heard == [("counting", 2), ("counting", 2), ("counting", 1)]
    assert result == [StepResult("counting", 5)]


def _counting(pieces: int, *, limit: int) -> Step:
    left = [pieces]

    async def batch(_as_of: datetime, limit: int) -> int:
        taken = min(left[0], limit)
        left[0] -= taken
        return taken

    return Step("counting", batch, limit)


async def test_a_day_ahead_is_refused() -> None:
    with pytest.raises(DayNotBegun, match="2027-11-17 has not begun yet"):
        await run_day(DAY + timedelta(days=1), now=NOON)


async def test_five_days_of_downtime_are_five_single_days() -> None:
    states = []
    for run in (_day_by_day, _all_at_once):
        await db.execute("SELECT testing.reset()")
        await _members_of_five_days()
        await run()
        await assert_books_agree()
        states.append(await _state())
    assert states[0] == states[1]
    assert {state[0] for state in states[0]} == {"SILVER"}
    assert all(state[-1] for state in states[0])


async def _day_by_day() -> None:
    for number in range(5):
        await _caught_up(NOON + timedelta(days=number))


async def _all_at_once() -> None:
    await _caught_up(NOON)  # Something ran on the first day, then nothing for four.
    await _caught_up(NOON + timedelta(days=4))


async def _caught_up(now: datetime) -> None:
    while await catch_up(now=now):
        pass


async def test_days_run_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, datetime]] = []

    def noting(name: str) -> Step:
        async def batch(as_of: datetime, _limit: int) -> int:
            ran.append((name, as_of))
            return 0

        return Step(name, batch)

    monkeypatch.setattr(days, "STEPS", (noting("first"), noting("second")))
    await catch_up(now=NOON)
    assert await db.fetch_value("SELECT count(*) FROM day_run") == 2
    ran.clear()
    await catch_up(now=NOON + timedelta(days=2))
    starts = [start_of_business_day(DAY + timedelta(days=number)) for number in range(3)]
    assert ran == [(name, start) for start in starts for name in ("first", "second")]
    ran.clear()
    await catch_up(now=NOON + timedelta(days=2, hours=1))
    assert ran == [("first", starts[2]), ("second", starts[2])]


async def test_a_day_done_by_hand_doesn_t_hide_the_ones_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[datetime] = []

    async def batch(as_of: datetime, _limit: int) -> int:
        ran.append(as_of)
        return 0

    monkeypatch.setattr(days, "STEPS", (Step("noted", batch),))
    await catch_up(now=NOON)
    await run_day(DAY + timedelta(days=2), now=NOON + timedelta(days=3))
    ran.clear()
    await catch_up(now=NOON + timedelta(days=3))
    assert ran == [start_of_business_day(DAY + timedelta(days=number)) for number in (0, 1, 3)]


async def test_a_step_that_fails_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, datetime]] = []
    mended = [False]

    async def broken(as_of: datetime, _limit: int) -> int:
        ran.append(("broken", as_of))
        if not mended[0]:
            raise RuntimeError
        return 0

    async def sound(as_of: datetime, _limit: int) -> int:
        ran.append(("sound", as_of))
        return 0

    monkeypatch.setattr(days, "_failed", {})
    monkeypatch.setattr(days, "STEPS", (Step("broken", broken), Step("sound", sound)))
    first, second = (start_of_business_day(DAY + timedelta(days=number)) for number in (0, 1))
    with pytest.raises(StepsFailed, match="broken of 2027-11-16"):
        await catch_up(now=NOON)
    tomorrow = NOON + timedelta(days=1)
    with pytest.raises(StepsFailed, match="broken of 2027-11-16, broken of 2027-11-17"):
        await catch_up(now=tomorrow)
    with pytest.raises(StepsFailed):  # It isn't tried again at once.
        await catch_up(now=tomorrow + timedelta(seconds=10))
    mended[0] = True
    await catch_up(now=tomorrow + timedelta(minutes=1))
    both = [("broken", first), ("sound", first)]
    next_day = [("broken", second), ("sound", second)]
    assert ran == [*both, *both, *next_day, ("sound", second), ("broken", first), *next_day]


async def test_runners_at_once_do_each_piece_once() -> None:
    await _members_of_five_days()
    now = NOON + timedelta(days=4)
    await asyncio.gather(*(run_day(DAY + timedelta(days=4), now=now) for _ in range(4)))
    counts = await db.fetch("SELECT step, pieces FROM day_run WHERE pieces > 0")
    assert dict(map(tuple, counts))["tier_reviews"] == 5
    await assert_books_agree()


async def test_a_step_acts_as_of_midnight_within_its_day_or_now() -> None:
    assert Step("usual", _nothing).as_of(DAY, NOON) == start_of_business_day(DAY)
    now = Step("now", _nothing, acts=Acts.NOW)
    assert now.as_of(DAY - timedelta(days=9), NOON) == NOON
    step = Step("within", _nothing, acts=Acts.WITHIN_THE_DAY)
    assert step.as_of(DAY, NOON) == NOON
    over = step.as_of(DAY - timedelta(days=1), NOON)
    assert over == start_of_business_day(DAY) - timedelta(microseconds=1)


async def _nothing(_as_of: datetime, _limit: int) -> int:
    return 0


class NoPictures:
    """A storage in which nothing is."""


async def test_accounts_end_and_exports_are_made_with_their_day() -> None:
    leaving, staying = await _who_leaves(DAY), await _who_leaves(DAY + timedelta(days=1))
    await data_export.request(staying, now=NOON)
    steps = days.all_steps(DATA, cast("PictureStorage", NoPictures()))
    results = await run_day(DAY, now=NOON, steps=steps)
    assert [result.step for result in results] == [step.name for step in steps]
    done = {result.step: result.pieces for result in results if result.pieces}
    done.pop("tier_rises")  # The shipped rules are new to this database.
    assert done == {"exports": 1, "leaving": 1}
    assert await _status(leaving) == "LEFT"
    assert await _status(staying) == "ACTIVE"
    again = await run_day(DAY, now=NOON, steps=steps)
    assert sum(result.pieces for result in again) == 0
    await assert_books_agree()


async def test_who_left_a_year_and_more_ago_is_forgotten() -> None:
    for months in (12, 14):
        await db.execute(
            "INSERT INTO former_identity (id, digest, left_at)"
            " VALUES ($1, $2, $3::timestamptz - make_interval(months => $4))",
            new_id(),
            bytes(32),
            NOON,
            months,
        )
    steps = days.all_steps(DATA, cast("PictureStorage", NoPictures()))
    while await catch_up(now=NOON, steps=steps):
        pass
    assert await db.fetch_value("SELECT count(*) FROM former_identity") == 1


async def _who_leaves(day: date) -> UUID:
    member_id = await a_member(points=30)
    await db.execute(
        "UPDATE member SET leaves_at = $2 WHERE id = $1", member_id, start_of_business_day(day)
    )
    return member_id


async def _status(member_id: UUID) -> str:
    status: str = await db.fetch_value("SELECT status FROM member WHERE id = $1", member_id)
    return status


class TestCommand:
    async def test_days_are_run_one_after_the_other(
        self, database: str, settings: Settings
    ) -> None:
        del database
        today = business_day(datetime.now(UTC))
        first = today - timedelta(days=1)
        await _a_year_ago(await a_member(), first)
        leaving = await _who_leaves(today)
        status, said = await mall(settings, "run-day", str(first), "--until", str(today))
        assert status == 0
        lines = said.splitlines()
        assert [line.split()[0] for line in lines] == [str(first), str(today)]
        assert "tier_reviews 1, points_expiry" in lines[0].replace("tier_rises 2, ", "")
        assert await db.fetch_value("SELECT count(*) FROM member WHERE tier_code = 'SILVER'") == 1
        assert "leaving 1" in lines[1]
        assert await _status(leaving) == "LEFT"

    async def test_a_day_ahead_is_one_line(self, settings: Settings) -> None:
        tomorrow = business_day(datetime.now(UTC)) + timedelta(days=1)
        said = f"mall: {tomorrow} has not begun yet\n"
        assert await mall(settings, "run-day", str(tomorrow)) == (1, said)
