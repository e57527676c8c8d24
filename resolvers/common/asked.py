"""What an operation asks for, known before anything is read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from executor.fields import BatchInfo, selected


class Asked:
    """The fields that are asked for below a place, by the schema's names."""

    __slots__ = ("_names", "_paths")

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths
        self._names = frozenset(path.rpartition(".")[2] for path in paths)

    def for_any(self, *names: str) -> bool:
        """Tell whether any of these fields is asked for, however deep."""
        return not self._names.isdisjoint(names)

    def directly(self) -> frozenset[str]:
        """Return the fields asked for right at the place."""
        return frozenset(path for path in self._paths if "." not in path)

    def of_nodes(self) -> frozenset[str]:
        """Return the fields asked for of a connection's nodes."""
        found = set()
        for path in self._paths:
            above, _, name = path.rpartition(".")
            if above in ("nodes", "edges.node"):
                found.add(name)
        return frozenset(found)


_asked = lru_cache(maxsize=1_024)(Asked)
"""Compiled operations ask for the same every time."""


def asked_below(info: Any) -> Asked:
    """Return what is asked for below the field of a resolver, or of a batch function."""
    return _asked(info.selected if isinstance(info, BatchInfo) else selected(info))
