"""deleteAccount, requestDataExport."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.errors import DomainError
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.member.members.payloads import MemberPayload, member_after
from services import data_export
from services.leaving import Leave, ask_to_leave


@strawberry.input(description="The wish to leave, and the proof of who asks.")
class DeleteAccountInput:
    confirm: bool = strawberry.field(description="True, or nothing happens.")
    wechat_code: str | None = strawberry.field(default=None, description="A fresh wx.login code.")
    sms_code: str | None = strawberry.field(
        default=None, description="A code sent to the member's own phone."
    )


@strawberry.type(description="When the account ends, or why it doesn't.")
class DeleteAccountPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )
    deletes_at: datetime | None = strawberry.field(
        default=None, description="Signing in before then is staying."
    )


@strawberry.type
class AccountsMutation:
    @strawberry.mutation(
        description="Ends the viewer's account in a few days, and all their sessions now. Not while"
        " an order or a refund is open."
    )
    async def delete_account(self, info: Info, input: DeleteAccountInput) -> DeleteAccountPayload:
        context = info.context
        member_id = context.require_member()
        assert context.session_id is not None, "a token names its session"
        command = Leave(
            member_id=member_id,
            session_id=context.session_id,
            confirm=input.confirm,
            wechat_code=input.wechat_code,
            sms_code=input.sms_code,
            client_ip=context.client_ip,
        )
        ports = context.ports
        try:
            deletes_at = await ask_to_leave(
                command,
                app=ports.mini_program,
                personal_data=ports.personal_data,
                limits=ports.limits,
                now=context.now,
            )
        except DomainError as error:
            return DeleteAccountPayload(user_errors=[UserError.of(error, context.language)])
        return DeleteAccountPayload(deletes_at=deletes_at)

    @strawberry.mutation(
        description="Has all of the viewer's data prepared; while an export is on its way or young,"
        " that one stands."
    )
    async def request_data_export(self, info: Info) -> MemberPayload:
        member_id = info.context.require_member()
        work = data_export.request(member_id, now=info.context.now)
        return await member_after(work, member_id, info)
