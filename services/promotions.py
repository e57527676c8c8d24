"""Promotions that run now."""

from __future__ import annotations

from datetime import datetime

from domain.pricing import Promotion


async def running(*, now: datetime, tier_code: str | None) -> tuple[Promotion, ...]:
    """Return the promotions that run at this instant for a tier; None is who has no tier yet."""
    return ()
