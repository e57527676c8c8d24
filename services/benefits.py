"""Benefits that are granted, each with a record, once in its window (docs/rules.md, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.benefits import Benefit
from domain.ledger import EntryReason, SourceKind
from domain.rules import TierRules
from models import database
from models.ids import new_id
from services import points
from services.points import Grant
from services.rules import RulesInForce


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Tiers that a member passed at once, lowest first, and the rules by which they did."""

    member_id: UUID
    passed: Sequence[TierRules]
    rules: RulesInForce
    at: datetime


async def give_upgrade_gifts(upgrades: Sequence[Upgrade]) -> int:
    """Give the gifts of tiers that were passed, each once in a life per rule version.

    Returns the points given.
    """
    gifts = [(upgrade, tier) for upgrade in upgrades for tier in upgrade.passed if tier.gift_points]
    if not gifts:
        return 0
    rows = await database.fetch(
        """
        INSERT INTO benefit_grant (id, member_id, benefit, period, tier_code, points,
                                   rule_version_id, merged, created_at)
        SELECT gift.id, member_id, $2, rule_version_id || ':' || tier_code, tier_code, points,
               rule_version_id, false, created_at
        FROM unnest($1::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::uuid[],
                    $7::timestamptz[])
            AS gift (id, member_id, tier_code, points, rule_version_id, created_at)
        ON CONFLICT (member_id, benefit, period) WHERE NOT merged DO NOTHING
        RETURNING id, member_id, points, created_at
        """,
        [new_id() for _ in gifts],
        Benefit.UPGRADE_GIFT,
        [upgrade.member_id for upgrade, _ in gifts],
        [tier.code for _, tier in gifts],
        [tier.gift_points for _, tier in gifts],
        [upgrade.rules.version_id for upgrade, _ in gifts],
        [upgrade.at for upgrade, _ in gifts],
    )
    by_instant: defaultdict[datetime, list[Grant]] = defaultdict(list)
    for row in rows:
        source = (SourceKind.TIER_GIFT, row["id"])
        by_instant[row["created_at"]].append(
            Grant(row["member_id"], row["points"], EntryReason.TIER_GIFT, source)
        )
    return sum([await points.grant_many(grants, at=at) for at, grants in by_instant.items()])
