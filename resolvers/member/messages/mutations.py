"""markMessagesRead."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.common.context import Info
from resolvers.common.ids import parse_id
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
        return await member_after(_mark(input, member_id, info), member_id, info)


async def _mark(input: MarkMessagesReadInput, member_id: UUID, info: Info) -> None:
    ids = None
    if input.ids is not None:
        messages.check_count(input.ids)
        ids = [parse_id(text, "message", "ids", index) for index, text in enumerate(input.ids)]
    await messages.mark_read(member_id, ids, now=info.context.now)
