"""Putting a WHERE together: conditions with numbered parameters, never with values in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Conditions:
    """Conditions joined by AND, and the values of their parameters in order.

    Start from another one to extend it, or from its `values` alone to go on counting.
    """

    def __init__(self, start: Conditions | None = None, *, values: Sequence[Any] = ()) -> None:
        self.parts: list[str] = list(start.parts) if start else []
        self.values: list[Any] = [*(start.values if start else ()), *values]

    def value(self, value: Any) -> str:
        """Take a value in; answers with its place, such as `$3`."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, template: str, *values: Any) -> None:
        """Add a condition; each `{}` stands for the next value."""
        self.parts.append(template.format(*(self.value(value) for value in values)))

    @property
    def sql(self) -> str:
        """Return the text after WHERE."""
        return " AND ".join(self.parts) or "true"
