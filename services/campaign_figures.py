"""What became of the coupons of each campaign, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import database


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """A campaign, and how many of its coupons were given and used."""

    id: UUID
    name: str
    kind: str
    status: str
    claim_from: datetime
    claim_until: datetime
    quantity: int | None
    given: int
    used: int


async def figures() -> list[CampaignFigures]:
    """Return all campaigns, newest first. It counts every coupon: not for pages of members."""
    rows = await database.fetch(
        """
        SELECT campaign.id, campaign.name, campaign.kind, campaign.status, campaign.claim_from,
               campaign.claim_until, campaign.quantity, count(coupon.id) AS given,
               count(coupon.id) FILTER (WHERE coupon.status = 'USED') AS used
        FROM coupon_campaign AS campaign LEFT JOIN coupon ON coupon.campaign_id = campaign.id
        GROUP BY campaign.id ORDER BY campaign.created_at DESC, campaign.id DESC
        """
    )
    return [CampaignFigures(**dict(row)) for row in rows]
