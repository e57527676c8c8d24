"""Accounts that end, and what their owners take along (rules, section 11)."""

from __future__ import annotations

from enum import StrEnum


class ExportStatus(StrEnum):
    """How far a member's export is."""

    PREPARING = "PREPARING"
    READY = "READY"
    EXPIRED = "EXPIRED"
