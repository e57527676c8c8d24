"""Signing in: by a code of WeChat, or by phone and SMS code.

A WeChat code takes two transactions around the call: the first writes the intent, so that the same
code sent twice at the same moment is asked once; the second writes member, session and answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import WechatCodeInvalid, WechatUnavailable
from domain.members import IdentityKind
from domain.phones import SmsCodeInvalid, parse_phone
from domain.sessions import WechatSnapshotUser
from domain.wechat import WechatIdentity
from models import database
from services import (
    code_attempts,
    consents,
    former_identities,
    identities,
    locks,
    members,
    phones,
    sessions,
    sms_codes,
)
from services.members import Invitation
from services.personal_data import PersonalData
from services.rate_limits import Door, RateLimits, pass_door
from services.sessions import SignedIn
from services.wechat_login import WechatApp, check_code


@dataclass(frozen=True, slots=True)
class Visit:
    """What every way of signing in brings along.

    `viewer_id` is the member of the request's token, if it had one.
    """

    invitation: Invitation = field(default_factory=Invitation)
    answers: tuple[consents.Answer, ...] = ()
    viewer_id: UUID | None = None
    client_ip: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Means:
    """What signing in needs besides the database."""

    personal_data: PersonalData
    limits: RateLimits
    session_lifetime: timedelta


async def with_wechat_code(
    code: str, kind: IdentityKind, app: WechatApp, visit: Visit, means: Means, *, now: datetime
) -> SignedIn:
    """Sign in whoever is behind a code of wx.login or of the official account's OAuth.

    Raises:
        WechatCodeInvalid, WechatUnavailable, WechatSnapshotUser, AccountBlocked, Busy,
        InvalidInput (consents), RateLimited.
    """
    await pass_door(means.limits, Door.SIGN_IN, visit.client_ip)
    await consents.check(visit.answers, now=now)
    check_code(code, "code")
    claimed = await code_attempts.claim(f"sign-in:{app.appid}", code, now=now)
    if isinstance(claimed, code_attempts.Answered):
        return await sessions.first_answer(claimed.session_id, is_new_member=claimed.is_new_member)
    attempt_id = claimed.attempt_id

    async def finish() -> SignedIn:
        account = await _exchange(app, code)
        return await database.retrying(
            lambda: _enter(attempt_id, account, kind, visit, means, now=now)
        )

    return await code_attempts.told_to_rivals(attempt_id, finish, now=now)


async def _exchange(app: WechatApp, code: str) -> WechatIdentity:
    account = await app.exchange(code)
    if account.is_snapshot_user:
        raise WechatSnapshotUser
    return account


async def _enter(
    attempt_id: UUID,
    account: WechatIdentity,
    kind: IdentityKind,
    visit: Visit,
    means: Means,
    *,
    now: datetime,
) -> SignedIn:
    """Find or make the member and open their session: the second transaction."""
    async with database.in_transaction():
        if not await code_attempts.still_mine(attempt_id):
            raise WechatUnavailable  # It took so long that a rival has started afresh.
        found = await identities.member_behind(
            account,
            kind,
            viewer_id=visit.viewer_id,
            personal_data=means.personal_data,
            now=now,
        )
        signed_in = await _welcome(
            found.member_id, visit, means, is_new=found.is_new, appid=account.appid, now=now
        )
        await code_attempts.succeed(
            attempt_id, signed_in.session_id, is_new_member=signed_in.is_new_member, now=now
        )
        return signed_in


async def with_sms_code(
    phone_text: str, code: str, visit: Visit, means: Means, *, now: datetime
) -> SignedIn:
    """Sign in the holder of a phone, making a member for a phone that nobody has.

    Raises:
        SmsCodeInvalid, AccountBlocked, InvalidInput (phone, consents), RateLimited.
    """
    await pass_door(means.limits, Door.SIGN_IN, visit.client_ip)
    phone = parse_phone(phone_text, "phone")
    await consents.check(visit.answers, now=now)
    checked = await sms_codes.check(phone, code, personal_data=means.personal_data, now=now)
    if checked.was_used:
        return await _rivals_answer(checked.id)
    signed_in = await database.retrying(
        lambda: _enter_by_phone(checked.id, phone, visit, means, now=now)
    )
    return signed_in or await _rivals_answer(checked.id)


async def _enter_by_phone(
    code_id: UUID, phone: str, visit: Visit, means: Means, *, now: datetime
) -> SignedIn | None:
    """Use the code up and open the session; None if a rival has just done so."""
    async with database.in_transaction():
        if not await sms_codes.use(code_id, now=now):
            return None
        sealed = phones.seal(phone, means.personal_data)
        await locks.hold(phones.lock_name(sealed))
        holder = await phones.holder_of(sealed.digest)
        is_new = holder is None
        member_id = holder or await members.create(phone=sealed, now=now)
        if is_new:
            await former_identities.know_again(member_id, sealed.digest, now=now)
        signed_in = await _welcome(member_id, visit, means, is_new=is_new, appid=None, now=now)
        await sms_codes.remember_session(
            code_id, signed_in.session_id, is_new_member=signed_in.is_new_member, now=now
        )
        return signed_in


async def _rivals_answer(code_id: UUID) -> SignedIn:
    """Return the session that the same SMS code opened a moment ago."""
    remembered = await sms_codes.remembered_session(code_id)
    if remembered is None:
        raise SmsCodeInvalid  # It was used for something else.
    session_id, is_new_member = remembered
    try:
        return await sessions.first_answer(session_id, is_new_member=is_new_member)
    except WechatCodeInvalid:
        raise SmsCodeInvalid from None


async def _welcome(
    member_id: UUID, visit: Visit, means: Means, *, is_new: bool, appid: str | None, now: datetime
) -> SignedIn:
    """Take down who invited the member and what they agreed to, and open their session."""
    await members.bind_inviter(member_id, visit.invitation, now=now)
    joined = await consents.record(member_id, visit.answers, now=now)
    session_id = await sessions.open_session(
        member_id, appid=appid, lifetime=means.session_lifetime, now=now
    )
    return SignedIn(session_id, member_id, 0, is_new_member=is_new or joined)
