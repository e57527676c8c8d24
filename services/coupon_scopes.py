"""The goods that coupons can be used for."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record

from domain.pricing import Scope, ScopeKind
from models import database


def scope_of(row: Record) -> Scope:
    """Return the scope of a row with its columns."""
    return Scope(ScopeKind(row["scope_kind"]), frozenset(map(UUID, row["scope_ids"])))


async def of_coupon(coupon_id: UUID, member_id: UUID) -> Scope | None:
    """Return the goods that a member's coupon can be used for; None for another's."""
    row = await database.fetch_one(
        """
        SELECT scope_kind, scope_ids
        FROM coupon JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
        WHERE coupon.id = $1 AND coupon.member_id = $2
        """,
        coupon_id,
        member_id,
    )
    return None if row is None else scope_of(row)


async def of_campaign(campaign_id: UUID) -> Scope | None:
    """Return the goods that a campaign's coupons can be used for; None if there is none."""
    row = await database.fetch_one(
        """
        SELECT scope_kind, scope_ids
        FROM coupon_campaign AS campaign
        JOIN coupon_template AS template ON template.id = campaign.template_id
        JOIN coupon_terms AS terms ON terms.id = template.terms_id
        WHERE campaign.id = $1
        """,
        campaign_id,
    )
    return None if row is None else scope_of(row)
