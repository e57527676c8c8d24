"""The liability in points: how many, until when, worth how much; and the books agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from domain.ledger import AccountKind
from domain.money import worth_fen
from domain.rules import PointsRules, Rules
from models import database as db
from models.ids import id_made_before, new_id
from services import points_book, points_expiry, rules
from services.points_book import ExpiryMonth
from settings import Settings
from tests.factories.shop import NOW, a_member
from tests.support.commands import mall
from tests.support.shopping import assert_books_agree
from tests.support.wallets import DAY, earn, give_back, pend, spend, take_back

pytestmark = pytest.mark.usefixtures("database")

HOUR = timedelta(hours=1)
LAST_OF_MONTH = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
"""A second before the new year in Shanghai."""


async def _members_with_everything() -> None:
    one, two = await a_member(), await a_member()
    await earn(one, 100, days=2)
    await earn(one, 300, days=(LAST_OF_MONTH - NOW) / DAY)
    await earn(one, 50, days=(LAST_OF_MONTH - NOW) / DAY + 1 / 86_400)
    spent = await spend(one, 130)
    await give_back(one, 10, spent)
    await pend(one, 76)
    own = await earn(two, 40)
    await spend(two, 40)
    await take_back(two, 25, own)


async def test_the_liability_is_what_members_hold_less_what_they_owe() -> None:
    await _members_with_everything()
    found = await points_book.liability(NOW)
    assert (found.outstanding, found.pending, found.debt, found.ended) == (330, 76, 25, 0)
    assert found.points == 381
    assert found.worth_fen == 381
    assert found.by_month == (
        ExpiryMonth(date(2026, 12, 1), 280),
        ExpiryMonth(date(2027, 1, 1), 50),
    )
    assert found.booked == 330 + 76 + 25
    assert found.agrees
    await assert_books_agree()


async def test_what_has_ended_is_shown_apart_until_the_job_has_run() -> None:
    await earn(await a_member(), 100, days=2)
    later = NOW + 3 * DAY
    before = await points_book.liability(later)
    assert (before.outstanding, before.ended, before.points) == (0, 100, 0)
    assert before.agrees
    await points_expiry.expire_due(later)
    after = await points_book.liability(later)
    assert (after.outstanding, after.ended, after.booked) == (0, 0, 0)
    assert after.agrees


@pytest.mark.parametrize(
    ("points", "per_yuan", "fen"),
    [(0, 100, 0), (1, 100, 1), (1, 200, 1), (1, 201, 0), (3, 200, 2), (381, 100, 381), (7, 1, 700)],
)
async def test_worth_is_rounded_half_up_to_a_fen(points: int, per_yuan: int, fen: int) -> None:
    assert worth_fen(points, per_yuan) == fen


async def test_the_worth_goes_by_the_rules_in_force() -> None:
    await earn(await a_member(), 1_000)
    dearer = Rules(points=replace(PointsRules(), points_per_yuan_off=50))
    await rules.publish(dearer, effective_at=NOW - DAY, now=NOW)
    assert (await points_book.liability(NOW)).worth_fen == 2_000


async def test_books_that_disagree_are_found() -> None:
    await _members_with_everything()
    async with db.in_transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute("UPDATE ledger_entry SET delta = delta - 1 WHERE seq IS NULL")
    assert not (await points_book.liability(NOW)).agrees
    broken = {each.check.name for each in await points_book.proof() if not each.is_clean}
    assert "ledger.balanced" in broken


async def test_the_proof_is_of_points_alone() -> None:
    names = [finding.check.name for finding in await points_book.proof()]
    assert {name.partition(".")[0] for name in names} == {"ledger", "points"}


async def _system() -> dict[AccountKind, int]:
    return {kind: sum_ for kind, sum_ in (await points_book.system_balances()).items() if sum_}


async def test_entries_are_rolled_up_once_and_the_rest_is_added() -> None:
    want = {
        AccountKind.ISSUED: -566,
        AccountKind.REDEEMED: 160,
        AccountKind.OWED: -25,
    }
    await _members_with_everything()
    entries = await db.fetch_value("SELECT count(*) FROM ledger_entry WHERE seq IS NULL")
    assert await _system() == want
    assert await points_book.roll_up(NOW) == 0  # They are not an hour old.
    assert await points_book.roll_up(NOW + 9_999 * DAY) == 0  # Whatever day it is said to be.
    assert await _system() == want
    assert [await points_book.roll_up(NOW, older_than=-HOUR) for _ in range(2)] == [entries, 0]
    assert await _system() == want
    await assert_books_agree()
    assert await points_book.roll_up(NOW) == 0  # Going back takes nothing away.
    assert await _system() == want
    await assert_books_agree()


async def test_what_comes_after_a_roll_up_is_counted_on_top() -> None:
    member_id = await a_member(points=100)
    await points_book.roll_up(NOW, older_than=timedelta(milliseconds=-1))
    reached = await db.fetch_value("SELECT reached_id FROM ledger_rollup LIMIT 1")
    await _until_ids_lie_above(reached)
    await earn(member_id, 20)
    assert await _system() == {AccountKind.ISSUED: -120}
    assert (await points_book.liability(NOW)).agrees
    await assert_books_agree()


async def _until_ids_lie_above(reached: UUID) -> None:
    while new_id() <= reached:
        await db.execute("SELECT")


def test_ids_made_later_lie_above_those_of_an_hour_ago() -> None:
    assert id_made_before(HOUR) < new_id() < id_made_before(-HOUR)


async def test_the_command_tells_it_to_programs(settings: Settings) -> None:
    await earn(await a_member(), 250, days=10, now=datetime.now(UTC))
    status, said = await mall(settings, "points", "liability", "--json")
    assert status == 0
    told = orjson.loads(said)
    assert (told["outstanding"], told["worthFen"], told["agrees"]) == (250, 250, True)
    assert told["broken"] == {}
    assert [each["points"] for each in told["byMonth"]] == [250]


async def test_the_command_shows_it_and_fails_when_the_books_disagree(settings: Settings) -> None:
    await earn(await a_member(), 12_345, days=10, now=datetime.now(UTC))
    status, said = await mall(settings, "points", "liability")
    assert status == 0
    assert "12,345" in said
    assert "¥123.45" in said
    await db.execute("UPDATE points_lot SET remaining = remaining - 1")
    status, said = await mall(settings, "points", "liability")
    assert status == 1
    assert "broken" in said
