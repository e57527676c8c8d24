"""Limits on the doors: how often one address may knock (rules, section 11)."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from domain.errors import RateLimited


class Door(StrEnum):
    """What an address may do only so often; the settings say how often."""

    SIGN_IN = "sign_in"
    SMS = "sms"
    REFRESH = "refresh"
    BIND_PHONE = "bind_phone"
    UPLOAD = "upload"
    """Knocked at by member, for a form is a member's."""
    COUPON_CODE = "coupon_code"
    """Knocked at by member: codes are the member's to guess, wherever they do it from."""
    CODE_IMAGE = "code_image"
    """Drawing a mini-program code; one that was drawn before is free."""


class RateLimits(Protocol):
    """Counts knocks. An address that is exempt, or a counter that is down, lets everybody in."""

    async def knock(self, door: str, address: str) -> int | None:
        """Count one knock; return the seconds to wait when there were too many, else None."""


async def pass_door(limits: RateLimits, door: Door, address: str) -> None:
    """Let a caller through, or refuse.

    Raises:
        RateLimited: with the seconds to wait.
    """
    wait_seconds = await limits.knock(door, address)
    if wait_seconds is not None:
        raise RateLimited(retry_after_seconds=wait_seconds)
