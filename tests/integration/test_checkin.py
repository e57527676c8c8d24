"""Checking in on real PostgreSQL: once a day, with the streak's reward, however often one clicks."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from models import database as db
from services import checkin, consents, ledger
from services.checkin import CheckedIn
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)


async def joined() -> UUID:
    await agreements()
    member_id = await a_member()
    async with db.in_transaction():
        await consents.record(member_id, JOINING, now=NOW - 60 * DAY)
    await db.execute("UPDATE member SET joined_at = $2 WHERE id = $1", member_id, NOW - 60 * DAY)
    return member_id


async def days_in_a_row(member_id: UUID, first: datetime, count: int) -> list[CheckedIn]:
    return [await checkin.check_in(member_id, now=first + n * DAY) for n in range(count)]


async def test_the_cycle_rises_and_begins_again_after_its_seventh_day() -> None:
    member_id = await joined()
    done = await days_in_a_row(member_id, NOW, 9)
    assert [each.points for each in done] == [5, 5, 10, 10, 15, 15, 30, 5, 5]
    assert [each.streak for each in done] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert all(each.is_new for each in done)
    balances = (await ledger.balances([member_id]))[member_id]
    assert balances["SPENDABLE"] == 100
    assert balances["GROWTH"] == 45
    assert await db.fetch_value("SELECT lifetime_growth FROM member WHERE id = $1", member_id) == 45
    await assert_books_agree()
