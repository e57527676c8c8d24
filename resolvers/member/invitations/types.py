"""A member's invite code, and the card that carries it."""

from __future__ import annotations

import strawberry

from domain.members import SceneKind
from loaders.members import invited_count_by_member_id
from models.member_rows import MemberRow
from resolvers.common.context import Info
from resolvers.common.messages import translate
from resolvers.common.share import (
    DEFAULT_SHARE_IMAGE,
    ShareCard,
    absolute_url,
    mini_program_code_url,
)
from services import rules as rule_versions
from services.scenes import scene_code


@strawberry.type(description="What a member needs to invite others.")
class InvitationProgram:
    invite_code: str = strawberry.field(description="Sent along when an invited person signs in.")
    member: strawberry.Private[MemberRow]

    @strawberry.field(description="How many came by this member's invitation.")
    async def invited_count(self, info: Info) -> int:
        return await info.context.loaders.of(invited_count_by_member_id).load(self.member.id)

    @strawberry.field(description="For sharing into a chat, and for posters.")
    async def share_card(self, info: Info) -> ShareCard:
        context = info.context
        brand = (await rule_versions.in_force(now=context.now)).rules.brand
        name = brand.name_en if context.language == "en" else brand.name
        code = await scene_code(SceneKind.INVITATION, inviter_id=self.member.id, now=context.now)
        base_url = context.ports.public_base_url
        return ShareCard(
            title=translate("Come and join me at {shop}", context.language, shop=name),
            image_url=absolute_url(base_url, DEFAULT_SHARE_IMAGE),
            path=f"pages/home/index?inviteCode={self.invite_code}",
            h5_url=f"{base_url}/h5/home?inviteCode={self.invite_code}",
            mini_program_code_url=mini_program_code_url(base_url, code),
        )

    @classmethod
    def of(cls, member: MemberRow) -> InvitationProgram:
        """Show the invitations of a member to themselves."""
        return cls(invite_code=member.invite_code, member=member)
