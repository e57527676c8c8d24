"""Benefits that are granted, each with a record, once in its window (docs/rules.md, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.benefits import Benefit, DueBenefit, due
from domain.clock import months_expiry
from domain.coupons import CouponOrigin, terms_of_offer
from domain.ledger import EntryReason, SourceKind
from domain.members import MemberStatus
from domain.rules import TierRules
from models import database
from models.ids import new_id
from models.member_rows import MemberRow, members_by_id
from services import coupon_terms, coupons, points
from services import rules as rule_versions
from services.coupons import Issue
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
    rules = {upgrade.member_id: upgrade.rules.rules.points for upgrade in upgrades}
    return await points.grant_many(
        [
            Grant(
                row["member_id"],
                row["points"],
                EntryReason.TIER_GIFT,
                (SourceKind.TIER_GIFT, row["id"]),
                expires_at=months_expiry(
                    row["created_at"], rules[row["member_id"]].lifetime_months
                ),
                at=row["created_at"],
            )
            for row in rows
        ],
        at=upgrades[-1].at,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """How many benefits somebody was given; visitors get none, and may join at any moment."""

    pieces: int
    is_member: bool


async def issue_due(member_id: UUID, *, now: datetime) -> int:
    """Give what is due to a member who was seen; returns how many benefits are new.

    Birthday, monthly and member-day benefits are given once in their window, by constraint, with
    their coupon or points in the same transaction.
    """
    return (await give_due(member_id, now=now)).pieces


async def give_due(member_id: UUID, *, now: datetime) -> Given:
    """Do as `issue_due`, and tell whether it was for a member."""
    member = (await members_by_id([member_id], now=now)).get(member_id)
    if member is None or not member.has_joined or member.status is not MemberStatus.ACTIVE:
        return Given(0, is_member=False)
    in_force = await rule_versions.in_force(now=now)
    wanted = due(in_force.rules, tier_code=member.tier_code, birthday=member.birthday, now=now)
    if not wanted:
        return Given(0, is_member=True)

    async def once() -> int:
        async with database.in_transaction():
            return await _give(member, wanted, in_force, now)

    return Given(await database.retrying(once), is_member=True)


async def _give(
    member: MemberRow, wanted: Sequence[DueBenefit], in_force: RulesInForce, now: datetime
) -> int:
    """Record the benefits, and give what is behind those that were not recorded before."""
    rows = await database.fetch(
        """
        INSERT INTO benefit_grant (id, member_id, benefit, period, tier_code, points,
                                   rule_version_id, merged, created_at)
        SELECT given.id, $2, benefit, period, $3, points, $4, false, $5
        FROM unnest($1::uuid[], $6::text[], $7::text[], $8::bigint[])
            AS given (id, benefit, period, points)
        ON CONFLICT (member_id, benefit, period) WHERE NOT merged DO NOTHING
        RETURNING id, benefit, period
        """,
        [new_id() for _ in wanted],
        member.id,
        member.tier_code,
        in_force.version_id,
        now,
        [each.benefit for each in wanted],
        [each.period for each in wanted],
        [each.points for each in wanted],
    )
    by_window = {(each.benefit, each.period): each for each in wanted}
    new = [(row["id"], by_window[Benefit(row["benefit"]), row["period"]]) for row in rows]
    await coupons.issue(
        [
            Issue(
                member_id=member.id,
                terms_id=await coupon_terms.terms_id_of(terms_of_offer(given.offer), now=now),
                valid_from=now,
                valid_until=given.valid_until,
                origin=CouponOrigin.BENEFIT,
                origin_id=grant_id,
            )
            for grant_id, given in new
            if given.offer is not None and given.valid_until is not None
        ],
        now=now,
    )
    for grant_id, given in new:
        source = (SourceKind.BENEFIT, grant_id)
        await points.grant(
            member.id, given.points, reason=EntryReason.BIRTHDAY, source=source, now=now
        )
    return len(new)
