"""Where a campaign stands: one word for coupons, flash sales and group buys alike."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


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
