"""Scenes: what a poster's QR code means.

A product, store, team, flash sale or coupon campaign has a code that needs no row
(`domain.scenes`); every other scene is a row with a short random code, made when it is first asked
for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.members import SceneKind
from domain.scenes import read_target_scene_code
from models import database
from models.ids import base62_code, new_id
from services import locks

CODE_LENGTH = 12
"""71 bits: nobody finds one by trying, and the QR stays coarse enough for old cameras."""

_CODE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}", re.ASCII)
_TARGETS = {
    SceneKind.COUPON_CAMPAIGN: "SELECT EXISTS (SELECT FROM coupon_campaign WHERE id = $1)",
    SceneKind.FLASH_SALE: "SELECT EXISTS (SELECT FROM flash_sale WHERE id = $1)",
    SceneKind.GROUP_BUY_TEAM: "SELECT EXISTS (SELECT FROM group_buy_team WHERE id = $1)",
    SceneKind.PRODUCT: "SELECT EXISTS (SELECT FROM product WHERE id = $1)",
    SceneKind.STORE: "SELECT EXISTS (SELECT FROM store WHERE id = $1)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFound:
    """Where a QR code leads, and whose invitation comes with it."""

    code: str
    kind: SceneKind
    target_id: str | None = None
    invite_code: str | None = None


async def find_scene(code: str, *, now: datetime) -> SceneFound | None:
    """Return what a code means; None when it means nothing, or no longer."""
    target = read_target_scene_code(code)
    if target is not None:
        kind, target_id = target
        exists: bool = await database.fetch_value(_TARGETS[kind], target_id)
        return SceneFound(code=code, kind=kind, target_id=str(target_id)) if exists else None
    if not _CODE.fullmatch(code):
        return None
    row = await database.fetch_one(
        """
        SELECT scene.kind, scene.target_id, member.invite_code
        FROM scene LEFT JOIN member
            ON member.id = scene.inviter_id AND member.status IN ('ACTIVE', 'MERGED')
        WHERE scene.code = $1 AND (scene.expires_at IS NULL OR scene.expires_at > $2)
        """,
        code,
        now,
    )
    if row is None:
        return None
    return SceneFound(
        code=code,
        kind=SceneKind(row["kind"]),
        target_id=row["target_id"],
        invite_code=row["invite_code"],
    )


async def scene_code(
    kind: SceneKind, *, target_id: str | None = None, inviter_id: UUID | None = None, now: datetime
) -> str:
    """Return the lasting code of a scene, making it when it is first asked for."""
    code = await _find(kind, target_id, inviter_id)
    if code is None:
        code = await database.retrying(lambda: _make(kind, target_id, inviter_id, now))
    return code


async def _make(
    kind: SceneKind, target_id: str | None, inviter_id: UUID | None, now: datetime
) -> str:
    async with database.in_transaction():
        await locks.hold(f"scene:{kind}:{target_id}:{inviter_id}")
        code = await _find(kind, target_id, inviter_id)
        if code is not None:
            return code
        code = base62_code(CODE_LENGTH)
        await database.execute(
            """
            INSERT INTO scene (id, code, kind, target_id, inviter_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            new_id(),
            code,
            kind,
            target_id,
            inviter_id,
            now,
        )
        return code


async def _find(kind: SceneKind, target_id: str | None, inviter_id: UUID | None) -> str | None:
    found: str | None = await database.fetch_value(
        """
        SELECT code FROM scene
        WHERE kind = $1 AND target_id IS NOT DISTINCT FROM $2
            AND inviter_id IS NOT DISTINCT FROM $3 AND expires_at IS NULL
        ORDER BY created_at, id LIMIT 1
        """,
        kind,
        target_id,
        inviter_id,
    )
    return found
