"""The tier of two members who became one (docs/rules.md, section 11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.clock import months_expiry
from domain.merging import Standing as MergedStanding
from domain.merging import merged_tier
from domain.rules import TierRules
from domain.tier_terms import Term, TermCause, passed_levels
from models import database
from services import benefits, tier_standings
from services import rules as rule_versions
from services.benefits import Upgrade
from services.rules import RulesInForce
from services.tier_standings import BegunTerm, Standing, growth_account


async def merge_tiers(survivor: Any, loser: Any, *, now: datetime) -> None:
    """Give the survivor the higher tier of the two, or the one that their growth together reaches.

    Both rows are locked, and hold `tier_standings.MEMBER_COLUMNS` as they were before; the growth
    has been moved. A tier that neither had comes with its gifts. What the other brought counts as
    earned now.
    """
    in_force = await rule_versions.in_force(now=now)
    rules = in_force.rules
    account = await database.fetch_one(
        "SELECT balance, seq FROM ledger_account WHERE id = $1", growth_account(survivor["id"])
    )
    assert account is not None, "every member has accounts"
    own = Standing.of(survivor, growth=account["balance"], growth_seq=account["seq"])
    other = Standing.of(loser, growth=0, growth_seq=0)
    merged = merged_tier(
        _plain(own.term),
        _plain(other.term),
        growth=own.growth,
        rules=rules,
        now=now,
        review_at=months_expiry(now, rules.tier_terms.months),
    )
    floor = max(rules.tier(own.floor_code), rules.tier(other.floor_code), key=_level)
    term = await _term(own, other, merged)
    if (term, floor.code) == (own.term, own.floor_code):
        return
    begun = BegunTerm(
        member_id=own.member_id,
        term=term,
        cause=TermCause.MERGE,
        tier=rules.tier(term.tier_code),
        floor_code=floor.code,
        growth=own.growth,
        rules=in_force,
        at=now,
    )
    await tier_standings.begin([begun])
    await _give_gifts(begun, own, other, in_force)


def _plain(term: Term) -> MergedStanding:
    return MergedStanding(term.tier_code, term.since, term.review_at)


def _level(tier: TierRules) -> int:
    return tier.level


async def _term(own: Standing, other: Standing, merged: MergedStanding) -> Term:
    if merged == _plain(own.term):
        return own.term
    if merged == _plain(other.term):
        return replace(other.term, since_seq=await _seq_before(own, other.term.since))
    return Term(merged.tier_code, merged.since, merged.review_at, own.growth_seq)


async def _seq_before(own: Standing, since: datetime) -> int:
    """Return the survivor's last growth entry before the other's term began."""
    first: int | None = await database.fetch_value(
        "SELECT min(seq) FROM ledger_entry WHERE account_id = $1 AND created_at >= $2",
        growth_account(own.member_id),
        since,
    )
    return own.growth_seq if first is None else first - 1


async def _give_gifts(
    begun: BegunTerm, own: Standing, other: Standing, in_force: RulesInForce
) -> None:
    """Give the gifts of levels that neither of the two had reached."""
    rules = in_force.rules
    had = max(rules.tier(own.term.tier_code), rules.tier(other.term.tier_code), key=_level)
    passed = passed_levels(had, begun.tier, rules)
    await benefits.give_upgrade_gifts([Upgrade(begun.member_id, passed, in_force, begun.at)])
