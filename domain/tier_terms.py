"""How a tier is reached, kept and lost (rules, section 2): pure arithmetic on one member's growth.

A term is the time for which a tier holds. Its growth is what was credited after the term began, in
the order of the book: the credit that reached a tier belongs to the term before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.clock import months_expiry
from domain.rules import Rules, TierRules


class TermCause(StrEnum):
    """Why a term began."""

    UPGRADE = "UPGRADE"
    KEPT = "KEPT"
    DOWN = "DOWN"
    REFUND = "REFUND"
    MERGE = "MERGE"
    RULES = "RULES"


@dataclass(frozen=True, slots=True)
class Term:
    """A tier, since when it holds, and when it is reviewed (never at level 0).

    `since_seq` is the member's last growth entry before the term.
    """

    tier_code: str
    since: datetime
    review_at: datetime | None
    since_seq: int


@dataclass(frozen=True, slots=True)
class PastTerm:
    """A term that once began, and what its tier asked for by the rules of that time."""

    term: Term
    threshold: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a review comes to."""

    tier: TierRules
    is_kept: bool
    growth: int


def term_of(tier: TierRules, *, since: datetime, since_seq: int, rules: Rules) -> Term:
    """Return the term that begins when the tier is reached, kept or fallen to."""
    review_at = months_expiry(since, rules.tier_terms.months) if tier.level else None
    return Term(tier.code, since, review_at, since_seq)


def reached(growth: int, rules: Rules) -> TierRules:
    """Return the highest tier that so much growth reaches."""
    return next(tier for tier in reversed(rules.tiers) if tier.growth_threshold <= growth)


def passed_levels(old: TierRules, new: TierRules, rules: Rules) -> list[TierRules]:
    """Return the tiers above the old one up to the new one, lowest first."""
    return [tier for tier in rules.tiers if old.level < tier.level <= new.level]


def review(
    tier: TierRules, *, growth: int, period_growth: int, rules: Rules, later_growth: int = 0
) -> Outcome:
    """Judge a term that ends: the growth earned in it keeps the tier, or it goes one level down.

    Going down lowers growth to what the lower tier asks for, or to what the term earned if that is
    more. It is less than the lost tier asks for, so the tier doesn't come back by itself. What came
    after the term, when its review is late, is added.
    """
    if period_growth >= tier.growth_threshold or tier.level == 0:
        return Outcome(tier, is_kept=True, growth=growth)
    lower = rules.tiers[tier.level - 1]
    left = max(lower.growth_threshold, period_growth) + later_growth
    return Outcome(lower, is_kept=False, growth=min(growth, max(left, 0)))


def to_keep(tier: TierRules, period_growth: int) -> int:
    """Return the growth that a term still has to earn for its tier to be kept."""
    return max(tier.growth_threshold - period_growth, 0)


def standing_terms(terms: Sequence[PastTerm], rules: Rules) -> list[PastTerm]:
    """Return those of a history of terms that still stand, oldest and lowest first.

    A higher one ends when the member falls below it; who falls back is in the term that had begun
    before.
    """
    standing: list[PastTerm] = []
    for past in terms:
        level = _level(past, rules)
        while standing and _level(standing[-1], rules) > level:
            standing.pop()
        if not standing or _level(standing[-1], rules) < level:
            standing.append(past)
    return standing


def after_refund(
    current: TierRules, floor: TierRules, *, growth: int, terms: Sequence[PastTerm], rules: Rules
) -> TierRules:
    """Return the tier that is left with so much growth, after some was taken back.

    `floor` is what the last review left, `terms` are those since then that stand. It is what the
    tier would be had the growth never come: a tier stays, too, whose threshold at its time is still
    met, for a change of rules lets nobody fall before their review.
    """
    met = [rules.tier(past.term.tier_code) for past in terms if past.threshold <= growth]
    best = max([floor, reached(growth, rules), *met], key=lambda tier: tier.level)
    return min(best, current, key=lambda tier: tier.level)


def fallen_to(tier: TierRules, terms: Sequence[PastTerm], rules: Rules) -> Term:
    """Return the term in which a member who falls back to `tier` finds themselves.

    Of the terms that stand, it is the one that began when that tier, or a higher one, was reached.
    """
    found = next((past for past in terms if _level(past, rules) >= tier.level), terms[-1]).term
    return replace(found, tier_code=tier.code, review_at=found.review_at if tier.level else None)


def _level(past: PastTerm, rules: Rules) -> int:
    return rules.tier(past.term.tier_code).level
