"""Leaving: asked for with a code, changed by signing in, and carried out after its days.

What has ended is the person's data. The book and the orders stay valid under a pseudonym, as the
law on keeping records of trade asks (docs/rules.md, section 11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from domain.accounts import LeavingNotConfirmed, SomethingOpen, leaves_at
from domain.errors import AccountBlocked, Busy, InvalidInput, WechatCodeInvalid
from domain.ledger import SourceKind
from domain.members import MemberStatus
from domain.phones import SmsCodeInvalid
from domain.sessions import RevokeReason
from models import database
from models.ids import new_id
from services import code_attempts, points, sessions, sms_codes
from services import rules as rule_versions
from services.former_identities import openid_digest
from services.personal_data import PersonalData
from services.phones import PHONE
from services.rate_limits import Door, RateLimits, pass_door
from services.uploads import PictureStorage
from services.wechat_login import WechatApp, check_code

log = structlog.get_logger(__name__)

PUT_OFF = timedelta(days=1)
"""When who can't leave yet, or whose leaving failed, is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A wish to leave, with the proof of who asks: a fresh WeChat code, or an SMS code."""

    member_id: UUID
    session_id: UUID
    confirm: bool
    wechat_code: str | None = field(default=None, repr=False)
    sms_code: str | None = field(default=None, repr=False)
    client_ip: str = field(default="", repr=False)


async def ask_to_leave(
    command: Leave,
    *,
    app: WechatApp,
    personal_data: PersonalData,
    limits: RateLimits,
    now: datetime,
) -> datetime:
    """Have a member leave after the days that the rules leave them to change their mind.

    Every session ends now; signing in before then is staying. Returns when the account ends.

    Raises:
        LeavingNotConfirmed, SomethingOpen, AccountBlocked
        WechatCodeInvalid, WechatUnavailable, SmsCodeInvalid, InvalidInput, RateLimited: the proof.
    """
    if not command.confirm:
        raise LeavingNotConfirmed
    status = await database.fetch_value(
        "SELECT status FROM member WHERE id = $1", command.member_id
    )
    if status != MemberStatus.ACTIVE:
        raise AccountBlocked
    await pass_door(limits, Door.SIGN_IN, command.client_ip)
    if (command.wechat_code is None) == (command.sms_code is None):
        raise InvalidInput(path=("wechatCode",), problem="Give wechatCode or smsCode, not both.")
    if await has_something_open(command.member_id):
        raise SomethingOpen  # Before a code is used up for nothing.
    if command.wechat_code is not None:
        return await _by_wechat(command, command.wechat_code, app, now=now)
    return await _by_sms(command, command.sms_code or "", personal_data, now=now)


async def _by_wechat(command: Leave, code: str, app: WechatApp, *, now: datetime) -> datetime:
    check_code(code, "wechatCode")
    claimed = await code_attempts.claim(f"leave:{app.appid}", code, now=now)
    if isinstance(claimed, code_attempts.Answered):
        if claimed.session_id != command.session_id:
            raise WechatCodeInvalid(path=("wechatCode",))
        return await database.retrying(lambda: _decide(command.member_id, now))

    async def finish() -> datetime:
        account = await app.exchange(code)
        return await database.retrying(
            lambda: _leave_by_openid(claimed.attempt_id, command, account.openid, app, now=now)
        )

    return await code_attempts.told_to_rivals(claimed.attempt_id, finish, now=now)


async def _leave_by_openid(
    attempt_id: UUID, command: Leave, openid: str, app: WechatApp, *, now: datetime
) -> datetime:
    async with database.in_transaction():
        is_theirs = await database.fetch_value(
            "SELECT true FROM identity WHERE member_id = $1 AND appid = $2 AND openid = $3",
            command.member_id,
            app.appid,
            openid,
        )
        if not is_theirs or not await code_attempts.still_mine(attempt_id):
            raise WechatCodeInvalid(path=("wechatCode",))
        leaving = await _decide(command.member_id, now)
        await code_attempts.succeed(attempt_id, command.session_id, is_new_member=False, now=now)
        return leaving


async def _by_sms(
    command: Leave, code: str, personal_data: PersonalData, *, now: datetime
) -> datetime:
    sealed: bytes | None = await database.fetch_value(
        "SELECT phone_encrypted FROM member WHERE id = $1", command.member_id
    )
    if sealed is None:
        raise SmsCodeInvalid
    phone = personal_data.open(sealed, context=PHONE).decode()
    checked = await sms_codes.check(phone, code, personal_data=personal_data, now=now)

    async def work() -> datetime:
        async with database.in_transaction():
            if not await sms_codes.use(checked.id, now=now):
                raise SmsCodeInvalid
            return await _decide(command.member_id, now)

    return await database.retrying(work)


async def _decide(member_id: UUID, now: datetime) -> datetime:
    """Set the day, and end all sessions; a second wish keeps the first one's day."""
    rules = (await rule_versions.in_force(now=now)).rules.members
    async with database.in_transaction():
        member = await database.fetch_one(
            "SELECT status, leaves_at FROM member WHERE id = $1 FOR NO KEY UPDATE", member_id
        )
        if member is None or member["status"] != MemberStatus.ACTIVE:
            raise AccountBlocked
        if await has_something_open(member_id):
            raise SomethingOpen
        leaving: datetime = member["leaves_at"] or leaves_at(now, rules.leaving_days)
        await database.execute(
            "UPDATE member SET leaves_at = $2, updated_at = $3 WHERE id = $1",
            member_id,
            leaving,
            now,
        )
        await sessions.end_all(member_id, RevokeReason.LEAVING, now=now)
        return leaving


async def has_something_open(member_id: UUID) -> bool:
    """Tell whether an order or a refund of the member isn't finished yet."""
    found: bool = await database.fetch_value(
        """
        SELECT EXISTS (
            SELECT FROM sales_order
            WHERE member_id = $1
              AND (status NOT IN ('COMPLETED', 'CANCELLED', 'REFUNDED') OR refunds_open > 0)
        )
        """,
        member_id,
    )
    return found


async def _awaits_finality(member_id: UUID) -> bool:
    """Tell whether an order's points are still pending: they end after they have come."""
    found: bool = await database.fetch_value(
        """
        SELECT EXISTS (
            SELECT FROM sales_order WHERE member_id = $1 AND finality_due_at IS NOT NULL
        )
        """,
        member_id,
    )
    return found


async def leave_due(
    personal_data: PersonalData, pictures: PictureStorage, *, now: datetime, limit: int = 100
) -> int:
    """End the accounts whose day has come, each by itself; returns how many were decided on.

    Who has something open after all, and one that fails, is looked at again a day later.

    Raises:
        Busy: PostgreSQL kept all of them waiting.
    """
    rows = await database.fetch(
        """
        SELECT id FROM member WHERE leaves_at <= $1 AND status = 'ACTIVE'
        ORDER BY leaves_at, id LIMIT $2
        """,
        now,
        limit,
    )
    decided, waits = 0, None
    for row in rows:
        member_id: UUID = row["id"]
        try:
            if not await _leave(member_id, personal_data, pictures, now):
                await _put_off(member_id, now)
        except Busy as busy:
            log.warning("leaving_waits_for_postgresql", cause=type(busy.__cause__).__name__)
            waits = busy
            continue
        except Exception:
            log.exception("leaving_failed", member_id=str(member_id))
            await _put_off(member_id, now)
        decided += 1
    if waits is not None and not decided:
        raise waits  # Asked again at once, they would wait again.
    return decided


async def _put_off(member_id: UUID, now: datetime) -> None:
    await database.execute(
        "UPDATE member SET leaves_at = $2 WHERE id = $1 AND leaves_at <= $3",
        member_id,
        now + PUT_OFF,
        now,
    )


async def _leave(
    member_id: UUID, personal_data: PersonalData, pictures: PictureStorage, now: datetime
) -> bool:
    """End one account; False when something is open. Its pictures go first: they are outside."""
    if await has_something_open(member_id):
        return False
    for row in await database.fetch(
        "SELECT storage_key FROM upload WHERE member_id = $1", member_id
    ):
        await pictures.delete(row["storage_key"])

    async def work() -> bool:
        async with database.in_transaction():
            # Whoever signs in takes their identity first, and then the member.
            await database.execute(
                "SELECT FROM identity WHERE member_id = $1 ORDER BY id FOR UPDATE", member_id
            )
            leaving: datetime | None = await database.fetch_value(
                """
                SELECT leaves_at FROM member WHERE id = $1 AND status = 'ACTIVE' FOR NO KEY UPDATE
                """,
                member_id,
            )
            if leaving is None or leaving > now:
                return True  # They have signed in meanwhile: they stay.
            if await has_something_open(member_id) or await _awaits_finality(member_id):
                return False
            await points.write_off(member_id, source=(SourceKind.LEAVING, member_id), now=leaving)
            await _remember_identities(member_id, personal_data, at=leaving)
            for statement in _FORGET:
                await database.execute(statement, member_id)
            await database.execute(_PSEUDONYM, member_id, leaving, now)
            return True

    return await database.retrying(work)


async def _remember_identities(
    member_id: UUID, personal_data: PersonalData, *, at: datetime
) -> None:
    """Keep the hashes by which who comes anew is known: of each openid, and of the phone."""
    rows = await database.fetch(
        "SELECT appid, openid FROM identity WHERE member_id = $1", member_id
    )
    digests = [openid_digest(row["appid"], row["openid"], personal_data) for row in rows]
    phone: bytes | None = await database.fetch_value(
        "SELECT phone_hash FROM member WHERE id = $1", member_id
    )
    digests += [phone] if phone is not None else []
    await database.execute(
        """
        INSERT INTO former_identity (id, digest, left_at)
        SELECT line.id, line.digest, $3
        FROM unnest($1::uuid[], $2::bytea[]) AS line (id, digest)
        """,
        [new_id() for _ in digests],
        digests,
        at,
    )


_FORGET = (
    "DELETE FROM identity WHERE member_id = $1",
    "DELETE FROM address WHERE member_id = $1",
    "DELETE FROM cart_line WHERE member_id = $1",
    "DELETE FROM flash_reminder WHERE member_id = $1",
    "DELETE FROM message WHERE member_id = $1",
    "DELETE FROM data_export WHERE member_id = $1",
    "DELETE FROM upload WHERE member_id = $1",
    "UPDATE coupon SET status = 'REVOKED' WHERE member_id = $1 AND status = 'USABLE'",
    """
    UPDATE payment SET payer_openid = NULL
    WHERE payer_openid IS NOT NULL
      AND order_id IN (SELECT id FROM sales_order WHERE member_id = $1)
    """,
)
"""What tells who somebody is, or is of no use without them."""

_PSEUDONYM = """
UPDATE member
SET status = 'LEFT', left_at = $2, leaves_at = NULL, nickname = '', avatar_url = NULL,
    gender = 'UNKNOWN', birthday = NULL, phone_encrypted = NULL, phone_hash = NULL,
    phone_verified_at = NULL, invitation_due_at = NULL, updated_at = $3
WHERE id = $1
"""
