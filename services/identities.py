"""Whose an openid is: finding, linking and making the member behind a WeChat account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.errors import AccountBlocked
from domain.members import IdentityKind, MemberStatus
from domain.merging import Ties, may_be_one
from domain.wechat import WechatIdentity
from models import database
from models.ids import new_id
from services import former_identities, locks, members, merging
from services.personal_data import PersonalData

SESSION_KEY = "identity.session_key"
"""What a sealed session key is sealed for."""


@dataclass(frozen=True, slots=True)
class Found:
    """The member behind an identity. `is_new`: made just now."""

    member_id: UUID
    is_new: bool


async def member_behind(
    account: WechatIdentity,
    kind: IdentityKind,
    *,
    viewer_id: UUID | None,
    personal_data: PersonalData,
    now: datetime,
) -> Found:
    """Return the member of a WeChat account inside the open transaction, making one if need be.

    The identity is (appid, openid). A unionid joins the identities of one person, and a sign-in
    with a token links to the signed-in member. Where the two can't be one person, the WeChat
    account decides and the others stay apart: its code is the freshest proof of who is there.

    Raises:
        AccountBlocked: the account, or another one of the same person, is closed or blocked.
    """
    session_key = None
    if account.session_key is not None:
        session_key = personal_data.seal(account.session_key.encode(), context=SESSION_KEY)
    known = await _touch(account, session_key, now=now)
    if known is not None and _tells_nothing_new(known, account, viewer_id):
        _require_active(known["status"])
        return Found(known["member_id"], is_new=False)
    digest = former_identities.openid_digest(account.appid, account.openid, personal_data)
    found = await _link(account, kind, viewer_id=viewer_id, session_key=session_key, now=now)
    await former_identities.know_again(found.member_id, digest, now=now)
    return found


async def _touch(
    account: WechatIdentity, session_key: bytes | None, *, now: datetime
) -> asyncpg.Record | None:
    """Keep the newest session key; return the identity as it is known, None if it isn't."""
    return await database.fetch_one(
        """
        UPDATE identity
        SET session_key_encrypted = coalesce($3, session_key_encrypted), updated_at = $4
        FROM member
        WHERE identity.appid = $1 AND identity.openid = $2 AND member.id = identity.member_id
        RETURNING identity.id, identity.member_id, identity.unionid, member.status
        """,
        account.appid,
        account.openid,
        session_key,
        now,
    )


def _tells_nothing_new(
    known: asyncpg.Record, account: WechatIdentity, viewer_id: UUID | None
) -> bool:
    return account.unionid in (None, known["unionid"]) and viewer_id in (None, known["member_id"])


async def _link(
    account: WechatIdentity,
    kind: IdentityKind,
    *,
    viewer_id: UUID | None,
    session_key: bytes | None,
    now: datetime,
) -> Found:
    """Settle a new identity, or news about a known one, while nobody else does."""
    await locks.hold(
        f"openid:{account.appid}:{account.openid}",
        *([f"unionid:{account.unionid}"] if account.unionid else []),
    )
    known = await _touch(account, session_key, now=now)
    kin = await _kin(account, viewer_id)
    if known is not None:
        _require_active(known["status"])
        await _learn_unionid(known, account, now=now)
        return Found(await _gather(known["member_id"], kin, now=now), is_new=False)
    home = await _home_for(account, kin)
    member_id = home if home is not None else await members.create(now=now)
    await _add(member_id, account, kind, session_key, now=now)
    return Found(await _gather(member_id, kin, now=now), is_new=home is None)


async def _kin(account: WechatIdentity, viewer_id: UUID | None) -> list[UUID]:
    """Return the members of the same unionid, oldest first, and then the signed-in one.

    WeChat's word on who is one person comes before the token's.
    """
    rows = await database.fetch(
        """
        SELECT id, status FROM member
        WHERE id IN (SELECT member_id FROM identity WHERE unionid = $1)
        ORDER BY created_at, id
        """,
        account.unionid,
    )
    for row in rows:
        _require_active(row["status"])
    kin = [row["id"] for row in rows]
    return kin if viewer_id is None else [*kin, await members.survivor_of(viewer_id)]


async def _home_for(account: WechatIdentity, kin: list[UUID]) -> UUID | None:
    """Return the first of the kin that a new identity may be added to."""
    newcomer = Ties.of([(account.appid, account.unionid)])
    for relative in kin:
        # Locked first, so that another identity of theirs can't appear between look and insert.
        member_id = await merging.lock_survivor(relative)
        if may_be_one(await merging.ties_of(member_id), newcomer):
            return member_id
    return None


async def _gather(member_id: UUID, others: list[UUID], *, now: datetime) -> UUID:
    """Merge what belongs to one person; who can't be merged stays apart."""
    for other in others:
        if other != member_id:
            member_id = await merging.merge(member_id, other, now=now) or member_id
    return member_id


async def _learn_unionid(known: asyncpg.Record, account: WechatIdentity, *, now: datetime) -> None:
    if account.unionid in (None, known["unionid"]):
        return
    await database.execute(
        "UPDATE identity SET unionid = $2, updated_at = $3 WHERE id = $1",
        known["id"],
        account.unionid,
        now,
    )


async def _add(
    member_id: UUID,
    account: WechatIdentity,
    kind: IdentityKind,
    session_key: bytes | None,
    *,
    now: datetime,
) -> None:
    await database.execute(
        """
        INSERT INTO identity (id, member_id, kind, appid, openid, unionid, session_key_encrypted,
                              created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        """,
        new_id(),
        member_id,
        kind,
        account.appid,
        account.openid,
        account.unionid,
        session_key,
        now,
    )


def _require_active(status: str) -> None:
    if status != MemberStatus.ACTIVE:
        raise AccountBlocked
