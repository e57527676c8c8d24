"""What mutations of the member answer with."""

from __future__ import annotations

from collections.abc import Awaitable
from uuid import UUID

import strawberry

from domain.errors import DomainError
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.member.members.types import Member


@strawberry.type(description="The member as they are now, or why nothing was changed.")
class MemberPayload:
    member: Member | None = strawberry.field(default=None, description="The viewer.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )


async def member_after(work: Awaitable[None], member_id: UUID, info: Info) -> MemberPayload:
    """Do the work and show the member as it left them, or tell the refusal."""
    try:
        await work
    except DomainError as error:
        return MemberPayload(user_errors=[UserError.of(error, info.context.language)])
    info.context.loaders.forget()
    return MemberPayload(member=await Member.load(info, member_id))
