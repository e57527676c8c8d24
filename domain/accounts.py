"""Accounts that end, and what their owners take along (rules, section 11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.clock import business_day, end_of_business_day
from domain.errors import DomainError, ErrorCode

EXPORT_LIFETIME = timedelta(days=7)
"""How long an export can be fetched."""

EXPORT_AGAIN_AFTER = timedelta(days=1)
"""Until then a second request is answered with the export that is there."""


class ExportStatus(StrEnum):
    """How far a member's export is."""

    PREPARING = "PREPARING"
    READY = "READY"
    EXPIRED = "EXPIRED"


class LeavingNotConfirmed(DomainError):
    """Nobody leaves by a slip of the finger."""

    code = ErrorCode.NOT_ALLOWED
    message = "Please confirm that you want to leave."

    def __init__(self) -> None:
        super().__init__(path=("confirm",))


class SomethingOpen(DomainError):
    """An order, a refund or a team of the member isn't finished."""

    code = ErrorCode.NOT_ALLOWED
    message = "An order or a refund of yours isn't finished yet."


def leaves_at(asked_at: datetime, days: int) -> datetime:
    """Return when who asks now has left: after so many whole days to change their mind."""
    return end_of_business_day(business_day(asked_at) + timedelta(days=days))


def shown_export_status(
    status: ExportStatus, expires_at: datetime | None, now: datetime
) -> ExportStatus:
    """Return where an export stands at this instant, whatever the job did."""
    if expires_at is not None and now >= expires_at:
        return ExportStatus.EXPIRED
    return status
