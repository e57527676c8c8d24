"""Rewards, what is left of them and who redeemed them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS: tuple[Check, ...] = ()
