"""checkIn and makeUpCheckIn."""

from __future__ import annotations

import strawberry


@strawberry.type
class CheckinMutation:
    pass
