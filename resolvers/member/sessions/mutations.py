"""signInWith…, sendSmsCode, refreshSession, signOut, bindPhone."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from domain.errors import DomainError
from domain.members import IdentityKind
from domain.sessions import RevokeReason
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.member.sessions.types import (
    BindPhoneInput,
    RefreshSessionInput,
    SendSmsCodeInput,
    SendSmsCodePayload,
    Session,
    SessionPayload,
    SignInWithMiniProgramInput,
    SignInWithOfficialAccountInput,
    SignInWithPhoneInput,
    SignOutPayload,
    answers_of,
)
from services import phones, sessions, sign_in, sms_codes
from services.members import Invitation
from services.phones import Binding
from services.sessions import SignedIn
from services.sign_in import Means, Visit
from services.wechat_login import WechatApp

AnySignInInput = SignInWithMiniProgramInput | SignInWithOfficialAccountInput | SignInWithPhoneInput


@strawberry.type
class SessionsMutation:
    @strawberry.mutation(
        description="Signs in by a code of wx.login. With a bearer token it links this identity to"
        " the signed-in member. A bad invite code never fails a sign-in."
    )
    async def sign_in_with_mini_program(
        self, info: Info, input: SignInWithMiniProgramInput
    ) -> SessionPayload:
        app = info.context.ports.mini_program
        return await _by_wechat(input, IdentityKind.MINI_PROGRAM, app, info)

    @strawberry.mutation(
        description="H5 inside WeChat: signs in by the official account's OAuth code."
    )
    async def sign_in_with_official_account(
        self, info: Info, input: SignInWithOfficialAccountInput
    ) -> SessionPayload:
        app = info.context.ports.official_account
        return await _by_wechat(input, IdentityKind.OFFICIAL_ACCOUNT, app, info)

    @strawberry.mutation(description="H5 outside WeChat: sends a code by SMS.")
    async def send_sms_code(self, info: Info, input: SendSmsCodeInput) -> SendSmsCodePayload:
        context = info.context
        try:
            seconds = await sms_codes.send(
                input.phone,
                input.captcha_token,
                sender=context.ports.sms,
                captcha=context.ports.captcha,
                limits=context.ports.limits,
                personal_data=context.ports.personal_data,
                client_ip=context.client_ip,
                now=context.now,
            )
        except DomainError as error:
            return SendSmsCodePayload(
                retry_after_seconds=error.retry_after_seconds,
                user_errors=[UserError.of(error, context.language)],
            )
        return SendSmsCodePayload(retry_after_seconds=seconds)

    @strawberry.mutation(description="H5 outside WeChat: signs in by phone and SMS code.")
    async def sign_in_with_phone(self, info: Info, input: SignInWithPhoneInput) -> SessionPayload:
        context = info.context
        work = sign_in.with_sms_code(
            input.phone, input.sms_code, _visit(input, context), _means(context), now=context.now
        )
        return await _answer(work, info)

    @strawberry.mutation(
        description="Exchanges the refresh token for the next one. Until the new one is used, and"
        " at most 60 seconds, the old one answers with the same; after that, using it again ends"
        " the session."
    )
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> SessionPayload:
        context = info.context
        work = sessions.refresh(
            input.refresh_token,
            tokens=context.ports.tokens,
            limits=context.ports.limits,
            client_ip=context.client_ip,
            now=context.now,
        )
        return await _answer(work, info)

    @strawberry.mutation(
        description="Ends this session; its tokens are worth nothing within two seconds."
    )
    async def sign_out(self, info: Info) -> SignOutPayload:
        info.context.require_member()
        session_id = info.context.session_id
        assert session_id is not None, "a token names its session"
        await sessions.end(session_id, RevokeReason.SIGNED_OUT, now=info.context.now)
        return SignOutPayload()

    @strawberry.mutation(
        description="By the getPhoneNumber button's code, or by phone and SMS code. May merge two"
        " members: use the new session."
    )
    async def bind_phone(self, info: Info, input: BindPhoneInput) -> SessionPayload:
        context = info.context
        member_id = context.require_member()
        assert context.session_id is not None, "a token names its session"
        binding = Binding(
            member_id=member_id,
            session_id=context.session_id,
            answers=answers_of(input.consents),
            wechat_code=input.wechat_code,
            phone=input.phone,
            sms_code=input.sms_code,
            client_ip=context.client_ip,
        )
        work = phones.bind(
            binding,
            wechat=context.ports.wechat_phones,
            personal_data=context.ports.personal_data,
            limits=context.ports.limits,
            now=context.now,
        )
        return await _answer(work, info)


async def _by_wechat(
    input: SignInWithMiniProgramInput | SignInWithOfficialAccountInput,
    kind: IdentityKind,
    app: WechatApp,
    info: Info,
) -> SessionPayload:
    context = info.context
    visit, means = _visit(input, context), _means(context)
    work = sign_in.with_wechat_code(input.code, kind, app, visit, means, now=context.now)
    return await _answer(work, info)


def _visit(input: AnySignInInput, context: Context) -> Visit:
    return Visit(
        invitation=Invitation(input.invite_code, input.scene_code),
        answers=answers_of(input.consents),
        viewer_id=context.member_id,
        client_ip=context.client_ip,
    )


def _means(context: Context) -> Means:
    return Means(
        personal_data=context.ports.personal_data,
        limits=context.ports.limits,
        session_lifetime=context.ports.tokens.refresh_lifetime,
    )


async def _answer(work: Awaitable[SignedIn], info: Info) -> SessionPayload:
    """Tell the session that came of it, or why none did."""
    try:
        signed_in = await work
    except DomainError as error:
        return SessionPayload(user_errors=[UserError.of(error, info.context.language)])
    return SessionPayload(session=await Session.of(signed_in, info))
