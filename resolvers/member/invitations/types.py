"""A member's invite code, the card that carries it, and who came by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import strawberry

from domain.invitations import InviteeStatus, invitee_status
from domain.members import SceneKind
from executor.fields import BatchInfo, batched, derived, item
from loaders.invitations import invited_count_by_member_id, rewarded_points_by_member_id
from models.member_rows import MemberRow
from resolvers.common.context import Context, Info
from resolvers.common.messages import translate
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.share import (
    DEFAULT_SHARE_IMAGE,
    ShareCard,
    absolute_url,
    mini_program_code_url,
)
from services import rules as rule_versions
from services.invitations import invitees
from services.scenes import scene_code

strawberry.enum(InviteeStatus, name="InviteeStatus", description="How far an invited person is.")

_CURSOR_KINDS = (datetime, UUID)


def _avatar_url(row: Any, context: Context) -> str | None:
    avatar: str | None = row["avatar_url"]
    return absolute_url(context.ports.public_base_url, avatar) if avatar else None


def _status(row: Any, _context: Context) -> InviteeStatus:
    return invitee_status(
        has_ordered=row["has_ordered"], is_settled=row["is_settled"], points=row["points"]
    )


@strawberry.type(description="A person who came by the member's invitation.")
class Invitee:
    """Its source is a row of `invitees`."""

    id: strawberry.ID = item("id", convert=str, description="The invited person's id.")
    nickname: str = item("nickname", description="As they wrote it; empty until then.")
    avatar_url: str | None = derived(_avatar_url, description="Their avatar.")
    invited_at: datetime = item("invited_at", description="When they accepted the invitation.")
    status: InviteeStatus = derived(_status, description="How far they are.")
    points: int = item("points", description="What their first order brought the inviter.")


@strawberry.type(description="What a member needs to invite others.")
class InvitationProgram:
    invite_code: str = strawberry.field(description="Sent along when an invited person signs in.")
    member: strawberry.Private[MemberRow]

    @batched(description="How many came by this member's invitation.")
    @staticmethod
    async def invited_count(programs: Sequence[InvitationProgram], info: BatchInfo) -> list[int]:
        ids = [program.member.id for program in programs]
        return cast("list[int]", await info.context.loaders.read(invited_count_by_member_id, ids))

    @batched(description="Points that this member's invitations have brought them.")
    @staticmethod
    async def rewarded_points(programs: Sequence[InvitationProgram], info: BatchInfo) -> list[int]:
        ids = [program.member.id for program in programs]
        return cast("list[int]", await info.context.loaders.read(rewarded_points_by_member_id, ids))

    @strawberry.field(description="How inviting works, in words.")
    async def rules(self, info: Info) -> str:
        context = info.context
        rules = (await rule_versions.in_force(now=context.now)).rules.members
        return translate(
            "Both of you get {points} points once the first order of whom you invited is final,"
            " for at most {cap} invitations a day. Nothing is given for sharing alone.",
            context.language,
            points=rules.invitation_points,
            cap=rules.rewarded_invitations_per_day,
        )

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

    @strawberry.field(description="Who came by this member's invitation, the latest first.")
    async def invitees(self, first: First = 20, after: After = None) -> Connection[Invitee]:
        page = await invitees(self.member.id, read_page(first, after, *_CURSOR_KINDS))
        return Connection(nodes=cast("list[Invitee]", page.rows), page=page)

    @classmethod
    def of(cls, member: MemberRow) -> InvitationProgram:
        """Show the invitations of a member to themselves."""
        return cls(invite_code=member.invite_code, member=member)
