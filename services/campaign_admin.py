"""Writing coupon templates and campaigns: for operators, the demo's seed and imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.coupons import (
    Audience,
    CampaignInvalid,
    CampaignKind,
    Terms,
    Validity,
    terms_problems,
    validity_problems,
)
from domain.errors import NotFound
from domain.pricing import ScopeKind
from models import database
from models.ids import new_id
from services import coupon_terms
from services import rules as rule_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidEvent:
    """A paid order that brings a coupon: so many fen paid, pieces of a category, or both."""

    min_paid_fen: int | None = None
    category_id: UUID | None = None
    pieces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign to be. Without `quantity` there is no end of coupons.

    `series` names campaigns that belong together; `source` and `source_id` name this one in the
    system it comes from, where it is made once.
    """

    template_id: UUID
    kind: CampaignKind
    name: str
    claim_from: datetime
    claim_until: datetime
    quantity: int | None = None
    per_member_limit: int = 1
    points_price: int = 0
    min_tier_code: str | None = None
    audience: Audience = Audience.EVERYBODY
    event: PaidEvent | None = None
    series: str | None = None
    source: str | None = None
    source_id: str | None = None


async def put_template(code: str, terms: Terms, validity: Validity, *, now: datetime) -> UUID:
    """Make the template of that code, or change it; returns its id.

    Coupons that were given keep the terms they were given with.

    Raises:
        CampaignInvalid: with everything that can't hold.
    """
    problems = [*terms_problems(terms), *validity_problems(validity)]
    if problems:
        raise CampaignInvalid(problems)
    async with database.in_transaction():
        terms_id = await coupon_terms.terms_id_of(await titled(terms), now=now)
        template_id: UUID = await database.fetch_value(
            """
            INSERT INTO coupon_template
                (id, code, terms_id, valid_days, valid_from, valid_until, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (code) DO UPDATE
            SET terms_id = excluded.terms_id, valid_days = excluded.valid_days,
                valid_from = excluded.valid_from, valid_until = excluded.valid_until,
                updated_at = excluded.updated_at
            RETURNING id
            """,
            new_id(),
            code,
            terms_id,
            validity.days,
            validity.valid_from,
            validity.valid_until,
            now,
        )
        return template_id


async def titled(terms: Terms) -> Terms:
    """Name the goods by their categories, or products, unless the brand has words for them.

    Raises:
        CampaignInvalid: the goods, or the gift, aren't there.
    """
    if terms.gift_sku_id is not None and not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM sku WHERE id = $1)", terms.gift_sku_id
    ):
        raise CampaignInvalid(["gift_sku: there is no such SKU"])
    if terms.scope_title or terms.scope.kind is ScopeKind.ALL:
        return terms
    table = "category" if terms.scope.kind is ScopeKind.CATEGORIES else "product"
    rows = await database.fetch(
        f"SELECT name FROM {table} WHERE id = ANY($1) ORDER BY position, id",
        list(terms.scope.ids),
    )
    if len(rows) != len(terms.scope.ids):
        raise CampaignInvalid([f"scope: not every {table} is there"])
    names = [row["name"] for row in rows]
    more = "…" if len(names) > _NAMES_SHOWN else ""
    return replace(terms, scope_title="、".join(names[:_NAMES_SHOWN])[:_TITLE_LENGTH] + more)


_NAMES_SHOWN = 5
_TITLE_LENGTH = 250


async def create(campaign: NewCampaign, *, now: datetime) -> UUID:
    """Make a campaign; returns its id. One whose source has made it before stays as it is.

    Raises:
        CampaignInvalid: with everything that can't hold.
        NotFound: there is no such template.
    """
    template = await database.fetch_one(
        "SELECT valid_until FROM coupon_template WHERE id = $1", campaign.template_id
    )
    if template is None:
        raise NotFound(thing="template")
    problems = [*_problems(campaign, template["valid_until"]), *await _unknown(campaign, now)]
    if problems:
        raise CampaignInvalid(problems)
    event = campaign.event or PaidEvent()
    campaign_id: UUID | None = await database.fetch_value(
        _CREATE,
        new_id(),
        campaign.template_id,
        campaign.kind,
        campaign.name,
        campaign.claim_from,
        campaign.claim_until,
        campaign.quantity,
        campaign.per_member_limit,
        campaign.points_price,
        campaign.min_tier_code,
        campaign.audience,
        event.min_paid_fen,
        event.category_id,
        event.pieces,
        campaign.series,
        campaign.source,
        campaign.source_id,
        now,
    )
    if campaign_id is not None:
        return campaign_id
    made_before: UUID = await database.fetch_value(
        "SELECT id FROM coupon_campaign WHERE source = $1 AND source_id = $2",
        campaign.source,
        campaign.source_id,
    )
    return made_before


_CREATE = """
INSERT INTO coupon_campaign (
    id, template_id, kind, name, claim_from, claim_until, quantity, claimed, per_member_limit,
    points_price, min_tier_code, audience, event_min_paid_fen, event_category_id, event_pieces,
    series, status, source, source_id, created_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15, 'PUBLISHED', $16,
          $17, $18)
ON CONFLICT (source, source_id) DO NOTHING RETURNING id
"""


def _problems(campaign: NewCampaign, valid_until: datetime | None) -> list[str]:
    event = campaign.event
    checks = (
        (campaign.claim_from < campaign.claim_until, "claim_until: after claim_from"),
        (
            valid_until is None or campaign.claim_until <= valid_until,
            "claim_until: not after the template's valid_until",
        ),
        (campaign.quantity is None or campaign.quantity >= 0, "quantity: 0 or more"),
        (1 <= campaign.per_member_limit <= 100, "per_member_limit: from 1 to 100"),
        (
            campaign.points_price == 0
            or (campaign.points_price > 0 and campaign.kind is CampaignKind.CLAIM),
            "points_price: 0 or more, and only where members claim",
        ),
        ((campaign.kind is CampaignKind.EVENT) == (event is not None), "event: for EVENT alone"),
        (event is None or _is_possible(event), "event: fen paid, or pieces of a category"),
    )
    return [problem for holds, problem in checks if not holds]


async def _unknown(campaign: NewCampaign, now: datetime) -> list[str]:
    """Return what a campaign names that isn't there."""
    problems = []
    rules = (await rule_versions.in_force(now=now)).rules
    if campaign.min_tier_code not in (None, *(tier.code for tier in rules.tiers)):
        problems.append("min_tier_code: no tier has it")
    category_id = campaign.event.category_id if campaign.event else None
    if category_id is not None and not await database.fetch_value(
        "SELECT EXISTS (SELECT FROM category WHERE id = $1)", category_id
    ):
        problems.append("event: there is no such category")
    return problems


def _is_possible(event: PaidEvent) -> bool:
    amounts = (event.min_paid_fen, event.pieces)
    return (
        any(amount is not None for amount in amounts)
        and all(amount is None or amount >= 1 for amount in amounts)
        and (event.category_id is None) == (event.pieces is None)
    )


async def list_members(campaign_id: UUID, member_ids: Sequence[UUID]) -> int:
    """Name members of a campaign for LISTED ones; returns how many were named anew."""
    return await database.execute(
        """
        INSERT INTO campaign_member (id, campaign_id, member_id)
        SELECT line.id, $2, line.member_id
        FROM unnest($1::uuid[], $3::uuid[]) AS line (id, member_id)
        ON CONFLICT (campaign_id, member_id) DO NOTHING
        """,
        [new_id() for _ in member_ids],
        campaign_id,
        list(member_ids),
    )


async def members_by_number(numbers: Sequence[str]) -> list[UUID]:
    """Return the ids of the members that have these numbers; a number that nobody has is none's."""
    rows = await database.fetch(
        """
        SELECT member.id FROM unnest($1::text[]) WITH ORDINALITY AS wanted (member_no, place)
        JOIN member ON member.member_no = wanted.member_no ORDER BY wanted.place
        """,
        list(numbers),
    )
    return [row["id"] for row in rows]


async def withdraw(campaign_id: UUID) -> bool:
    """Have a campaign give no more coupons; those that were given stay. False if it did before."""
    changed = await database.execute(
        "UPDATE coupon_campaign SET status = 'WITHDRAWN' WHERE id = $1 AND status = 'PUBLISHED'",
        campaign_id,
    )
    return changed == 1
