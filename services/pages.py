"""Reading a list page by page with keyset cursors: (sort values as read, id)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson

MAX_FIRST = 100
Row = TypeVar("Row")


class PageRequestInvalid(ValueError):
    """`first` is out of its bounds or `after` is no cursor of this list; names the argument."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument}: {problem}")
        self.argument = argument


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted: `first` rows after the row whose sort key is `after`."""

    first: int
    after: tuple[Any, ...] | None = None

    @property
    def limit(self) -> int:
        """One row more than asked for tells whether there is a next page."""
        return self.first + 1


@dataclass(slots=True)  # Not frozen: setting each field by force takes three times as long.
class Page(Generic[Row]):
    """Rows, whose cursors are made on demand; `count` reads the whole number when it is asked."""

    rows: Sequence[Row]
    key: Callable[[Row], tuple[Any, ...]] = field(repr=False)
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]] = field(repr=False)

    def cursor(self, row: Row) -> str:
        """Return what marks a row's place in the list."""
        return encode_cursor(self.key(row))


def page_request(first: int, after: str | None, *kinds: type) -> PageRequest:
    """Check the arguments of a list; `kinds` are the types of the cursor's values.

    Raises:
        PageRequestInvalid: names `first` or `after`.
    """
    if not 1 <= first <= MAX_FIRST:
        raise PageRequestInvalid("first", f"1 to {MAX_FIRST} is expected, not {first}.")
    return PageRequest(first, None if after is None else _decode(after, kinds))


def make_page(
    request: PageRequest,
    rows: Sequence[Row],
    key: Callable[[Row], tuple[Any, ...]],
    count: Callable[[], Awaitable[int]],
) -> Page[Row]:
    """Cut the extra row off."""
    return Page(
        rows=rows[: request.first],
        key=key,
        has_next=len(rows) > request.first,
        has_previous=request.after is not None,
        count=count,
    )


def encode_cursor(values: tuple[Any, ...]) -> str:
    """Return the opaque text of a sort key."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain, default=str)).rstrip(b"=").decode()


def _decode(cursor: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    problem = PageRequestInvalid("after", "this is no cursor of this list.")
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise problem
        return tuple(_revive(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise problem from error


def _revive(value: Any, kind: type) -> Any:
    """Read a value back as PostgreSQL can take it: a cursor comes from outside, whoever made it."""
    if not _is_told_as(value, kind):
        raise TypeError("another kind of cursor")
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("a cursor's time has an offset")
        return instant.astimezone(UTC)
    if kind is int and abs(value) > 2**63 - 1:
        raise ValueError("beyond BIGINT")
    if kind is str and "\x00" in value:
        raise ValueError("no text of PostgreSQL")
    return value


def _is_told_as(value: object, kind: type) -> bool:
    return type(value) is _TOLD_AS.get(kind, kind)


_TOLD_AS: dict[type, type] = {UUID: str, datetime: str}
"""How JSON tells what it has no type for."""
