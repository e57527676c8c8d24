"""redeemReward and cancelRedemption."""

from __future__ import annotations

import strawberry


@strawberry.type
class RewardsMutation:
    pass
