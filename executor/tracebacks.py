"""Breaks the circles of failed runs: errors hold the frames that they came through, and these them.

Whatever such a frame has in its variables (the context of a request, the rows that were read) would
stay until the garbage collector comes, which makes everybody wait the longer, the more there is.
"""

from __future__ import annotations

from collections.abc import Iterable


def drop_tracebacks(
    errors: Iterable[BaseException], *, but_of: Iterable[BaseException] = ()
) -> None:
    """Take the frames from errors, and from all that they came of.

    Errors that those of `but_of` came of keep theirs: somebody has yet to be told of them.
    """
    kept = _with_causes(but_of)
    for id_, error in _with_causes(errors).items():
        if id_ not in kept:
            error.__traceback__ = None


def _with_causes(errors: Iterable[BaseException]) -> dict[int, BaseException]:
    """Return errors and all that they came of, by their identity: what is equal is not the same."""
    found: dict[int, BaseException] = {}
    left: list[BaseException | None] = list(errors)
    while left:
        error = left.pop()
        if error is None or id(error) in found:
            continue
        found[id(error)] = error
        left += (error.__cause__, error.__context__, getattr(error, "original_error", None))
        if isinstance(error, BaseExceptionGroup):
            left += error.exceptions
    return found
