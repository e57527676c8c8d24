"""One-use codes on their way to WeChat: the same code sent twice is asked once.

The row is the intent, written before the call. Whoever wrote it asks WeChat; a rival waits for the
answer, bounded, and gets the same session. The code itself is kept as a digest only.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from typing import TypeVar
from uuid import UUID

import asyncpg

from domain.errors import (
    AccountBlocked,
    Busy,
    DomainError,
    RateLimited,
    WechatCodeInvalid,
    WechatUnavailable,
)
from domain.phones import PhoneTaken
from domain.sessions import CODE_ANSWERS_FOR, WechatSnapshotUser
from models import database
from models.ids import new_id

T = TypeVar("T")

LEASE = timedelta(seconds=30)
"""An attempt without an answer after this belongs to a process that died; it may be taken over."""

REMEMBERED_FOR = timedelta(days=1)
"""Long past the five minutes in which WeChat itself would take a code."""

PAUSES = (0.02, 0.04, 0.08, *repeat(0.15, 36))
"""Between looks at a rival's attempt; 5.5 s in all, a little over one call to WeChat."""

_FINAL = (AccountBlocked, PhoneTaken, WechatCodeInvalid, WechatSnapshotUser)
"""Refusals that the same code would meet again. After any other, it may be sent once more."""

_REFUSALS: dict[str, type[DomainError]] = {
    refusal.code.value: refusal for refusal in (*_FINAL, RateLimited, WechatUnavailable)
}


@dataclass(frozen=True, slots=True)
class Mine:
    """This request asks WeChat, under this attempt's id."""

    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class Answered:
    """The code has led to a session already."""

    session_id: UUID
    is_new_member: bool


async def claim(purpose: str, code: str, *, now: datetime) -> Mine | Answered:
    """Write the intent, or wait for a rival's answer; not inside a transaction.

    Raises:
        WechatCodeInvalid: the code was used more than five minutes ago, or refused.
        Busy: a rival has the code and no answer yet.
        DomainError: the rival's refusal.
    """
    digest = hashlib.sha256(f"{purpose}\x00{code}".encode()).digest()
    attempt_id = await _begin(digest, now=now)
    return Mine(attempt_id) if attempt_id is not None else await _wait(digest, now=now)


async def _begin(digest: bytes, *, now: datetime) -> UUID | None:
    """Take the code, or take it over from an attempt that came to nothing.

    Taking over changes the row's id, which fences the earlier owner off, should it wake up.
    """
    taken: UUID | None = await database.fetch_value(
        """
        INSERT INTO sign_in_attempt AS attempt (id, code_hash, is_new_member, created_at)
        VALUES ($1, $2, false, $3)
        ON CONFLICT (code_hash) DO UPDATE
        SET id = excluded.id, created_at = excluded.created_at, finished_at = NULL,
            error_code = NULL
        WHERE attempt.session_id IS NULL
          AND (attempt.error_code <> ALL($5)
               OR (attempt.finished_at IS NULL AND attempt.created_at < $4))
        RETURNING id
        """,
        new_id(),
        digest,
        now,
        now - LEASE,
        [refusal.code.value for refusal in _FINAL],
    )
    return taken


async def _wait(digest: bytes, *, now: datetime) -> Answered:
    for pause_seconds in PAUSES:
        row = await database.fetch_one(
            """
            SELECT attempt.error_code, attempt.finished_at, attempt.created_at,
                   attempt.is_new_member, attempt.session_id
            FROM sign_in_attempt AS attempt WHERE code_hash = $1
            """,
            digest,
        )
        if row is not None and row["finished_at"] is not None:
            return _answer(row, now=now)
        await asyncio.sleep(pause_seconds)
    raise Busy


def _answer(row: asyncpg.Record, *, now: datetime) -> Answered:
    if row["error_code"] is not None:
        raise _REFUSALS.get(row["error_code"], WechatUnavailable)
    if now - row["created_at"] > CODE_ANSWERS_FOR:
        raise WechatCodeInvalid(path=("code",))
    return Answered(row["session_id"], row["is_new_member"])


async def still_mine(attempt_id: UUID) -> bool:
    """Lock the attempt inside the open transaction; False if another has taken it over."""
    found = await database.fetch_value(
        "SELECT id FROM sign_in_attempt WHERE id = $1 AND finished_at IS NULL FOR UPDATE",
        attempt_id,
    )
    return found is not None


async def succeed(
    attempt_id: UUID, session_id: UUID, *, is_new_member: bool, now: datetime
) -> None:
    """Write the answer, in the transaction that made the session."""
    await database.execute(
        """
        UPDATE sign_in_attempt SET session_id = $2, is_new_member = $3, finished_at = $4
        WHERE id = $1
        """,
        attempt_id,
        session_id,
        is_new_member,
        now,
    )


async def told_to_rivals(attempt_id: UUID, work: Callable[[], Awaitable[T]], *, now: datetime) -> T:
    """Run the rest of an attempt; its refusal is written down for whoever waits for it."""
    try:
        return await work()
    except DomainError as refusal:
        await _fail(attempt_id, refusal, now=now)
        raise


async def _fail(attempt_id: UUID, refusal: DomainError, *, now: datetime) -> None:
    """Write the refusal, so that rivals need not wait."""
    await database.execute(
        "UPDATE sign_in_attempt SET error_code = $2, finished_at = $3"
        " WHERE id = $1 AND finished_at IS NULL",
        attempt_id,
        refusal.code,
        now,
    )


async def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """Drop attempts past their time; returns how many."""
    return await database.execute(
        """
        DELETE FROM sign_in_attempt WHERE id IN (
            SELECT id FROM sign_in_attempt WHERE created_at < $1 ORDER BY created_at LIMIT $2
        )
        """,
        now - REMEMBERED_FOR,
        limit,
    )
