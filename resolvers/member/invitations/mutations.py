"""acceptInvitation."""

from __future__ import annotations

import strawberry

from resolvers.common.context import Info
from resolvers.member.members.payloads import MemberPayload, member_after
from services import invitations
from services.members import Invitation


@strawberry.input(description="An invitation that a link or a poster brought along.")
class AcceptInvitationInput:
    invite_code: str = strawberry.field(description="The inviter's code.")
    scene_code: str | None = strawberry.field(
        default=None, description="The poster's scene, if the invite code leads to nobody."
    )


@strawberry.type
class InvitationsMutation:
    @strawberry.mutation(
        description="Takes down who invited the viewer, once, before they become a member."
    )
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> MemberPayload:
        member_id = info.context.require_member()
        invitation = Invitation(input.invite_code, input.scene_code)
        work = invitations.accept(member_id, invitation, now=info.context.now)
        return await member_after(work, member_id, info)
