"""Who may have a campaign's coupon: one judgement, for the claim and for what the centre shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.campaigns import (
    CampaignEnded,
    CampaignNotStarted,
    CampaignStatus,
    TierTooLow,
    campaign_status,
)
from domain.coupons import Audience, CampaignState
from domain.errors import ConsentRequired, DomainError, ErrorCode, InsufficientPoints
from domain.rules import Rules


class CouponSoldOut(DomainError):
    """All coupons of the campaign were given."""

    code = ErrorCode.COUPON_SOLD_OUT
    message = "All of these coupons have been claimed."


class CouponLimitReached(DomainError):
    """The member has had as many of these as each may have."""

    code = ErrorCode.COUPON_LIMIT_REACHED
    message = "Each member can have {limit} of these."


class CouponNotClaimable(DomainError):
    """The campaign was withdrawn, or isn't meant for this member."""

    code = ErrorCode.COUPON_NOT_CLAIMABLE
    message = "This coupon can't be claimed by you."


class CouponCodeInvalid(DomainError):
    """No such code, or it was used: a guess learns nothing."""

    code = ErrorCode.COUPON_CODE_INVALID
    message = "This code is not valid or has been used."


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFacts:
    """What there is to know of a campaign, whoever looks."""

    state: CampaignState
    claim_from: datetime
    claim_until: datetime
    is_left: bool
    per_member_limit: int
    points_price: int
    min_tier_code: str | None
    audience: Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who would like a coupon. `claimed` counts those of this campaign, `is_listed` is of it."""

    has_joined: bool
    tier_code: str
    is_newcomer: bool
    points: int
    claimed: int
    is_listed: bool


def judge(
    campaign: CampaignFacts, claimant: Claimant | None, rules: Rules, *, now: datetime
) -> DomainError | None:
    """Return why the coupon can't be claimed now, the first reason of all; None when it can.

    Of a viewer who isn't known, only what holds for everybody is told.
    """
    if claimant is not None and not claimant.has_joined:
        return ConsentRequired()
    return _refusal_to_all(campaign, now) or (
        None if claimant is None else _refusal_to(campaign, claimant, rules)
    )


def _refusal_to_all(campaign: CampaignFacts, now: datetime) -> DomainError | None:
    if campaign.state is not CampaignState.PUBLISHED:
        return CouponNotClaimable()
    status = campaign_status(campaign.claim_from, campaign.claim_until, now)
    if status is CampaignStatus.UPCOMING:
        return CampaignNotStarted()
    if status is CampaignStatus.ENDED:
        return CampaignEnded()
    return None if campaign.is_left else CouponSoldOut()


def _refusal_to(campaign: CampaignFacts, claimant: Claimant, rules: Rules) -> DomainError | None:
    if not is_for(campaign.audience, claimant):
        return CouponNotClaimable()
    if campaign.min_tier_code is not None:
        least = rules.tier(campaign.min_tier_code)
        if rules.tier(claimant.tier_code).level < least.level:
            return TierTooLow(tier=least.name, tier_en=least.name_en)
    if claimant.claimed >= campaign.per_member_limit:
        return CouponLimitReached(limit=campaign.per_member_limit)
    if claimant.points < campaign.points_price:
        return InsufficientPoints()
    return None


def is_for(audience: Audience, claimant: Claimant) -> bool:
    """Tell whether somebody belongs to those a campaign is for."""
    if audience is Audience.LISTED:
        return claimant.is_listed
    return audience is not Audience.NEWCOMERS or claimant.is_newcomer
