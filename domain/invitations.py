"""What an invitation brings, and to whom it brings nothing (rules, section 2)."""

from __future__ import annotations

from enum import StrEnum


class NotRewarded(StrEnum):
    """Why the inviter got nothing for an invited member's first order."""

    DAILY_CAP = "DAILY_CAP"
    SAME_PERSON = "SAME_PERSON"
    SAME_PHONE = "SAME_PHONE"
    CAME_BACK = "CAME_BACK"
    INVITER_GONE = "INVITER_GONE"
