"""Tiers, their terms and the growth behind them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS: tuple[Check, ...] = ()
