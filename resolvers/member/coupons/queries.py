"""couponCampaigns and memberCoupon."""

from __future__ import annotations

import strawberry


@strawberry.type
class CouponsQuery:
    pass
