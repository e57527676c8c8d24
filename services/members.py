"""Making members, and finding who invited them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import AccountBlocked
from domain.members import MemberStatus, SceneKind
from models import database
from models.ids import new_id, number_code, readable_code
from services import ledger
from services import rules as rule_versions

MEMBER_NO_PREFIX = "8"
"""Fits a barcode, and no till drops it as it would a leading zero."""
MEMBER_NO_RANDOM_DIGITS = 11
INVITE_CODE_LENGTH = 8
_ATTEMPTS = 5
_MAX_MERGES_IN_A_ROW = 32
_INVITE_CODE = re.compile(r"[0-9A-Z]{4,16}", re.ASCII)
_SCENE_CODE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Phone:
    """A verified phone as it is kept: sealed, and the digest it is found by."""

    sealed: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Invitation:
    """The codes that a link or a poster brought along; bad ones are as good as none."""

    invite_code: str | None = None
    scene_code: str | None = None


async def create(*, now: datetime, phone: Phone | None = None) -> UUID:
    """Add a visitor with their ledger accounts, inside the open transaction."""
    in_force = await rule_versions.in_force(now=now)
    for _ in range(_ATTEMPTS):
        member_id = new_id()
        # Two random numbers may be taken already; a phone that is taken is the caller's concern,
        # who holds its lock.
        inserted = await database.execute(
            """
            INSERT INTO member (id, member_no, status, nickname, gender, phone_encrypted,
                                phone_hash, phone_verified_at, invite_code, tier_code, tier_since,
                                lifetime_growth, created_at, updated_at)
            VALUES ($1, $2, 'ACTIVE', '', 'UNKNOWN', $3, $4, $5, $6, $7, $8, 0, $8, $8)
            ON CONFLICT DO NOTHING
            """,
            member_id,
            MEMBER_NO_PREFIX + number_code(MEMBER_NO_RANDOM_DIGITS),
            phone.sealed if phone else None,
            phone.digest if phone else None,
            now if phone else None,
            readable_code(INVITE_CODE_LENGTH),
            in_force.rules.tiers[0].code,
            now,
        )
        if inserted:
            await ledger.open_accounts([member_id], now=now)
            return member_id
    raise AssertionError(f"{_ATTEMPTS} random member numbers in a row were taken")


async def bind_inviter(member_id: UUID, invitation: Invitation, *, now: datetime) -> None:
    """Remember who invited a visitor: once, never themselves; a bad code changes nothing."""
    inviter_id = await inviter_of(invitation, now=now)
    if inviter_id is None:
        return
    await database.execute(
        """
        UPDATE member SET invited_by_id = $2, invited_at = $3, updated_at = $3
        WHERE id = $1 AND id <> $2 AND invited_by_id IS NULL AND joined_at IS NULL
        """,
        member_id,
        inviter_id,
        now,
    )


async def inviter_of(invitation: Invitation, *, now: datetime) -> UUID | None:
    """Return who stands behind an invite code, or else behind a scene of kind INVITATION."""
    found = await _holder_of(invitation.invite_code) or await _scene_inviter(
        invitation.scene_code, now=now
    )
    if found is None:
        return None
    try:
        return await survivor_of(found)
    except AccountBlocked:
        return None


async def _holder_of(invite_code: str | None) -> UUID | None:
    code = (invite_code or "").strip().upper()
    if not _INVITE_CODE.fullmatch(code):
        return None
    found: UUID | None = await database.fetch_value(
        "SELECT id FROM member WHERE invite_code = $1", code
    )
    return found


async def _scene_inviter(scene_code: str | None, *, now: datetime) -> UUID | None:
    if not _SCENE_CODE.fullmatch(scene_code or ""):
        return None
    found: UUID | None = await database.fetch_value(
        """
        SELECT inviter_id FROM scene
        WHERE code = $1 AND kind = $2 AND (expires_at IS NULL OR expires_at > $3)
        """,
        scene_code,
        SceneKind.INVITATION,
        now,
    )
    return found


async def survivor_of(member_id: UUID) -> UUID:
    """Follow merges to the member who holds the account now.

    Raises:
        AccountBlocked: the account at the end isn't active, or there is none.
    """
    for _ in range(_MAX_MERGES_IN_A_ROW):
        row = await database.fetch_one(
            "SELECT status, merged_into_id FROM member WHERE id = $1", member_id
        )
        if row is None or row["status"] in (MemberStatus.BLOCKED, MemberStatus.LEFT):
            raise AccountBlocked
        if row["merged_into_id"] is None:
            return member_id
        member_id = row["merged_into_id"]
    raise AssertionError("merges go round in a circle")
