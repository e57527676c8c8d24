"""Checking in once a day, making up for a missed day, and how it stands (rules, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from domain.checkin import ONE_DAY, reward_of, run_start_of, streak_of
from domain.clock import business_day
from domain.errors import AccountBlocked, ConsentRequired
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.members import MemberStatus
from models import database
from models.ids import new_id
from models.member_rows import member_columns
from services import ledger, points
from services import rules as rule_versions


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A day that is checked in, what it gave, and the streak; not `is_new` if it was before."""

    id: UUID
    day: date
    streak: int
    points: int
    coupon_id: UUID | None
    made_up: bool
    is_new: bool


async def check_in(member_id: UUID, *, now: datetime) -> CheckedIn:
    """Check a member in for the day that `now` falls in; a repetition answers with what stands.

    Raises:
        AccountBlocked, ConsentRequired: only members check in.
    """
    return await database.retrying(lambda: _check_in(member_id, now))


async def _check_in(member_id: UUID, now: datetime) -> CheckedIn:
    today = business_day(now)
    async with database.in_transaction():
        while True:
            look = await database.fetch_one(_LOOK, member_id, now, today, today - ONE_DAY)
            _require_member(look)
            assert look is not None
            if look["id"] is not None:
                return _stood(look)
            made = await _write(member_id, look["run_before"], today, now)
            # A rival had the lock while we looked: what they wrote is seen now that we have it.
            if made is not None:
                return made


# The second value is the instant, for `has_joined`.
_LOOK = f"""
SELECT member.status, {member_columns(["has_joined"])}, today.*, before.run_start AS run_before
FROM member
LEFT JOIN LATERAL (
    SELECT id, day, run_start, points, coupon_id, made_up FROM check_in
    WHERE check_in.member_id = member.id AND day = $3 AND NOT merged
) AS today ON true
LEFT JOIN check_in AS before
    ON before.member_id = member.id AND before.day = $4 AND NOT before.merged
WHERE member.id = $1
FOR NO KEY UPDATE OF member
"""


def _require_member(look: asyncpg.Record | None) -> None:
    if look is None or look["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    if not look["has_joined"]:
        raise ConsentRequired


def _stood(row: asyncpg.Record) -> CheckedIn:
    return CheckedIn(
        id=row["id"],
        day=row["day"],
        streak=streak_of(row["day"], row["run_start"]),
        points=row["points"],
        coupon_id=row["coupon_id"],
        made_up=row["made_up"],
        is_new=False,
    )


async def _write(
    member_id: UUID, run_before: date | None, today: date, now: datetime
) -> CheckedIn | None:
    """Write the day and give what it brings; None where a rival has changed what was looked at."""
    rules = (await rule_versions.in_force(now=now)).rules
    run_start = run_start_of(today, run_before)
    streak = streak_of(today, run_start)
    reward = reward_of(streak, rules.check_in)
    growth = rules.growth.growth_per_check_in
    check_in_id = new_id()
    written = await database.execute(
        _INSERT,
        check_in_id,
        member_id,
        today,
        run_start,
        reward.cycle_day,
        reward.points,
        growth,
        now,
        run_before,
        today - ONE_DAY,
    )
    if not written:
        return None
    source = (SourceKind.CHECK_IN, check_in_id)
    given = await points.grant(
        member_id, reward.points, reason=EntryReason.CHECK_IN, source=source, now=now
    )
    if given != reward.points:
        await database.execute("UPDATE check_in SET points = $2 WHERE id = $1", check_in_id, given)
    await _credit_growth(member_id, growth, check_in_id, now)
    return CheckedIn(check_in_id, today, streak, given, None, made_up=False, is_new=True)


_INSERT = """
INSERT INTO check_in (id, member_id, day, run_start, cycle_day, points, growth, made_up, merged,
                      created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, false, false, $8
WHERE (
    SELECT run_start FROM check_in WHERE member_id = $2 AND day = $10 AND NOT merged
) IS NOT DISTINCT FROM $9::date
ON CONFLICT (member_id, day) WHERE NOT merged DO NOTHING
"""


async def _credit_growth(member_id: UUID, growth: int, check_in_id: UUID, now: datetime) -> None:
    if not growth:
        return
    posting = Posting(
        debit=system_account(AccountKind.GROWTH_ISSUED),
        credit=member_account(member_id, AccountKind.GROWTH),
        amount=growth,
    )
    await ledger.post(
        [posting],
        unit=Unit.GROWTH,
        reason=EntryReason.CHECK_IN,
        source=(SourceKind.CHECK_IN, check_in_id),
        now=now,
    )
    await database.execute(
        "UPDATE member SET lifetime_growth = lifetime_growth + $2 WHERE id = $1", member_id, growth
    )
