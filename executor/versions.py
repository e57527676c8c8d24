"""Version numbers of what public answers are made from, by the tags of the cache hints."""

from __future__ import annotations

from collections.abc import Hashable, Iterable


class Versions:
    """Counts the changes behind each tag: `bump(tag)` when one was committed.

    An answer belongs to the versions that stood before it was made, and to no others. Whoever can't
    hear of changes for a while calls `lose()`, and `regain()` when it can again: in between there
    are no versions, so nothing is answered from memory, and nothing from before comes back.
    """

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._losses = 0
        self._is_lost = False

    def current(self, tags: Iterable[str]) -> Hashable | None:
        """Return what stands for the present state behind the tags; None while nobody knows."""
        if self._is_lost:
            return None
        changes = self._changes
        return (self._losses, *[changes.get(tag, 0) for tag in tags])

    def bump(self, *tags: str) -> None:
        """Tell that what stands behind these tags has changed."""
        for tag in tags:
            self._changes[tag] = self._changes.get(tag, 0) + 1

    def lose(self) -> None:
        """Tell that changes may go unheard from now on."""
        self._is_lost = True

    def regain(self) -> None:
        """Tell that changes are heard again; what went unheard may have been anything."""
        self._losses += 1
        self._is_lost = False
