"""What an operation asks for, known before anything is read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from executor.fields import BatchInfo, selected


class Asked:
    """The fields that are asked for below a place, by the schema's names."""

    __slots__ = ("_directly", "_names", "_of_nodes", "_places")

    def __init__(self, paths: frozenset[str]) -> None:
        self._places = places = [path.rpartition(".") for path in paths]
        self._names = frozenset(name for _, _, name in places)
        self._directly = frozenset(name for above, _, name in places if not above)
        self._of_nodes = frozenset(
            name for above, _, name in places if above in ("nodes", "edges.node")
        )

    def for_any(self, *names: str) -> bool:
        """Tell whether any of these fields is asked for, however deep."""
        return not self._names.isdisjoint(names)

    def directly(self) -> frozenset[str]:
        """Return the fields asked for right at the place."""
        return self._directly

    def of_nodes(self) -> frozenset[str]:
        """Return the fields asked for of a connection's nodes."""
        return self._of_nodes

    def of_nodes_within(self, name: str) -> frozenset[str]:
        """Return the fields asked for of a field of the nodes, which has fields of its own."""
        places = (f"nodes.{name}", f"edges.node.{name}")
        return frozenset(field for above, _, field in self._places if above in places)


_asked = lru_cache(maxsize=1_024)(Asked)
"""Compiled operations ask for the same every time."""


def asked_below(info: Any) -> Asked:
    """Return what is asked for below the field of a resolver, or of a batch function."""
    return _asked(info.selected if isinstance(info, BatchInfo) else selected(info))
