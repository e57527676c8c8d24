"""What live updates are about: the things whose changes a member can follow."""

from __future__ import annotations

from enum import StrEnum


class NewsKind(StrEnum):
    """What has changed; with its id it says which."""

    ORDER = "ORDER"
    TEAM = "TEAM"
    TICKET = "TICKET"
