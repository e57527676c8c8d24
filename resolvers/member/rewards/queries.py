"""rewards, reward and redemption."""

from __future__ import annotations

import strawberry


@strawberry.type
class RewardsQuery:
    pass
