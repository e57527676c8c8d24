"""Ids as clients see them: the plain text of a UUID."""

from __future__ import annotations

from uuid import UUID

from domain.errors import NotFound


def parse_id(text: str, thing: str, *path: str | int) -> UUID:
    """Read an id of the input; what can't be one is as absent as what isn't there.

    Raises:
        NotFound: names the thing and the path.
    """
    found = find_id(text)
    if found is None:
        raise NotFound(thing=thing, path=path)
    return found


def find_id(text: str) -> UUID | None:
    """Read the id of a query; None when it can't be one."""
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
