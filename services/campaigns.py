"""Coupon campaigns as members see them: the coupon centre, and why something can't be claimed.

The centre holds what can be claimed now or within the next days, what runs first: a campaign that
ends sooner before one that ends later. One that names its members is for those alone to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.coupon_claims import CampaignFacts, Claimant, judge
from domain.coupons import Audience, CampaignState, Validity
from domain.errors import DomainError
from domain.rules import Rules
from models import database
from models.coupon_rows import CAMPAIGN_COLUMNS
from models.member_rows import member_columns
from services.coupon_scopes import scope_of
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

SHOWN_BEFORE = timedelta(days=7)
"""How long before its window opens a campaign is shown."""

CURSOR_KINDS = (bool, datetime, UUID)
_MAX_OF_PRODUCT = 1_000
"""Campaigns that are looked at for a product: more never run at once."""


async def centre(viewer_id: UUID | None, request: PageRequest, *, now: datetime) -> Page[Record]:
    """Return a page of the coupon centre, as the viewer may see it."""
    open_to = _open_to(viewer_id, now)
    here = Conditions(open_to)
    if request.after is not None:
        here.add(f"({_ORDER.format(now='$1')}) > ({{}}, {{}}, {{}})", *request.after)
    rows = await _read(here, viewer_id, request.limit)

    async def count() -> int:
        return int(
            await database.fetch_value(
                f"SELECT count(*) FROM coupon_campaign AS campaign WHERE {open_to.sql}",
                *open_to.values,
            )
        )

    return make_page(request, rows, _cursor_key(now), count)


async def centre_of_products(viewer_id: UUID | None, *, now: datetime) -> list[Record]:
    """Return all of the coupon centre, each campaign with its scope, for the pages of products."""
    return await _read(_open_to(viewer_id, now), viewer_id, _MAX_OF_PRODUCT)


def page_for_product(
    rows: Sequence[Record],
    product_id: UUID,
    categories: frozenset[UUID],
    request: PageRequest,
    *,
    now: datetime,
) -> Page[Record]:
    """Return a page of those campaigns whose coupons can be used for a product."""
    key = _cursor_key(now)
    covering = [row for row in rows if scope_of(row).covers_product(product_id, categories)]
    after = request.after
    left = [row for row in covering if after is None or key(row) > after]

    async def count() -> int:
        return len(covering)

    return make_page(request, left[: request.limit], key, count)


_LISTED = """EXISTS (SELECT FROM campaign_member AS listed
    WHERE listed.campaign_id = campaign.id AND listed.member_id = $2::uuid)"""
_ORDER = "campaign.claim_from > {now}, campaign.claim_until, campaign.id"


def _cursor_key(now: datetime) -> Any:
    return lambda row: (row["claim_from"] > now, row["claim_until"], row["id"])


def _open_to(viewer_id: UUID | None, now: datetime) -> Conditions:
    """Return what holds of each campaign in the centre; $1 is now, $2 the viewer."""
    found = Conditions(values=(now, viewer_id))
    found.parts.extend(
        (
            "campaign.status = 'PUBLISHED' AND campaign.kind = 'CLAIM'",
            "campaign.claim_until > $1",
            f"(campaign.audience <> 'LISTED' OR {_LISTED})",
        )
    )
    found.add("campaign.claim_from <= {}", now + SHOWN_BEFORE)
    return found


async def _read(here: Conditions, viewer_id: UUID | None, limit: int) -> list[Record]:
    of_viewer = _CLAIMED if viewer_id is not None else "0::bigint AS claimed_by_viewer"
    return await database.fetch(
        f"""
        SELECT {CAMPAIGN_COLUMNS}, terms.scope_kind, terms.scope_ids, {of_viewer}
        FROM coupon_campaign AS campaign
        JOIN coupon_template AS template ON template.id = campaign.template_id
        JOIN coupon_terms AS terms ON terms.id = template.terms_id
        WHERE {here.sql} ORDER BY {_ORDER.format(now="$1")} LIMIT {here.value(limit)}
        """,
        *here.values,
    )


_CLAIMED = """(SELECT count(*) FROM coupon
    WHERE coupon.campaign_id = campaign.id AND coupon.member_id = $2) AS claimed_by_viewer"""


async def campaign_for(campaign_id: UUID, viewer_id: UUID) -> Record | None:
    """Return a campaign with all that a member's claim is judged by; None if there is none."""
    return await database.fetch_one(
        f"""
        SELECT {CAMPAIGN_COLUMNS}, {_CLAIMED},
               {_LISTED} AS is_listed
        FROM coupon_campaign AS campaign
        JOIN coupon_template AS template ON template.id = campaign.template_id
        WHERE campaign.id = $1
        """,
        campaign_id,
        viewer_id,
    )


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a judgement needs to know of a member, whatever the campaign."""

    has_joined: bool
    tier_code: str
    is_newcomer: bool
    points: int

    def claimant(self, *, claimed: int, is_listed: bool) -> Claimant:
        """Return them as somebody who would like one campaign's coupon."""
        return Claimant(
            has_joined=self.has_joined,
            tier_code=self.tier_code,
            is_newcomer=self.is_newcomer,
            points=self.points,
            claimed=claimed,
            is_listed=is_listed,
        )


async def viewers_by_id(ids: Sequence[UUID], *, now: datetime) -> list[Viewer | None]:
    """Return what there is to know of members; None for who has no active account."""
    rows = await database.fetch(_VIEWER, ids, now)
    found = {row["id"]: Viewer(*row[1:]) for row in rows}
    return [found.get(id_) for id_ in ids]


IS_NEWCOMER = """NOT EXISTS (
    SELECT FROM sales_order WHERE sales_order.member_id = member.id
        AND sales_order.paid_at IS NOT NULL
) AND (member.newcomer_gifts_from IS NULL OR member.newcomer_gifts_from <= $2)"""
"""For a statement that calls the member `member` and whose $2 is now."""

_VIEWER = f"""
SELECT member.id, {member_columns(["has_joined"])}, member.tier_code, {IS_NEWCOMER} AS is_newcomer,
       (SELECT coalesce(sum(remaining), 0)::bigint FROM points_lot
        WHERE points_lot.member_id = member.id AND NOT is_pending AND written_off_at IS NULL
            AND remaining > 0 AND expires_at > $2) AS points
FROM member WHERE member.id = ANY($1) AND member.status = 'ACTIVE'
"""


def facts_of(row: Record) -> CampaignFacts:
    """Return what a judgement needs to know of a campaign."""
    return CampaignFacts(
        state=CampaignState(row["status"]),
        claim_from=row["claim_from"],
        claim_until=min(filter(None, (row["claim_until"], row["valid_until"]))),
        is_left=row["quantity"] is None or row["claimed"] < row["quantity"],
        per_member_limit=row["per_member_limit"],
        points_price=row["points_price"],
        min_tier_code=row["min_tier_code"],
        audience=Audience(row["audience"]),
    )


def validity_of(row: Record) -> Validity:
    """Return when coupons of a campaign can be used."""
    return Validity(row["valid_days"], row["valid_from"], row["valid_until"])


def problem_of(
    row: Record, viewer: Viewer | None, rules: Rules, *, now: datetime
) -> DomainError | None:
    """Return why the viewer can't claim a campaign of the centre; None when they can."""
    claimant = viewer.claimant(claimed=row["claimed_by_viewer"], is_listed=True) if viewer else None
    return judge(facts_of(row), claimant, rules, now=now)
