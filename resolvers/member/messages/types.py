"""The inbox: messages in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import strawberry

from domain.message_texts import BODIES_AT_ZERO, MESSAGE_BODIES, MESSAGE_TITLES, named_in_both
from domain.messages import MessageEvent
from executor.fields import BatchInfo, derived, item
from resolvers.common.context import Context
from resolvers.common.enums import member_of
from resolvers.common.messages import translate
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.member.members.view import MemberView
from services.messages import inbox

_event_of = member_of(MessageEvent)
_CURSOR_KINDS = (datetime, UUID)


def _event(row: Any, _context: Context) -> MessageEvent:
    return _event_of(row["event"])


def _title(row: Any, context: Context) -> str:
    return translate(MESSAGE_TITLES[_event_of(row["event"])], context.language)


def _body(row: Any, context: Context) -> str:
    event, facts = _event_of(row["event"]), named_in_both(row["facts"])
    if event in BODIES_AT_ZERO and facts["growth"] == 0:
        return translate(BODIES_AT_ZERO[event], context.language, **facts)
    return translate(MESSAGE_BODIES[event], context.language, **facts)


@strawberry.type(description="Something the mall wrote to the member.")
class Message:
    """Its source is a row of `message`."""

    id: strawberry.ID = item("id", convert=str, description="The message's id.")
    event: MessageEvent = derived(_event, description="What it tells of.")
    title: str = derived(_title, description="Its title, in the reader's language.")
    body: str = derived(_body, description="What it says, in the reader's language.")
    link: str | None = item("link", description="The page that it leads to.")
    read_at: datetime | None = item("read_at", description="When it was marked as read.")
    created_at: datetime = item("created_at", description="When it was written.")


async def messages_of_members(
    members: Sequence[MemberView], info: BatchInfo, *, first: First = 20, after: After = None
) -> list[Connection[Message]]:
    """Resolve `Member.messages`: newest first."""
    del info
    request = read_page(first, after, *_CURSOR_KINDS)
    found = []
    for member in members:  # A member sees nobody but themselves: there is one.
        page = await inbox(member.id, request)
        found.append(Connection(nodes=cast("list[Message]", page.rows), page=page))
    return found
