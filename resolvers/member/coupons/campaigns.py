"""Coupons to claim: a campaign as the viewer sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import strawberry

from domain.campaigns import CampaignStatus, campaign_status
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from models.public_changes import PublicTag
from resolvers.common import enums as _enums  # noqa: F401 (names CampaignStatus in the schema)
from resolvers.common.context import Context
from resolvers.common.errors import UserError
from resolvers.common.public import KEPT_SECONDS, STOCK_SECONDS
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.coupons.types import CouponTerms
from resolvers.member.coupons.views import CampaignView
from resolvers.member.tiers.types import Tier
from services import campaigns, coupon_terms
from services.campaigns import viewers_by_id

_STATUS = public(PublicTag.CAMPAIGNS, seconds=KEPT_SECONDS)
_LEFT = public(PublicTag.CAMPAIGNS, seconds=STOCK_SECONDS)
_JUDGED = public(PublicTag.CAMPAIGNS, PublicTag.RULES, seconds=KEPT_SECONDS)


async def _rules_in_force(_campaigns: Sequence[CampaignView], info: BatchInfo) -> None:
    await viewpoint(info.context)


async def _viewer(shown: Sequence[CampaignView], info: BatchInfo) -> None:
    """Read the rules, and what there is to know of the viewer: once, however many campaigns."""
    context: Context = info.context
    await viewpoint(context)
    if context.member_id is None:
        return
    [viewer] = await context.loaders.read(viewers_by_id, [context.member_id], now=context.now)
    for each in shown:
        each.viewer = viewer


def _campaign_status(shown: CampaignView, context: Context) -> CampaignStatus:
    return campaign_status(shown.row["claim_from"], shown.row["claim_until"], context.now)


def _remaining(shown: CampaignView, _context: Context) -> int | None:
    quantity = shown.row["quantity"]
    return None if quantity is None else quantity - shown.row["claimed"]


def _min_tier(shown: CampaignView, context: Context) -> Tier | None:
    code = shown.row["min_tier_code"]
    return None if code is None else cast("Tier", view_of(context).rules.tier(code))


def _problem(shown: CampaignView, context: Context) -> UserError | None:
    refusal = campaigns.problem_of(shown.row, shown.viewer, view_of(context).rules, now=context.now)
    return None if refusal is None else UserError.of(refusal, context.language)


@strawberry.type(description="Coupons that can be claimed, or soon.")
class CouponCampaign:
    """Its source is a `CampaignView`."""

    id: strawberry.ID = item("id", of="row", convert=str, description="The campaign's id.")
    status: CampaignStatus = derived(
        _campaign_status, metadata=_STATUS, description="Where it stands."
    )
    starts_at: datetime = item(
        "claim_from", of="row", description="From when on coupons can be claimed."
    )
    ends_at: datetime = item("claim_until", of="row", description="Until when, exclusive.")
    quantity: int | None = item(
        "quantity", of="row", description="How many coupons there are in all; null: no end of them."
    )
    remaining: int | None = derived(
        _remaining, metadata=_LEFT, description="How many are left; null: no end of them."
    )
    per_member_limit: int = item(
        "per_member_limit", of="row", description="How many each member can have."
    )
    min_tier: Tier | None = derived(
        _min_tier,
        needs=_rules_in_force,
        metadata=_JUDGED,
        description="The lowest tier that can claim; null: every one.",
    )
    points_price: int = item("points_price", of="row", description="Points that one costs.")
    claimed_by_me: int = item(
        "claimed_by_viewer", of="row", description="How many the viewer has claimed."
    )
    problem: UserError | None = derived(
        _problem,
        needs=_viewer,
        metadata=_JUDGED,
        description="Why this member can't claim it now; null when they can.",
    )

    @batched(metadata=public(PublicTag.CAMPAIGNS), description="What its coupons promise.")
    @staticmethod
    async def terms(shown: Sequence[CampaignView], info: BatchInfo) -> list[CouponTerms]:
        del info
        found = await coupon_terms.terms_of({each.row["terms_id"] for each in shown})
        return [
            CouponTerms.of(found[each.row["terms_id"]], campaigns.validity_of(each.row))
            for each in shown
        ]
