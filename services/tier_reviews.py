"""The review of a tier whose term has ended (docs/rules.md, section 2).

A review takes effect at the time for which it was due, by the rules of that time, however late it
comes. Growth never moves before a review that is due, so the two can't come in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.clock import business_day
from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    system_account,
)
from domain.messages import MessageEvent
from domain.rules import TierRules
from domain.tier_terms import TermCause, review, term_of, to_keep
from models import database
from models.tier_rows import term_growth
from services import ledger, messages, tier_standings
from services import rules as rule_versions
from services.ledger import BookEntry
from services.tier_standings import MEMBER_COLUMNS, BegunTerm, Standing, growth_account


async def review_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Review about `limit` tiers whose term has ended by then; returns how many, 0 when none is.

    One transaction: who is killed in the middle has written nothing, and the next run goes on.
    Members whose growth moves at this moment are left for the next batch; only when all of them
    are does it wait for one.
    """

    async def batch() -> int:
        async with database.in_transaction():
            rows = await database.fetch(_due("SKIP LOCKED"), as_of, limit)
            if not rows:
                rows = await database.fetch(_due(""), as_of, 1)
            standings = await _with_growth(rows)
            await review_overdue(standings, as_of=as_of)
            return len(standings)

    return await database.retrying(batch)


def _due(how: str) -> str:
    return f"""
        SELECT {MEMBER_COLUMNS} FROM member
        WHERE tier_review_at <= $1 AND status = 'ACTIVE'
        ORDER BY tier_review_at, id LIMIT $2 FOR NO KEY UPDATE {how}
    """


async def _with_growth(members: Sequence[Any]) -> list[Standing]:
    """Return the standings of rows with `MEMBER_COLUMNS`, which are locked."""
    rows = {row["id"]: row for row in members}
    found = await database.fetch(
        "SELECT member_id, balance, seq FROM ledger_account"
        " WHERE member_id = ANY($1) AND kind = 'GROWTH'",
        list(rows),
    )
    return [
        Standing.of(rows[each["member_id"]], growth=each["balance"], growth_seq=each["seq"])
        for each in found
    ]


async def review_members(member_ids: Sequence[UUID], *, as_of: datetime) -> None:
    """Review those of the locked members whose reviews are due: their growth is about to move."""
    rows = await database.fetch(
        f"SELECT {MEMBER_COLUMNS} FROM member WHERE id = ANY($1) AND tier_review_at <= $2",
        list(member_ids),
        as_of,
    )
    if rows:
        await review_overdue(await _with_growth(rows), as_of=as_of)


async def warn_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Write to about `limit` members whose review comes within the days that the rules say.

    Each hears once of a review, with the growth that is still needed. Returns how many.
    """
    rules = (await rule_versions.in_force(now=as_of)).rules
    until = as_of + timedelta(days=rules.tier_terms.warning_days)

    async def batch() -> int:
        async with database.in_transaction():
            rows = await database.fetch(_WARNING_DUE, until, limit, as_of)
            standings = await _with_growth(rows)
            earned = await _earned(standings)
            for standing in standings:
                tier = rules.tier(standing.term.tier_code)
                needed = to_keep(tier, earned[standing.member_id].in_term)
                await _warn(standing, tier, needed, now=as_of)
            await database.execute(
                "UPDATE member SET tier_warned_at = $2 WHERE id = ANY($1)",
                [standing.member_id for standing in standings],
                as_of,
            )
            return len(rows)

    return await database.retrying(batch)


_WARNING_DUE = f"""
    SELECT {MEMBER_COLUMNS} FROM member
    WHERE tier_review_at <= $1 AND tier_review_at > $3 AND tier_warned_at IS NULL
      AND status = 'ACTIVE'
    ORDER BY tier_review_at, id LIMIT $2 FOR NO KEY UPDATE
"""


async def _warn(standing: Standing, tier: TierRules, needed: int, *, now: datetime) -> None:
    review_at = standing.term.review_at
    assert review_at is not None, "only what is reviewed is due"
    await messages.tell(
        [standing.member_id],
        MessageEvent.TIER_REVIEW_DUE,
        source_id=uuid5(standing.member_id, review_at.isoformat()),
        facts={
            "tier": tier.name,
            "tier_en": tier.name_en,
            "growth": needed,
            "day": business_day(review_at).isoformat(),
        },
        now=now,
    )


async def review_overdue(standings: Sequence[Standing], *, as_of: datetime) -> None:
    """Review locked members whose reviews are due by then, and bring their standings up to date.

    After a year without any run there is more than one for each.
    """
    while due := [each for each in standings if _is_due(each, as_of)]:
        await _review(due)


def _is_due(standing: Standing, as_of: datetime) -> bool:
    review_at = standing.term.review_at
    return review_at is not None and review_at <= as_of


async def _review(standings: Sequence[Standing]) -> None:
    earned = await _earned(standings)
    begun = [await _judge(standing, earned[standing.member_id]) for standing in standings]
    await ledger.post_many(
        [
            _lowering(standing, term)
            for standing, term in zip(standings, begun, strict=True)
            if term.growth < standing.growth
        ]
    )
    for standing, term in zip(standings, begun, strict=True):
        standing.growth_seq += term.growth < standing.growth
        standing.growth = term.growth
        standing.floor_code = term.floor_code
        standing.term = term.term
    await tier_standings.begin(begun)


@dataclass(frozen=True, slots=True)
class _Earned:
    """What a term earned until its review was due, and what came from then on, if it is late."""

    in_term: int
    later: int
    later_seq: int | None


async def _earned(standings: Sequence[Standing]) -> dict[UUID, _Earned]:
    growth = term_growth("term.account_id", "term.since_seq", until="term.review_at")
    rows = await database.fetch(
        f"""
        SELECT term.member_id, earned.*
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[])
            AS term (member_id, account_id, since_seq, review_at)
        CROSS JOIN LATERAL ({growth}) AS earned
        """,
        [standing.member_id for standing in standings],
        [growth_account(standing.member_id) for standing in standings],
        [standing.term.since_seq for standing in standings],
        [standing.term.review_at for standing in standings],
    )
    return {
        row["member_id"]: _Earned(row["growth"], row["later_growth"], row["later_seq"])
        for row in rows
    }


async def _judge(standing: Standing, earned: _Earned) -> BegunTerm:
    due_at = standing.term.review_at
    assert due_at is not None, "only what is reviewed is due"
    in_force = await rule_versions.in_force(now=due_at)
    rules = in_force.rules
    outcome = review(
        rules.tier(standing.term.tier_code),
        growth=standing.growth,
        period_growth=earned.in_term,
        later_growth=earned.later,
        rules=rules,
    )
    seq = standing.growth_seq if earned.later_seq is None else earned.later_seq - 1
    return BegunTerm(
        member_id=standing.member_id,
        term=term_of(outcome.tier, since=due_at, since_seq=seq, rules=rules),
        cause=TermCause.KEPT if outcome.is_kept else TermCause.DOWN,
        tier=outcome.tier,
        floor_code=outcome.tier.code,
        growth=outcome.growth,
        rules=in_force,
        at=due_at,
        period_growth=earned.in_term,
        due_at=due_at,
    )


def _lowering(standing: Standing, after: BegunTerm) -> BookEntry:
    """Return the entry that takes what the lower tier doesn't leave."""
    posting = Posting(
        debit=growth_account(standing.member_id),
        credit=system_account(AccountKind.GROWTH_ISSUED),
        amount=standing.growth - after.growth,
    )
    source = (SourceKind.TIER_TERM, uuid5(standing.member_id, after.at.isoformat()))
    return BookEntry(Unit.GROWTH, EntryReason.TIER_REVIEW, source, (posting,), after.at)
