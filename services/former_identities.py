"""Who left and comes back: known by the hashes of their openids and their phone, for a while."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.clock import months_expiry
from models import database
from services import rules as rule_versions
from services.personal_data import PersonalData

FORMER_OPENID = "former_identity.openid"
"""What the hash of an openid that left is for."""


def openid_digest(appid: str, openid: str, personal_data: PersonalData) -> bytes:
    """Return the keyed hash by which an openid that left is known again."""
    return personal_data.keyed_digest(f"{appid}\n{openid}", context=FORMER_OPENID)


async def know_again(member_id: UUID, digest: bytes, *, now: datetime) -> None:
    """Keep newcomers' gifts from who left not long ago and comes back with this openid or phone."""
    left_at: datetime | None = await database.fetch_value(
        "SELECT max(left_at) FROM former_identity WHERE digest = $1", digest
    )
    if left_at is None:
        return
    rules = (await rule_versions.in_force(now=now)).rules.members
    await database.execute(
        """
        UPDATE member SET newcomer_gifts_from = greatest(newcomer_gifts_from, $2) WHERE id = $1
        """,
        member_id,
        months_expiry(left_at, rules.rejoin_months),
    )


async def forget_former(*, now: datetime, limit: int = 5_000) -> int:
    """Drop the hashes of who left so long ago that it makes no difference; returns how many."""
    months = (await rule_versions.in_force(now=now)).rules.members.rejoin_months
    return await database.execute(
        """
        DELETE FROM former_identity WHERE id IN (
            SELECT id FROM former_identity
            WHERE left_at < $1::timestamptz - make_interval(months => $2) - interval '2 days'
            ORDER BY left_at LIMIT $3
        )
        """,
        now,
        months,
        limit,
    )
