"""Putting a WHERE together: conditions with numbered parameters, never with values in the text."""

from __future__ import annotations

from typing import Any


class Conditions:
    """Conditions joined by AND, and the values of their parameters in order."""

    def __init__(self, start: Conditions | None = None) -> None:
        self._parts: list[str] = list(start._parts) if start else []
        self.values: list[Any] = list(start.values) if start else []

    def value(self, value: Any) -> str:
        """Take a value in; answers with its place, such as `$3`."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, template: str, *values: Any) -> None:
        """Add a condition; each `{}` stands for the next value."""
        self._parts.append(template.format(*(self.value(value) for value in values)))

    @property
    def sql(self) -> str:
        """Return the text after WHERE."""
        return " AND ".join(self._parts) or "true"
