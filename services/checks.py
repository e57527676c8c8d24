"""What a check of the books is: each area brings its own (`services/<area>_checks.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, and the statement whose rows break it."""

    name: str
    rule: str
    sql: str
