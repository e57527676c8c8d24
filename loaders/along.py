"""Lists that hang on a row and are read with it, in the same statement.

Each column of a list comes in an array: PostgreSQL and asyncpg take half the time that rows take
which hang on a row in any other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Row = Sequence[Any]
"""A row by places: a record, or a tuple put together from columns."""


class Along(Protocol):
    """What the text of a list's SQL depends on. It's part of a key: equal ones read the same."""

    @property
    def width(self) -> int:
        """How many columns it adds to the row."""

    def columns(self, title: str) -> str:
        """Return these columns; `title` is the list's own in its statement."""

    def joins(self, title: str, value: int) -> str:
        """Return what they come from; the list's values stand from $`value` on."""


def columns_of(names: Sequence[str], title: str) -> str:
    """Return the columns that `in_arrays` gives."""
    return ", ".join(f"{title}.{name}" for name in names)


def in_arrays(names: Sequence[str], rows: str, title: str) -> str:
    """Return a join of one row, with each column of these rows in an array; null for no rows."""
    arrays = ", ".join(f"array_agg({name}) AS {name}" for name in names)
    return f"CROSS JOIN LATERAL (SELECT {arrays} FROM ({rows}) AS row) AS {title} "


def rows_of_arrays(arrays: Row) -> list[Row]:
    """Return the rows whose columns came in arrays; no array at all for none."""
    return list(zip(*arrays, strict=True)) if arrays and arrays[0] else []
