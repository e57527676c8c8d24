"""What stands for a member: an id at first; their row, and lists of theirs, once they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from loaders.along import Along, Row, rows_of_arrays
from loaders.members import ONLY_THEIR_ID, MemberShape, member_along, member_by_id
from resolvers.common.context import Context
from resolvers.common.errors import unauthenticated


@dataclass(slots=True, eq=False)
class WantedList:
    """A list of a member's with its values; `arrays` are its columns once they are read."""

    along: Along
    values: Sequence[Any]
    arrays: Row | None = None


@dataclass(slots=True)
class MemberView:
    """A member whose row is read when it is first needed, along with what hangs on it.

    `record` has what `shape` says. Nobody has made sure that the member is there until it is read.
    `lists` will be asked for: whatever is read first reads them all in its statement.
    """

    id: UUID
    shape: MemberShape
    record: Any = None
    lists: list[WantedList] = field(default_factory=list)

    def want(self, along: Along, values: Sequence[Any]) -> WantedList:
        """Take note of a list that will be asked for."""
        wanted = WantedList(along, values)
        self.lists.append(wanted)
        return wanted


async def read_member(member: MemberView, context: Context) -> bool:
    """Read a member's row; tell whether there is one."""
    [member.record] = await context.loaders.read(
        member_by_id, [member.id], now=context.now, shape=member.shape
    )
    return member.record is not None


async def arrays_of(member: MemberView, wanted: WantedList, context: Context) -> Row:
    """Return a list's columns in arrays, read along with whatever else nothing has read yet."""
    if wanted.arrays is None:
        await _read_lists(member, context)
    assert wanted.arrays is not None
    return wanted.arrays


async def rows_of(member: MemberView, wanted: WantedList, context: Context) -> list[Row]:
    """Return a list's rows, read likewise."""
    return rows_of_arrays(await arrays_of(member, wanted, context))


async def _read_lists(member: MemberView, context: Context) -> None:
    waiting = [each for each in member.lists if each.arrays is None]
    found = await member_along(
        member.id,
        now=context.now,
        shape=member.shape if member.record is None else ONLY_THEIR_ID,
        along=[each.along for each in waiting],
        values=[each.values for each in waiting],
    )
    if found is None:
        raise unauthenticated()
    record, arrays = found
    if member.record is None:
        member.record = record
    for wanted, columns in zip(waiting, arrays, strict=True):
        wanted.arrays = columns
