"""What signing in leaves behind goes when nobody can need it any more."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from models import database as db
from models.ids import new_id
from models.members import Member, Session, SignInAttempt, SmsCode
from services import code_attempts, members, sessions, sms_codes

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


async def _session(*, opened_at: datetime) -> UUID:
    async with db.in_transaction():
        member_id = await members.create(now=opened_at)
        session_id = await sessions.open_session(
            member_id, appid=None, lifetime=timedelta(days=30), now=opened_at
        )
        await SignInAttempt.create(
            code_hash=new_id().bytes,
            session_id=session_id,
            created_at=opened_at,
            finished_at=opened_at,
        )
    return session_id


async def test_sessions_go_a_month_after_they_ran_out() -> None:
    await _session(opened_at=NOW - timedelta(days=60, seconds=1))
    kept = await _session(opened_at=NOW - timedelta(days=60))
    assert [await sessions.forget_old(now=NOW) for _ in range(2)] == [1, 0]
    assert [row.id for row in await Session.all()] == [kept]
    assert await SignInAttempt.all().count() == 1
    assert await Member.all().count() == 2


async def test_attempts_go_after_a_day() -> None:
    await _session(opened_at=NOW - timedelta(days=1, seconds=1))
    await _session(opened_at=NOW - timedelta(days=1))
    assert [await code_attempts.forget_old(now=NOW) for _ in range(2)] == [1, 0]
    assert await SignInAttempt.all().count() == 1


async def test_sms_codes_go_when_no_limit_counts_them() -> None:
    for age in (timedelta(days=2, seconds=1), timedelta(days=2)):
        await SmsCode.create(
            phone_hash=b"p",
            code_hash=b"c",
            attempts_left=5,
            sent_at=NOW - age,
            expires_at=NOW - age,
        )
    assert [await sms_codes.forget_old(now=NOW) for _ in range(2)] == [1, 0]
    assert await SmsCode.all().count() == 1
