"""The table of China's administrative divisions, read once from `data/regions.tsv`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from domain.regions import Regions

_TABLE = Path(__file__).with_name("data") / "regions.tsv"


@cache
def regions() -> Regions:
    """Return the divisions; the first call reads the file (some 4,000 lines)."""
    lines = _TABLE.read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return Regions.from_rows((row[0], row[1]) for row in rows)
