"""Checking in once a day, making up for a missed day, and the calendar (rules, section 3).

Whoever changes a member's check-ins holds the lock on the member's row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.checkin import (
    ONE_DAY,
    MakeUpWindow,
    Reward,
    check_make_up,
    month_of,
    reward_of,
    run_start_of,
    streak_of,
    streak_today,
)
from domain.clock import business_day
from domain.coupons import CouponOrigin, terms_of_offer, valid_days_end
from domain.errors import AccountBlocked, ConsentRequired
from domain.ledger import EntryReason, Source, SourceKind
from domain.members import MemberStatus
from domain.rules import CheckInRules, CouponOffer, Rules
from domain.tier_terms import reached
from models import database
from models.ids import new_id
from models.member_rows import member_columns
from services import coupon_terms, coupons, growth, idempotency, ledger, points, points_lots
from services import rules as rule_versions
from services.coupons import Issue
from services.growth import GrowthCredit
from services.points import Grant


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

    def as_row(self) -> dict[str, Any]:
        """Return the day as `days_between` would."""
        return {
            "day": self.day,
            "points": self.points,
            "made_up": self.made_up,
            "coupon_id": self.coupon_id,
        }


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
            made = await _write(look, today, now)
            # A rival had the lock while we looked: what they wrote is seen now that we have it.
            if made is not None:
                return made


# The member's lock comes before the wallet's. The second value is the instant, for `has_joined`.
# $1 in place of `held.member_id`: a plan made while the table was empty would look for the day
# alone, and read everybody's check-ins of the day until the next ANALYZE.
_LOOK = f"""
WITH held AS MATERIALIZED (
    SELECT id AS member_id, status, tier_code, tier_review_at, {member_columns(["has_joined"])}
    FROM member WHERE id = $1 FOR NO KEY UPDATE
), wallet AS MATERIALIZED (
    SELECT account.kind, account.balance
    FROM held JOIN ledger_account AS account ON account.member_id = held.member_id
    ORDER BY account.id FOR UPDATE OF account
)
SELECT held.*, today.*, before.run_start AS run_before,
       (SELECT balance FROM wallet WHERE kind = 'DEBT') AS debt,
       (SELECT balance FROM wallet WHERE kind = 'GROWTH') AS member_growth
FROM held
LEFT JOIN LATERAL (
    SELECT id, day, run_start, points, coupon_id, made_up FROM check_in
    WHERE check_in.member_id = $1 AND day = $3 AND NOT merged
) AS today ON true
LEFT JOIN check_in AS before
    ON before.member_id = $1 AND before.day = $4 AND NOT before.merged
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


async def _write(look: asyncpg.Record, today: date, now: datetime) -> CheckedIn | None:
    """Write the day and give what it brings; None where a rival has changed what was looked at."""
    rules = (await rule_versions.in_force(now=now)).rules
    run_start = run_start_of(today, look["run_before"])
    streak = streak_of(today, run_start)
    gift = Gift(
        check_in_id=new_id(),
        member_id=look["member_id"],
        reward=reward_of(streak, rules.check_in),
        growth=rules.growth.growth_per_check_in,
        now=now,
    )
    is_plain = _is_plain(look, gift, rules)
    written = await database.fetch_value(
        _INSERT,
        gift.check_in_id,
        gift.member_id,
        today,
        run_start,
        gift.reward.cycle_day,
        gift.reward.points,
        gift.growth,
        now,
        look["run_before"],
        today - ONE_DAY,
        today + ONE_DAY,
        gift.growth if is_plain else 0,
    )
    if written is None:
        return None
    given, coupon_id = await (_give_plainly(gift) if is_plain else _give(gift))
    return CheckedIn(gift.check_in_id, today, streak, given, coupon_id, made_up=False, is_new=True)


# A tap of the next day may have been faster: its run goes on from this one.
_INSERT = """
WITH written AS (
    INSERT INTO check_in (id, member_id, day, run_start, cycle_day, points, growth, made_up,
                          merged, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, false, false, $8
    WHERE (
        SELECT run_start FROM check_in WHERE member_id = $2 AND day = $10 AND NOT merged
    ) IS NOT DISTINCT FROM $9::date
    ON CONFLICT (member_id, day) WHERE NOT merged DO NOTHING
    RETURNING id, member_id, run_start
), joined AS (
    UPDATE check_in SET run_start = written.run_start FROM written
    WHERE check_in.member_id = $2 AND check_in.day = $11 AND NOT check_in.merged
), grown AS (
    UPDATE member SET lifetime_growth = lifetime_growth + $12::bigint FROM written
    WHERE member.id = written.member_id AND $12::bigint > 0
)
SELECT id FROM written
"""


@dataclass(frozen=True, slots=True)
class Gift:
    """What a check-in brings to a member."""

    check_in_id: UUID
    member_id: UUID
    reward: Reward
    growth: int
    now: datetime

    @property
    def source(self) -> Source:
        """Return what the book names as the source."""
        return (SourceKind.CHECK_IN, self.check_in_id)


def _is_plain(look: asyncpg.Record, gift: Gift, rules: Rules) -> bool:
    """Tell whether giving moves nothing but points and growth: so it is on most days.

    No debt to repay, no cap, no coupon, no tier reached, and no review that is due before.
    """
    is_capped = any(cap.reason == EntryReason.CHECK_IN for cap in rules.points.daily_caps)
    review_at = look["tier_review_at"]
    is_due = review_at is not None and review_at <= gift.now
    level = rules.tier(look["tier_code"]).level
    rises = reached(look["member_growth"] + gift.growth, rules).level > level
    return not (is_capped or is_due or rises or look["debt"] or gift.reward.coupon)


async def _give_plainly(gift: Gift) -> tuple[int, None]:
    """Book points and growth in one go; the wallet is locked, and lifetime growth is counted."""
    granted = Grant(gift.member_id, gift.reward.points, EntryReason.CHECK_IN, gift.source)
    entry, lot = await points.parts_of(granted, at=gift.now)
    credited = GrowthCredit(
        gift.member_id, gift.growth, EntryReason.CHECK_IN, gift.source, gift.now
    )
    has_points = bool(gift.reward.points)
    await ledger.post_many(
        [
            *([entry] if has_points else []),
            *([growth.entry_of(credited)] if gift.growth else []),
        ],
        along=points_lots.adding([lot] if has_points else []),
    )
    return gift.reward.points, None


async def _give(gift: Gift) -> tuple[int, UUID | None]:
    """Give points, coupon and growth with all that may come of it; returns what was given."""
    given = await points.grant(
        gift.member_id,
        gift.reward.points,
        reason=EntryReason.CHECK_IN,
        source=gift.source,
        now=gift.now,
    )
    coupon_id = await _give_coupon(gift.member_id, gift.reward.coupon, gift.check_in_id, gift.now)
    await database.execute(
        "UPDATE check_in SET points = $2, coupon_id = $3 WHERE id = $1",
        gift.check_in_id,
        given,
        coupon_id,
    )
    await growth.credit(
        gift.member_id, gift.growth, reason=EntryReason.CHECK_IN, source=gift.source, at=gift.now
    )
    return given, coupon_id


async def _give_coupon(
    member_id: UUID, offer: CouponOffer | None, check_in_id: UUID, now: datetime
) -> UUID | None:
    """Give the coupon that a day of the cycle brings, if it brings one; returns its id."""
    if offer is None:
        return None
    given = Issue(
        member_id=member_id,
        terms_id=await coupon_terms.terms_id_of(terms_of_offer(offer), now=now),
        valid_from=now,
        valid_until=valid_days_end(now, offer.valid_days),
        origin=CouponOrigin.CHECK_IN,
        origin_id=check_in_id,
    )
    [coupon_id] = await coupons.issue([given], now=now)
    return coupon_id


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpCheckIn:
    """A wish to make up for a missed day."""

    member_id: UUID
    day: date
    idempotency_key: str


async def make_up(command: MakeUpCheckIn, *, now: datetime) -> CheckedIn:
    """Make up for a missed day: it costs points and restores the streak, which is answered.

    Rewards of days already checked in stay what they were; only the next one's changes.

    Raises:
        MakeUpNotAllowed, MakeUpLimitReached: the day or the month says no.
        InsufficientBalance: there are not enough points.
        AccountBlocked, ConsentRequired, IdempotencyKeyReused, InvalidInput
    """
    return await database.retrying(lambda: _make_up(command, now))


async def _make_up(command: MakeUpCheckIn, now: datetime) -> CheckedIn:
    async with database.in_transaction():
        claim = await idempotency.claim(
            command.member_id,
            "makeUpCheckIn",
            command.idempotency_key,
            {"day": command.day},
            result_id=new_id(),
            now=now,
        )
        if claim.is_new:
            await _fill_gap(command, claim.result_id, now)
        return await _shown(claim.result_id, is_new=claim.is_new, now=now)


async def _fill_gap(command: MakeUpCheckIn, check_in_id: UUID, now: datetime) -> None:
    """Write the missed day and join the runs on both sides of it."""
    member_id, day, today = command.member_id, command.day, business_day(now)
    rules = (await rule_versions.in_force(now=now)).rules.check_in
    member = await database.fetch_one(_LOCK_MEMBER, member_id, now)
    _require_member(member)
    assert member is not None
    # A statement of its own after the lock: it sees what rivals have written.
    facts = await database.fetch_one(_AROUND, member_id, day, month_of(today))
    assert facts is not None
    check_make_up(
        day,
        MakeUpWindow.of(today, business_day(member["joined_at"]), rules),
        is_checked=facts["is_checked"],
        used=facts["used"],
        rules=rules,
    )
    run_start = run_start_of(day, facts["run_before"])
    cycle_day = reward_of(streak_of(day, run_start), rules).cycle_day
    await points.spend(
        member_id,
        rules.make_up_cost_points,
        reason=EntryReason.CHECK_IN_MAKE_UP,
        source=(SourceKind.CHECK_IN, check_in_id),
        now=now,
    )
    await database.execute(
        _INSERT_MADE_UP,
        check_in_id,
        member_id,
        day,
        run_start,
        cycle_day,
        month_of(today),
        facts["used"] + 1,
        now,
        day + ONE_DAY,
    )


_LOCK_MEMBER = f"""
SELECT status, joined_at, {member_columns(["has_joined"])}
FROM member WHERE id = $1 FOR NO KEY UPDATE OF member
"""

# The highest seat, not their number: what a merge brought along counts, whichever seats it has.
# The day may be any that the client wrote: PostgreSQL knows the day before the year 1, Python not.
_AROUND = """
SELECT EXISTS (
           SELECT FROM check_in WHERE member_id = $1 AND day = $2 AND NOT merged
       ) AS is_checked,
       (SELECT run_start FROM check_in
        WHERE member_id = $1 AND day = $2 - 1 AND NOT merged) AS run_before,
       (SELECT coalesce(max(make_up_seat), 0) FROM check_in
        WHERE member_id = $1 AND act_month = $3) AS used
"""

# The run that began on the day after goes on from where this one began.
_INSERT_MADE_UP = """
WITH joined AS (
    UPDATE check_in SET run_start = $4
    WHERE member_id = $2 AND day >= $9 AND run_start = $9 AND NOT merged
)
INSERT INTO check_in (id, member_id, day, run_start, cycle_day, points, growth, made_up, act_month,
                      make_up_seat, merged, created_at)
VALUES ($1, $2, $3, $4, $5, 0, 0, true, $6, $7, false, $8)
"""


async def _shown(check_in_id: UUID, *, is_new: bool, now: datetime) -> CheckedIn:
    """Return a made-up day, with the streak as it stands today."""
    row = await database.fetch_one(
        """
        SELECT made.id, made.day, made.points, made.coupon_id, made.made_up,
               last.day AS last_day, last.run_start AS last_run_start
        FROM check_in AS made
        CROSS JOIN LATERAL (
            SELECT day, run_start FROM check_in
            WHERE check_in.member_id = made.member_id AND NOT merged ORDER BY day DESC LIMIT 1
        ) AS last
        WHERE made.id = $1
        """,
        check_in_id,
    )
    assert row is not None
    return CheckedIn(
        id=row["id"],
        day=row["day"],
        streak=streak_today(row["last_day"], row["last_run_start"], business_day(now)),
        points=row["points"],
        coupon_id=row["coupon_id"],
        made_up=row["made_up"],
        is_new=is_new,
    )


@dataclass(frozen=True, slots=True)
class Recent:
    """The days checked in within the make-up window, and the make-ups used this month."""

    days: frozenset[date]
    used: int


async def recent(member_id: UUID, *, now: datetime, rules: CheckInRules) -> Recent:
    """Return what decides which days a member may make up for."""
    today = business_day(now)
    row = await database.fetch_one(
        """
        SELECT ARRAY(SELECT day FROM check_in
                     WHERE member_id = $1 AND NOT merged AND day >= $2) AS days,
               (SELECT coalesce(max(make_up_seat), 0) FROM check_in
                WHERE member_id = $1 AND act_month = $3) AS used
        """,
        member_id,
        today - rules.make_up_days * ONE_DAY,
        month_of(today),
    )
    assert row is not None
    return Recent(frozenset(row["days"]), row["used"])


async def days_between(member_id: UUID, first: date, last: date) -> list[asyncpg.Record]:
    """Return the member's check-ins of these days, the first one first."""
    return await database.fetch(
        """
        SELECT day, run_start, points, made_up, coupon_id FROM check_in
        WHERE member_id = $1 AND NOT merged AND day BETWEEN $2 AND $3 ORDER BY day
        """,
        member_id,
        first,
        last,
    )
