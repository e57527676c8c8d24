"""What signing in takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from domain.members import AgreementKind
from domain.sessions import RefreshClaim
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.member.members.types import Member
from services.consents import Answer
from services.sessions import SignedIn


@strawberry.input(description="A yes or no to the current version of an agreement.")
class ConsentInput:
    kind: AgreementKind = strawberry.field(description="Which agreement.")
    version: str = strawberry.field(description="The version that was shown: the current one.")
    given: bool = strawberry.field(description="Yes, or no.")


def answers_of(consents: Sequence[ConsentInput] | None) -> tuple[Answer, ...]:
    """Read the consents of an input."""
    return tuple(Answer(each.kind, each.version, each.given) for each in consents or ())


_CONSENTS = "Joins with MEMBERSHIP and PRIVACY; without them a visitor signs in."
_INVITE = "Who invited; a bad one is ignored."
_SCENE = "The scene of the QR code that was scanned; a bad one is ignored."


@strawberry.input(description="A code of wx.login.")
class SignInWithMiniProgramInput:
    code: str = strawberry.field(description="Good once, for five minutes.")
    invite_code: str | None = strawberry.field(default=None, description=_INVITE)
    scene_code: str | None = strawberry.field(default=None, description=_SCENE)
    consents: list[ConsentInput] | None = strawberry.field(default=None, description=_CONSENTS)


@strawberry.input(description="A code of the official account's OAuth.")
class SignInWithOfficialAccountInput:
    code: str = strawberry.field(description="Good once, for five minutes.")
    invite_code: str | None = strawberry.field(default=None, description=_INVITE)
    scene_code: str | None = strawberry.field(default=None, description=_SCENE)
    consents: list[ConsentInput] | None = strawberry.field(default=None, description=_CONSENTS)


@strawberry.input(description="Where to send a code.")
class SendSmsCodeInput:
    phone: str = strawberry.field(description="A mobile number of mainland China.")
    captcha_token: str | None = strawberry.field(
        default=None, description="Where the brand has set up a captcha."
    )


@strawberry.input(description="A phone and the code sent to it.")
class SignInWithPhoneInput:
    phone: str = strawberry.field(description="A mobile number of mainland China.")
    sms_code: str = strawberry.field(description="Good once, for five minutes.")
    invite_code: str | None = strawberry.field(default=None, description=_INVITE)
    scene_code: str | None = strawberry.field(default=None, description=_SCENE)
    consents: list[ConsentInput] | None = strawberry.field(default=None, description=_CONSENTS)


@strawberry.input(description="The newest refresh token.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="Good once, for 30 days.")


@strawberry.input(description="Proof of a phone: `wechatCode`, or `phone` and `smsCode`.")
class BindPhoneInput:
    wechat_code: str | None = strawberry.field(
        default=None, description="The code of the getPhoneNumber button."
    )
    phone: str | None = strawberry.field(
        default=None, description="A mobile number of mainland China."
    )
    sms_code: str | None = strawberry.field(default=None, description="The code sent to it.")
    consents: list[ConsentInput] | None = strawberry.field(
        default=None, description="Needed unless MEMBERSHIP and PRIVACY were accepted before."
    )


@strawberry.type(description="A signed-in device. Keep both tokens out of logs and URLs.")
class Session:
    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …`.")
    refresh_token: str = strawberry.field(description="For refreshSession, once.")
    expires_at: datetime = strawberry.field(description="When the access token ends.")
    is_new_member: bool = strawberry.field(
        description="Whether this very call made the account, or made a visitor a member."
    )
    member: Member = strawberry.field(description="Who is signed in now.")

    @classmethod
    async def of(cls, signed_in: SignedIn, info: Info) -> Session:
        """Make the tokens; from here on the request is the member's own."""
        context = info.context
        context.act_as(signed_in.member_id, signed_in.session_id)
        member = await Member.load(info, signed_in.member_id)
        assert member is not None, "a session has a member"
        tokens = context.ports.tokens
        access = tokens.access_token(signed_in.member_id, signed_in.session_id, now=context.now)
        claim = RefreshClaim(signed_in.session_id, signed_in.generation)
        return cls(
            access_token=access.text,
            refresh_token=tokens.refresh_token(claim),
            expires_at=access.expires_at,
            is_new_member=signed_in.is_new_member,
            member=member,
        )


@strawberry.type(description="The session, or why there is none.")
class SessionPayload:
    session: Session | None = strawberry.field(default=None, description="The open session.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )


@strawberry.type(description="When the next code may be asked for.")
class SendSmsCodePayload:
    retry_after_seconds: int | None = strawberry.field(
        default=None, description="Seconds until another code can be sent."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )


@strawberry.type(description="Nothing but errors, if any.")
class SignOutPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )
