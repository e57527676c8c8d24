"""me."""

from __future__ import annotations

import strawberry

from executor.hints import signed_in
from resolvers.common.context import Info
from resolvers.member.members.types import Member


@strawberry.type
class MembersQuery:
    @strawberry.field(
        metadata=signed_in(), description="The signed-in member; null without a token."
    )
    async def me(self, info: Info) -> Member | None:
        member_id = info.context.member_id
        return None if member_id is None else Member.of_viewer(info, member_id)
