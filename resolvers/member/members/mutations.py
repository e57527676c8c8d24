"""updateProfile, setConsents."""

from __future__ import annotations

from datetime import date

import strawberry

from domain.errors import DomainError
from domain.members import Gender
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import parse_id
from resolvers.member.members.payloads import MemberPayload, member_after
from resolvers.member.sessions.types import ConsentInput, answers_of
from services import consents
from services.profiles import UpdateProfile, update_profile


@strawberry.input(description="What changes; what is absent or null stays.")
class UpdateProfileInput:
    nickname: str | None = strawberry.field(
        default=None, description="1 to 20 visible characters that WeChat's check lets pass."
    )
    avatar_upload_id: strawberry.ID | None = strawberry.field(
        default=None, description="An upload for AVATAR whose picture has come."
    )
    birthday: date | None = strawberry.field(
        default=None, description="Set once, by members; below the brand's age it is not kept."
    )
    gender: Gender | None = strawberry.field(default=None, description="As the member says.")


@strawberry.input(description="Answers to agreements in force.")
class SetConsentsInput:
    consents: list[ConsentInput] = strawberry.field(
        description="Those that are absent stay as they are."
    )


@strawberry.type
class MembersMutation:
    @strawberry.mutation(description="Changes the viewer's profile, all of it or nothing.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> MemberPayload:
        context = info.context
        member_id = context.require_member()
        try:
            change = UpdateProfile(
                member_id=member_id,
                nickname=input.nickname,
                avatar_upload_id=parse_id(input.avatar_upload_id, "upload", "avatarUploadId")
                if input.avatar_upload_id is not None
                else None,
                birthday=input.birthday,
                gender=input.gender,
            )
        except DomainError as error:
            return MemberPayload(user_errors=[UserError.of(error, context.language)])
        ports = context.ports
        work = update_profile(
            change, ports.texts, ports.pictures, base_url=ports.public_base_url, now=context.now
        )
        return await member_after(work, member_id, info)

    @strawberry.mutation(
        description="Says yes or no to agreements in force. Without MEMBERSHIP and PRIVACY a member"
        " is a visitor again; what they have waits for them."
    )
    async def set_consents(self, info: Info, input: SetConsentsInput) -> MemberPayload:
        member_id = info.context.require_member()
        work = consents.answer(member_id, answers_of(input.consents), now=info.context.now)
        return await member_after(work, member_id, info)
