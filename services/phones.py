"""Phones: how they are kept, who holds one, and binding one to the signed-in member."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.errors import AccountBlocked, ConsentRequired, InvalidInput, WechatCodeInvalid
from domain.members import MemberStatus
from domain.phones import PhoneTaken, SmsCodeInvalid, parse_phone
from models import database
from services import (
    code_attempts,
    consents,
    former_identities,
    locks,
    members,
    merging,
    sessions,
    sms_codes,
)
from services.members import Phone
from services.personal_data import PersonalData
from services.rate_limits import Door, RateLimits, pass_door
from services.sessions import SignedIn
from services.wechat_login import WechatPhones, check_code

PHONE = "member.phone"
"""What a sealed phone is sealed for."""


def seal(phone: str, personal_data: PersonalData) -> Phone:
    """Return the phone as it is kept."""
    return Phone(
        sealed=personal_data.seal(phone.encode(), context=PHONE),
        digest=personal_data.phone_digest(phone),
    )


def lock_name(phone: Phone) -> str:
    """Name the lock that whoever gives or takes this phone holds."""
    return f"phone:{phone.digest.hex()}"


async def holder_of(phone_digest: bytes) -> UUID | None:
    """Return the member who has the phone.

    Raises:
        AccountBlocked: their account is closed or blocked.
    """
    row = await database.fetch_one(
        "SELECT id, status FROM member WHERE phone_hash = $1", phone_digest
    )
    if row is None:
        return None
    if row["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    found: UUID = row["id"]
    return found


@dataclass(frozen=True, slots=True)
class Binding:
    """A wish to bind a phone: by the phone button's code, or by phone and SMS code."""

    member_id: UUID
    session_id: UUID
    answers: tuple[consents.Answer, ...] = ()
    wechat_code: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    sms_code: str | None = field(default=None, repr=False)
    client_ip: str = field(default="", repr=False)


async def bind(
    binding: Binding,
    *,
    wechat: WechatPhones,
    personal_data: PersonalData,
    limits: RateLimits,
    now: datetime,
) -> SignedIn:
    """Bind a phone that the signed-in member has proven to hold; may merge two members.

    The session stays, and is the survivor's after a merge: its new tokens say so.

    Raises:
        ConsentRequired: neither before nor now are the required agreements accepted.
        PhoneTaken: another member has the phone, who can't be the same person.
        WechatCodeInvalid, WechatUnavailable, SmsCodeInvalid, InvalidInput, RateLimited, Busy.
    """
    await pass_door(limits, Door.BIND_PHONE, binding.client_ip)
    binding = replace(binding, member_id=await members.survivor_of(binding.member_id))
    await consents.check(binding.answers, now=now)
    _check_form(binding)
    if not await consents.would_join(binding.member_id, binding.answers, now=now):
        raise ConsentRequired(path=("consents",))
    if binding.wechat_code is not None:
        return await _by_wechat(
            binding, binding.wechat_code, wechat=wechat, personal_data=personal_data, now=now
        )
    return await _by_sms(binding, personal_data=personal_data, now=now)


def _check_form(binding: Binding) -> None:
    """Refuse an input that proves no phone, or two."""
    by_sms = (binding.phone, binding.sms_code)
    if binding.wechat_code is not None:
        if any(part is not None for part in by_sms):
            raise InvalidInput(
                path=("wechatCode",), problem="Give wechatCode, or phone and smsCode, not both."
            )
        check_code(binding.wechat_code, "wechatCode")
    elif binding.phone is None or binding.sms_code is None:
        missing = "phone" if binding.phone is None else "smsCode"
        raise InvalidInput(path=(missing,), problem="Give wechatCode, or phone and smsCode.")


async def _by_wechat(
    binding: Binding,
    code: str,
    *,
    wechat: WechatPhones,
    personal_data: PersonalData,
    now: datetime,
) -> SignedIn:
    """Bind by a code of the phone button: intent, call, answer."""
    claimed = await code_attempts.claim("phone", code, now=now)
    if isinstance(claimed, code_attempts.Answered):
        if claimed.session_id != binding.session_id:
            raise WechatCodeInvalid(path=("wechatCode",))
        return await sessions.current(
            claimed.session_id, is_new_member=claimed.is_new_member, now=now
        )

    async def finish() -> SignedIn:
        phone = await _number_behind(code, wechat)
        return await database.retrying(
            lambda: _bind_and_answer(
                claimed.attempt_id, binding, seal(phone, personal_data), now=now
            )
        )

    return await code_attempts.told_to_rivals(claimed.attempt_id, finish, now=now)


async def _number_behind(code: str, wechat: WechatPhones) -> str:
    try:
        return parse_phone(await wechat.phone_number(code), "wechatCode")
    except WechatCodeInvalid:
        raise WechatCodeInvalid(path=("wechatCode",)) from None


async def _bind_and_answer(
    attempt_id: UUID, binding: Binding, phone: Phone, *, now: datetime
) -> SignedIn:
    async with database.in_transaction():
        if not await code_attempts.still_mine(attempt_id):
            raise WechatCodeInvalid(path=("wechatCode",))
        joined = await _give(binding, phone, now=now)
        await code_attempts.succeed(attempt_id, binding.session_id, is_new_member=joined, now=now)
        return await sessions.current(binding.session_id, is_new_member=joined, now=now)


async def _by_sms(binding: Binding, *, personal_data: PersonalData, now: datetime) -> SignedIn:
    """Bind by an SMS code; a repeat by the member who has the phone already changes nothing."""
    number = parse_phone(binding.phone or "", "phone")
    code = binding.sms_code or ""
    phone = seal(number, personal_data)
    try:
        checked = await sms_codes.check(number, code, personal_data=personal_data, now=now)
    except SmsCodeInvalid:
        if await _has_bound(binding, phone, personal_data.code_digest(number, code)):
            return await sessions.current(binding.session_id, is_new_member=False, now=now)
        raise

    async def work() -> SignedIn:
        async with database.in_transaction():
            joined = False
            if await sms_codes.use(checked.id, now=now):
                joined = await _give(binding, phone, now=now)
            elif await holder_of(phone.digest) != binding.member_id:
                raise SmsCodeInvalid
            return await sessions.current(binding.session_id, is_new_member=joined, now=now)

    return await database.retrying(work)


async def _has_bound(binding: Binding, phone: Phone, code_digest: bytes) -> bool:
    """Tell whether this very code has bound this phone to this member before."""
    if await holder_of(phone.digest) != binding.member_id:
        return False
    return await sms_codes.was_used(phone.digest, code_digest)


async def _give(binding: Binding, phone: Phone, *, now: datetime) -> bool:
    """Give the member the phone inside the open transaction; returns whether they joined by it."""
    await locks.hold(lock_name(phone))
    member_id = binding.member_id
    holder = await _other_holder(binding, phone)
    if holder is not None:
        survivor = await merging.merge(member_id, holder, now=now)
        if survivor is None:
            raise PhoneTaken(path=(_proof_of(binding),))
        member_id = survivor
    await database.execute(
        """
        UPDATE member
        SET phone_encrypted = $2, phone_hash = $3, phone_verified_at = $4, updated_at = $4
        WHERE id = $1
        """,
        member_id,
        phone.sealed,
        phone.digest,
        now,
    )
    await former_identities.know_again(member_id, phone.digest, now=now)
    return await consents.record(member_id, binding.answers, now=now)


async def _other_holder(binding: Binding, phone: Phone) -> UUID | None:
    try:
        holder = await holder_of(phone.digest)
    except AccountBlocked:
        raise PhoneTaken(path=(_proof_of(binding),)) from None
    return None if holder == binding.member_id else holder


def _proof_of(binding: Binding) -> str:
    """Name the input field that the phone came by."""
    return "phone" if binding.wechat_code is None else "wechatCode"
