"""Where a campaign stands, and what all kinds of them refuse: one word for each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.errors import DomainError, ErrorCode


class CampaignStatus(StrEnum):
    """Where a campaign stands at an instant."""

    UPCOMING = "UPCOMING"
    RUNNING = "RUNNING"
    ENDED = "ENDED"


def campaign_status(starts_at: datetime, ends_at: datetime, now: datetime) -> CampaignStatus:
    """Return where a campaign of that window stands; it has ended at `ends_at` itself."""
    if now < starts_at:
        return CampaignStatus.UPCOMING
    return CampaignStatus.RUNNING if now < ends_at else CampaignStatus.ENDED


class CampaignNotStarted(DomainError):
    """Its window has not opened yet."""

    code = ErrorCode.CAMPAIGN_NOT_STARTED
    message = "This has not started yet."


class CampaignEnded(DomainError):
    """Its window has closed."""

    code = ErrorCode.CAMPAIGN_ENDED
    message = "This has ended."


class CampaignCancelled(CampaignEnded):
    """The brand has called it off."""

    message = "This has been called off."


class CampaignSoldOut(DomainError):
    """All of its pieces are taken; what comes back can be taken again."""

    code = ErrorCode.CAMPAIGN_SOLD_OUT
    message = "All pieces are taken."


class CampaignLimitReached(DomainError):
    """The member has had as many pieces of it as each may have."""

    code = ErrorCode.PURCHASE_LIMIT_REACHED
    message = "Each member may have {limit} of these."


class TierTooLow(DomainError):
    """It is for members of a higher tier."""

    code = ErrorCode.TIER_TOO_LOW
    message = "This is for members from {tier_en} on."
