"""Sessions: opening, refreshing, ending them, and telling every process which have ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import asyncpg

from domain.errors import AccountBlocked, Busy, WechatCodeInvalid
from domain.members import MemberStatus
from domain.sessions import (
    RefreshClaim,
    RefreshTokenInvalid,
    RefreshVerdict,
    RevokeReason,
    SessionState,
    judge_refresh,
)
from models import database
from models.ids import new_id
from services.rate_limits import Door, RateLimits, pass_door

_REFRESH_ATTEMPTS = 3
_KEPT_AFTER_END = timedelta(days=30)


class AccessToken(Protocol):
    """A signed access token and when it ends."""

    @property
    def text(self) -> str:
        """What goes behind "Bearer"."""

    @property
    def expires_at(self) -> datetime:
        """The first instant at which it is refused."""


class SessionTokens(Protocol):
    """Makes and reads the tokens of sessions."""

    @property
    def refresh_lifetime(self) -> timedelta:
        """How long a session lives after its last use."""

    def access_token(self, member_id: UUID, session_id: UUID, *, now: datetime) -> AccessToken:
        """Sign a token for requests."""

    def refresh_token(self, claim: RefreshClaim) -> str:
        """Return the refresh token of a claim, always the same."""

    def read_refresh_token(self, text: str) -> RefreshClaim | None:
        """Read a refresh token; None when it isn't ours."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An open session and whose it is.

    `is_new_member`: this very call made the account, or made a visitor a member.
    """

    session_id: UUID
    member_id: UUID
    generation: int
    is_new_member: bool = False


async def open_session(
    member_id: UUID, *, appid: str | None, lifetime: timedelta, now: datetime
) -> UUID:
    """Open a session inside the open transaction; `appid` is None outside WeChat.

    Who had asked to leave stays: signing in says so.
    """
    session_id = new_id()
    await database.execute(
        """
        WITH stays AS (
            UPDATE member SET leaves_at = NULL WHERE id = $2 AND leaves_at IS NOT NULL
        )
        INSERT INTO session (id, member_id, appid, generation, rotated_at, expires_at, created_at)
        VALUES ($1, $2, $3, 0, $4, $5, $4)
        """,
        session_id,
        member_id,
        appid,
        now,
        now + lifetime,
    )
    return session_id


async def first_answer(session_id: UUID, *, is_new_member: bool) -> SignedIn:
    """Return a session as it was first told, for whoever sent its code at the same moment.

    Raises:
        WechatCodeInvalid: the session has moved on, so the first answer has come through; who
            sends the code now is somebody else.
        AccountBlocked: the member may not be here any more.
    """
    row = await database.fetch_one(
        """
        SELECT session.member_id, member.status
        FROM session JOIN member ON member.id = session.member_id
        WHERE session.id = $1 AND session.generation = 0 AND session.revoked_at IS NULL
        """,
        session_id,
    )
    if row is None:
        raise WechatCodeInvalid(path=("code",))
    if row["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    return SignedIn(session_id, row["member_id"], 0, is_new_member)


async def refresh(
    token: str, *, tokens: SessionTokens, limits: RateLimits, client_ip: str, now: datetime
) -> SignedIn:
    """Exchange a refresh token for the next one, once; see `judge_refresh`.

    Raises:
        RefreshTokenInvalid: and, for a token used before, the whole session has ended.
        AccountBlocked: the member may not be here any more.
        RateLimited: too many from this address.
    """
    await pass_door(limits, Door.REFRESH, client_ip)
    claim = tokens.read_refresh_token(token)
    if claim is None:
        raise RefreshTokenInvalid
    for _ in range(_REFRESH_ATTEMPTS):
        member_id = await _rotate(claim, lifetime=tokens.refresh_lifetime, now=now)
        if member_id is not None:
            return SignedIn(claim.session_id, member_id, claim.generation + 1)
        row = await _session_and_member(claim.session_id)
        if row is None:
            raise RefreshTokenInvalid
        if row["status"] in (MemberStatus.BLOCKED, MemberStatus.LEFT):
            raise AccountBlocked
        verdict = judge_refresh(_state(row), claim.generation, now=now)
        if verdict is RefreshVerdict.REPEAT:
            return SignedIn(claim.session_id, row["member_id"], claim.generation + 1)
        if verdict is RefreshVerdict.REVOKE:
            await end(claim.session_id, RevokeReason.REFRESH_REUSED, now=now)
        if verdict is not RefreshVerdict.ROTATE:
            raise RefreshTokenInvalid
        # The session changed hands between the two statements, by a merge: look again.
    raise Busy


async def _rotate(claim: RefreshClaim, *, lifetime: timedelta, now: datetime) -> UUID | None:
    """Move to the next generation if the claim's is current; this statement decides all races."""
    member_id: UUID | None = await database.fetch_value(
        """
        UPDATE session
        SET generation = session.generation + 1, rotated_at = $3, expires_at = $4
        FROM member
        WHERE session.id = $1 AND session.generation = $2 AND session.revoked_at IS NULL
          AND session.expires_at > $3 AND member.id = session.member_id
          AND member.status = 'ACTIVE'
        RETURNING session.member_id
        """,
        claim.session_id,
        claim.generation,
        now,
        now + lifetime,
    )
    return member_id


async def _session_and_member(session_id: UUID) -> asyncpg.Record | None:
    return await database.fetch_one(
        """
        SELECT session.member_id, session.generation, session.rotated_at, session.expires_at,
               session.revoked_at, member.status
        FROM session JOIN member ON member.id = session.member_id
        WHERE session.id = $1
        """,
        session_id,
    )


def _state(row: asyncpg.Record) -> SessionState:
    return SessionState(
        generation=row["generation"],
        rotated_at=row["rotated_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


async def current(session_id: UUID, *, is_new_member: bool, now: datetime) -> SignedIn:
    """Return an open session as it stands, with the member it belongs to now.

    Raises:
        RefreshTokenInvalid: it has ended.
        AccountBlocked: the member may not be here any more.
    """
    row = await _session_and_member(session_id)
    if row is None or row["revoked_at"] is not None or row["expires_at"] <= now:
        raise RefreshTokenInvalid
    if row["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    return SignedIn(session_id, row["member_id"], row["generation"], is_new_member)


async def end(session_id: UUID, reason: RevokeReason, *, now: datetime) -> None:
    """End a session and its whole family of tokens; ending it again changes nothing."""
    await database.execute(
        "UPDATE session SET revoked_at = $2, revoke_reason = $3"
        " WHERE id = $1 AND revoked_at IS NULL",
        session_id,
        now,
        reason,
    )


async def end_all(member_id: UUID, reason: RevokeReason, *, now: datetime) -> None:
    """End every session of a member, on all their devices."""
    await database.execute(
        "UPDATE session SET revoked_at = $2, revoke_reason = $3"
        " WHERE member_id = $1 AND revoked_at IS NULL",
        member_id,
        now,
        reason,
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to signed-in members since some instant."""

    ended_sessions: dict[UUID, datetime]
    survivors: dict[UUID, UUID]


async def changes_since(since: datetime) -> Changes:
    """Return the sessions that ended and the members merged since then, in one statement."""
    rows = await database.fetch_planned(
        """
        SELECT id, NULL::uuid AS survivor_id, revoked_at AS at FROM session
        WHERE revoked_at >= $1
        UNION ALL
        SELECT loser_id, survivor_id, merged_at FROM member_merge WHERE merged_at >= $1
        """,
        since,
    )
    return Changes(
        ended_sessions={row["id"]: row["at"] for row in rows if row["survivor_id"] is None},
        survivors={row["id"]: row["survivor_id"] for row in rows if row["survivor_id"]},
    )


async def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """Drop sessions that ended or ran out long ago; returns how many."""
    return await database.execute(
        """
        WITH old AS (
            SELECT id FROM session WHERE expires_at < $1 LIMIT $2
        ), attempts AS (
            DELETE FROM sign_in_attempt WHERE session_id IN (SELECT id FROM old)
        )
        DELETE FROM session WHERE id IN (SELECT id FROM old)
        """,
        now - _KEPT_AFTER_END,
        limit,
    )
