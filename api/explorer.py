"""The page behind GET /graphql, for people who want to try a query."""

from __future__ import annotations

from functools import cache
from pathlib import Path

PAGE = Path(__file__).with_name("pages") / "explorer.html"


@cache
def explorer_page() -> str:
    """Return the page; it brings everything with it and asks nobody else for anything."""
    return PAGE.read_text(encoding="utf-8")
