"""markMessagesRead."""

from __future__ import annotations

import strawberry

from resolvers.common.context import Info
from resolvers.common.ids import find_id
from resolvers.member.members.payloads import MemberPayload, member_after
from services import messages


@strawberry.input(description="Which messages were read.")
class MarkMessagesReadInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="At most 100 of the viewer's own; all of them when absent."
    )


@strawberry.type
class MessagesMutation:
    @strawberry.mutation(
        description="Marks messages of the viewer's as read; again, it changes nothing."
    )
    async def mark_messages_read(self, info: Info, input: MarkMessagesReadInput) -> MemberPayload:
        member_id = info.context.require_member()
        # What can't be an id of theirs marks nothing, like another member's.
        ids = None if input.ids is None else [id_ for text in input.ids if (id_ := find_id(text))]
        work = messages.mark_read(member_id, ids, now=info.context.now)
        return await member_after(work, member_id, info)
