"""Sessions: the refresh token's shape, and what a presented one deserves (rules, section 11)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import DomainError, ErrorCode

REFRESH_GRACE = timedelta(seconds=60)
"""How long the token before the current one still answers with the current one."""

CODE_ANSWERS_FOR = timedelta(minutes=5)
"""How long a code of WeChat that was used here answers with the session it opened."""

_MAX_TOKEN_LENGTH = 128
_MAX_GENERATION = 2**31 - 1


class RefreshTokenInvalid(DomainError):
    """The refresh token is unknown, expired, revoked, or was used before."""

    code = ErrorCode.REFRESH_TOKEN_INVALID
    message = "Your session has ended. Please sign in again."

    def __init__(self) -> None:
        super().__init__(path=("refreshToken",))


class WechatSnapshotUser(DomainError):
    """The page was opened as a snapshot: WeChat shows a virtual user, who is nobody."""

    code = ErrorCode.WECHAT_SNAPSHOT_USER
    message = "Please open the full page to sign in."


class RevokeReason(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "SIGNED_OUT"
    REFRESH_REUSED = "REFRESH_REUSED"
    LEAVING = "LEAVING"


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """What a refresh token of ours says: the session, and which token of its family it is."""

    session_id: UUID
    generation: int


@dataclass(frozen=True, slots=True)
class SessionState:
    """Where a session stands."""

    generation: int
    rotated_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class RefreshVerdict(StrEnum):
    """What a presented refresh token deserves."""

    ROTATE = "ROTATE"
    REPEAT = "REPEAT"
    REVOKE = "REVOKE"
    REFUSE = "REFUSE"


def judge_refresh(state: SessionState, generation: int, *, now: datetime) -> RefreshVerdict:
    """Decide on a token of that generation.

    The current one rotates. The one before it repeats the answer for 60 seconds, as long as the
    new one is unused; used again after that, or any older one, it ends the family.
    """
    if state.revoked_at is not None or now >= state.expires_at:
        return RefreshVerdict.REFUSE
    if generation == state.generation:
        return RefreshVerdict.ROTATE
    if generation > state.generation:
        # Ours by its MAC, yet never given out: the database was set back. Nobody stole anything.
        return RefreshVerdict.REFUSE
    is_previous = generation == state.generation - 1
    if is_previous and now - state.rotated_at <= REFRESH_GRACE:
        return RefreshVerdict.REPEAT
    return RefreshVerdict.REVOKE


def write_refresh_token(claim: RefreshClaim, key: bytes) -> str:
    """Return `<session>.<generation>.<MAC>`: the same claim always gives the same token."""
    body = f"{_encode(claim.session_id.bytes)}.{claim.generation}"
    return f"{body}.{_encode(_mac(body, key))}"


def read_refresh_token(text: str, keys: Sequence[bytes]) -> RefreshClaim | None:
    """Read a token made with one of the keys; None when it isn't ours."""
    body, dot, mac_text = text.rpartition(".")
    session_text, second_dot, generation_text = body.partition(".")
    if not dot or not second_dot or len(text) > _MAX_TOKEN_LENGTH or not text.isascii():
        return None
    mac = _decode(mac_text)
    if mac is None or not any(hmac.compare_digest(mac, _mac(body, key)) for key in keys):
        return None
    session_bytes = _decode(session_text)
    if session_bytes is None or len(session_bytes) != 16 or not generation_text.isdigit():
        return None
    generation = int(generation_text)
    if generation > _MAX_GENERATION:
        return None
    return RefreshClaim(UUID(bytes=session_bytes), generation)


def _mac(body: str, key: bytes) -> bytes:
    return hmac.digest(key, b"refresh token\x00" + body.encode(), hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    """Read base64url without padding; None unless it is written in its one canonical way."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
