"""Coupons, their campaigns and the orders that use them agree."""

from __future__ import annotations

from services.checks import Check

CHECKS: tuple[Check, ...] = ()
