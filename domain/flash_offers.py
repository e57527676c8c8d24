"""What a flash sale's item says to who looks at it: whether it can be claimed now, and why not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from domain.campaigns import (
    CampaignCancelled,
    CampaignEnded,
    CampaignLimitReached,
    CampaignNotStarted,
    CampaignSoldOut,
    CampaignStatus,
    TierTooLow,
    campaign_status,
)
from domain.carts import SkuNotForSale
from domain.errors import AccountBlocked, Busy, DomainError
from domain.flash_sales import FlashSaleState, opens_at
from domain.rules import Rules

PAUSED_SECONDS = 10
"""After this long somebody may look again whether a paused sale goes on."""

_LIVE = frozenset({FlashSaleState.PUBLISHED, FlashSaleState.PAUSED})


def sale_status(
    state: FlashSaleState, starts_at: datetime, ends_at: datetime, now: datetime
) -> CampaignStatus:
    """Return where a sale stands; one that was called off is over, a paused one goes on."""
    if state not in _LIVE:
        return CampaignStatus.ENDED
    return campaign_status(starts_at, ends_at, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An item of a sale at an instant."""

    product: str
    state: FlashSaleState
    starts_at: datetime
    ends_at: datetime
    per_member_limit: int
    min_tier_code: str | None
    is_for_sale: bool
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """Who looks at an item; `claimed` are the pieces of it that they have."""

    is_active: bool
    tier_code: str
    claimed: int


def judge(
    offer: Offer, onlooker: Onlooker | None, rules: Rules, *, now: datetime
) -> DomainError | None:
    """Return why they can't claim a piece now; None when they can.

    In the order in which a claim is judged (`domain/flash_gate.py`). Of who isn't signed in, only
    what holds for everybody is told.
    """
    if onlooker is not None and not onlooker.is_active:
        return AccountBlocked()
    over = _over(offer, now)
    if over is not None:
        return over
    starts_at = offer.starts_at
    if onlooker is not None:
        tier = rules.tier(onlooker.tier_code)
        starts_at = opens_at(starts_at, tier)
        least = rules.tier(offer.min_tier_code) if offer.min_tier_code else tier
        if tier.level < least.level:
            return TierTooLow(tier=least.name, tier_en=least.name_en)
    if now < starts_at:
        wait_seconds = math.ceil((starts_at - now).total_seconds())
        return CampaignNotStarted(retry_after_seconds=wait_seconds)
    if onlooker is not None and onlooker.claimed >= offer.per_member_limit:
        return CampaignLimitReached(limit=offer.per_member_limit)
    if not offer.is_for_sale:
        return SkuNotForSale(product=offer.product)
    return CampaignSoldOut() if offer.remaining <= 0 else None


def _over(offer: Offer, now: datetime) -> DomainError | None:
    """Return why nobody can claim any more, or not at the moment."""
    if offer.state is FlashSaleState.CANCELLED:
        return CampaignCancelled()
    if sale_status(offer.state, offer.starts_at, offer.ends_at, now) is CampaignStatus.ENDED:
        return CampaignEnded()
    if offer.state is FlashSaleState.PAUSED:
        return Busy(retry_after_seconds=PAUSED_SECONDS)
    return None
