"""SMS codes: sending within limits, checking with a bounded number of guesses, using once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.errors import RateLimited
from domain.phones import (
    CODE_ATTEMPTS,
    CODE_DIGITS,
    CODE_LIFETIME,
    CODE_REPEATS_FOR,
    CODES_PER_DAY,
    RESEND_AFTER,
    SmsCodeInvalid,
    SmsUnavailable,
    parse_phone,
)
from models import database
from models.ids import new_id, number_code
from services import locks
from services.captcha import Captcha, require_person
from services.personal_data import PersonalData
from services.rate_limits import Door, RateLimits, pass_door

_DAY = timedelta(days=1)


class SmsSender(Protocol):
    """Hands a code over to a carrier."""

    async def send_code(self, phone: str, code: str) -> None:
        """Send the code to a mainland number of 11 digits.

        Raises:
            SmsUnavailable: it could not be handed over.
        """


@dataclass(frozen=True, slots=True)
class CheckedCode:
    """The right code for a phone. `was_used`: a rival has used it, moments ago at most."""

    id: UUID
    was_used: bool


async def send(
    phone_text: str,
    captcha_token: str | None,
    *,
    sender: SmsSender,
    captcha: Captcha | None,
    limits: RateLimits,
    personal_data: PersonalData,
    client_ip: str,
    now: datetime,
) -> int:
    """Send a new code; returns the seconds until the next may be asked for.

    The answer is the same whether or not anybody here has the phone: nobody looks.

    Raises:
        InvalidInput, CaptchaRequired, RateLimited, SmsUnavailable.
    """
    phone = parse_phone(phone_text, "phone")
    await require_person(captcha, captcha_token, client_ip=client_ip)
    await pass_door(limits, Door.SMS, client_ip)
    code = number_code(CODE_DIGITS)
    digest = personal_data.phone_digest(phone)
    code_id = await _write(digest, personal_data.code_digest(phone, code), now=now)
    try:
        await sender.send_code(phone, code)
    except SmsUnavailable:
        await database.execute("DELETE FROM sms_code WHERE id = $1", code_id)
        raise
    return int(RESEND_AFTER.total_seconds())


async def _write(phone_hash: bytes, code_hash: bytes, *, now: datetime) -> UUID:
    """Write the code down if the phone may have one now; requests for one phone take turns."""
    code_id = new_id()

    async def work() -> None:
        async with database.in_transaction():
            await locks.hold(f"sms:{phone_hash.hex()}")
            sent = await database.fetch(
                "SELECT sent_at FROM sms_code WHERE phone_hash = $1 AND sent_at > $2"
                " ORDER BY sent_at DESC",
                phone_hash,
                now - _DAY,
            )
            _allow([row["sent_at"] for row in sent], now=now)
            await database.execute(
                """
                INSERT INTO sms_code (id, phone_hash, code_hash, attempts_left, sent_at, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                code_id,
                phone_hash,
                code_hash,
                CODE_ATTEMPTS,
                now,
                now + CODE_LIFETIME,
            )

    await database.retrying(work)
    return code_id


def _allow(sent: list[datetime], *, now: datetime) -> None:
    """Refuse another code too soon after the last, or too many in 24 hours; newest first."""
    if sent and now - sent[0] < RESEND_AFTER:
        wait = sent[0] + RESEND_AFTER - now
        raise RateLimited(path=("phone",), retry_after_seconds=_seconds(wait))
    if len(sent) >= CODES_PER_DAY:
        wait = sent[CODES_PER_DAY - 1] + _DAY - now
        raise RateLimited(path=("phone",), retry_after_seconds=_seconds(wait))


def _seconds(wait: timedelta) -> int:
    return max(1, math.ceil(wait.total_seconds()))


async def check(
    phone: str, code: str, *, personal_data: PersonalData, now: datetime
) -> CheckedCode:
    """Compare a code with the newest one sent to the phone; a wrong one costs a guess at once.

    Not inside a transaction: a guess must count even if what it was for is refused. However many
    guess at the same time, the conditional UPDATE lets no more than the allowed number through;
    a code that was just used is guarded by the same count.

    Raises:
        SmsCodeInvalid: wrong, used a while ago, expired, or no guesses left; they look the same.
    """
    latest_id: UUID | None = await database.fetch_value(
        "SELECT id FROM sms_code WHERE phone_hash = $1 ORDER BY sent_at DESC, id DESC LIMIT 1",
        personal_data.phone_digest(phone),
    )
    if latest_id is None:
        raise SmsCodeInvalid
    told = await database.fetch_one(
        """
        UPDATE sms_code SET attempts_left = attempts_left - (code_hash <> $2)::int
        WHERE id = $1 AND (used_at IS NULL OR used_at > $4) AND attempts_left > 0
          AND expires_at > $3
        RETURNING code_hash = $2 AS is_right, used_at IS NOT NULL AS was_used
        """,
        latest_id,
        personal_data.code_digest(phone, code),
        now,
        now - CODE_REPEATS_FOR,
    )
    if told is None or not told["is_right"]:
        raise SmsCodeInvalid
    return CheckedCode(latest_id, was_used=told["was_used"])


async def use(code_id: UUID, *, now: datetime) -> bool:
    """Use the code up inside the open transaction; False if a rival has just done so."""
    return bool(
        await database.execute(
            "UPDATE sms_code SET used_at = $2 WHERE id = $1 AND used_at IS NULL", code_id, now
        )
    )


async def was_used(phone_hash: bytes, code_hash: bytes) -> bool:
    """Tell whether the newest code sent to the phone is this one, and used."""
    return bool(
        await database.fetch_value(
            """
            SELECT code_hash = $2 AND used_at IS NOT NULL FROM sms_code
            WHERE phone_hash = $1 ORDER BY sent_at DESC, id DESC LIMIT 1
            """,
            phone_hash,
            code_hash,
        )
    )


async def remember_session(
    code_id: UUID, session_id: UUID, *, is_new_member: bool, now: datetime
) -> None:
    """Note which session the code opened, for a rival of the same moment."""
    await database.execute(
        """
        INSERT INTO sign_in_attempt (id, code_hash, session_id, is_new_member, created_at,
                                     finished_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        """,
        code_id,
        code_id.bytes,
        session_id,
        is_new_member,
        now,
    )


async def remembered_session(code_id: UUID) -> tuple[UUID, bool] | None:
    """Return the session that the code opened and whether its member was new."""
    row = await database.fetch_one(
        "SELECT session_id, is_new_member FROM sign_in_attempt WHERE id = $1", code_id
    )
    return None if row is None else (row["session_id"], row["is_new_member"])


async def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """Drop codes that no limit counts any more; returns how many."""
    return await database.execute(
        """
        DELETE FROM sms_code WHERE id IN (
            SELECT id FROM sms_code WHERE sent_at < $1 ORDER BY sent_at LIMIT $2
        )
        """,
        now - 2 * _DAY,
        limit,
    )
