"""claimCoupon and claimCouponCode."""

from __future__ import annotations

import strawberry


@strawberry.type
class CouponsMutation:
    pass
