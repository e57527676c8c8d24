"""Orders and what was taken back of them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS: tuple[Check, ...] = ()
