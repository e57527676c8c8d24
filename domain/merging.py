"""When two members are one person, and which of them stays (rules, section 11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Ties:
    """The WeChat identities of one member."""

    appids: frozenset[str] = frozenset()
    unionids: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, identities: Iterable[tuple[str, str | None]]) -> Ties:
        """Collect (appid, unionid) pairs."""
        pairs = list(identities)
        return cls(
            appids=frozenset(appid for appid, _ in pairs),
            unionids=frozenset(unionid for _, unionid in pairs if unionid is not None),
        )


def may_be_one(first: Ties, second: Ties) -> bool:
    """Tell whether two members may be one person.

    Two openids of one app, or two unionids, are two people: phone numbers are recycled.
    """
    return not first.appids & second.appids and len(first.unionids | second.unionids) <= 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A tier, since when it holds, and when it is next reviewed (never at level 0)."""

    tier_code: str
    since: datetime
    review_at: datetime | None


def merged_tier(
    survivor: Standing,
    loser: Standing,
    *,
    growth: int,
    rules: Rules,
    now: datetime,
    review_at: datetime,
) -> Standing:
    """Return the highest of what both had and what their growth together has reached.

    A tier that one of them had keeps its period; one that neither had begins now, and is reviewed
    at `review_at`.
    """
    own, other = rules.tier(survivor.tier_code), rules.tier(loser.tier_code)
    reached = max(
        (tier for tier in rules.tiers if tier.growth_threshold <= growth),
        key=lambda tier: tier.level,
    )
    if reached.level > max(own.level, other.level):
        return Standing(reached.code, now, review_at)
    return loser if other.level > own.level else survivor
