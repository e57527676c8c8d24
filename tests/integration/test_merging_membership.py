"""What a merge makes of check-ins, messages, and who was about to leave."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from domain.checkin import MakeUpLimitReached
from domain.messages import MessageEvent
from models import database as db
from models.ids import new_id
from models.members import Member
from services import checkin, consents, merging, messages
from services.checkin import MakeUpCheckIn
from tests.factories.members import JOINING, agreements
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def two_members(*, points: int = 0) -> tuple[UUID, UUID]:
    """Make an older and a younger member, who joined two months ago."""
    await agreements()
    older, younger = await a_member(points=points), await a_member(points=points)
    for member_id, days in ((older, 61), (younger, 60)):
        await consents.record(member_id, JOINING, now=NOW)
        at = NOW - timedelta(days=days)
        await Member.filter(id=member_id).update(created_at=at, joined_at=at)
    return older, younger


async def merge(first: UUID, second: UUID) -> UUID | None:
    async with db.in_transaction():
        return await merging.merge(first, second, now=NOW)


async def check_in_days_ago(member_id: UUID, *days_ago: int) -> None:
    for ago in sorted(days_ago, reverse=True):
        await checkin.check_in(member_id, now=NOW - timedelta(days=ago))


async def test_check_ins_are_joined_and_a_day_of_both_stays_the_survivor_s() -> None:
    older, younger = await two_members()
    await check_in_days_ago(older, 5, 4, 1)
    await check_in_days_ago(younger, 4, 3, 2)
    assert await merge(younger, older) == older
    today = NOW.date()
    rows = await db.fetch(
        "SELECT member_id, day, run_start, merged FROM check_in ORDER BY day, merged"
    )
    start = today - timedelta(days=5)
    assert [tuple(row) for row in rows] == [
        (older, today - timedelta(days=ago), start, False) if not merged else (older, *merged)
        for ago, merged in (
            (5, None),
            (4, None),
            (4, (today - timedelta(days=4), today - timedelta(days=4), True)),
            (3, None),
            (2, None),
            (1, None),
        )
    ]
    done = await checkin.check_in(older, now=NOW)
    assert (done.streak, done.points) == (6, 15)
    await assert_books_agree()


async def test_make_ups_of_a_month_add_up_beyond_its_limit() -> None:
    older, younger = await two_members(points=100)
    day = NOW.date()
    for member_id, days in ((older, (1, 2)), (younger, (2, 3))):
        for ago in days:
            await checkin.make_up(
                MakeUpCheckIn(
                    member_id=member_id,
                    day=day - timedelta(days=ago),
                    idempotency_key=str(ago),
                ),
                now=NOW,
            )
    await merge(younger, older)
    seats = await db.fetch(
        "SELECT make_up_seat FROM check_in WHERE member_id = $1 ORDER BY 1", older
    )
    assert [row[0] for row in seats] == [1, 2, 3, 4]
    with pytest.raises(MakeUpLimitReached):
        await checkin.make_up(
            MakeUpCheckIn(member_id=older, day=day - timedelta(days=5), idempotency_key="x"),
            now=NOW,
        )


async def test_messages_of_both_are_kept_once() -> None:
    older, younger = await two_members()
    both, own = new_id(), new_id()
    for ids, source_id in (((older, younger), both), ((younger,), own)):
        await messages.tell(
            ids,
            MessageEvent.TIER_CHANGED,
            source_id=source_id,
            facts={"tier": "银卡"},
            now=NOW,
        )
    await merge(younger, older)
    rows = await db.fetch("SELECT member_id, source_id FROM message ORDER BY source_id")
    assert [tuple(row) for row in rows] == [(older, both), (older, own)]


async def test_who_was_about_to_leave_stays_with_the_survivor() -> None:
    older, younger = await two_members()
    later = NOW + timedelta(days=9)
    await Member.filter(id=younger).update(
        leaves_at=NOW + timedelta(days=3), newcomer_gifts_from=later
    )
    await merge(younger, older)
    row = await db.fetch_one(
        "SELECT leaves_at, newcomer_gifts_from FROM member WHERE id = $1", older
    )
    assert row is not None
    assert tuple(row) == (None, later)
