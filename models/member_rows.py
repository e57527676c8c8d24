"""A member as most readers want it: one typed row, and whether they have joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record

from domain.members import Gender, MemberStatus
from models import database


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row of `member`. `has_joined`: the current MEMBERSHIP and PRIVACY are accepted."""

    id: UUID
    member_no: str
    status: MemberStatus
    merged_into_id: UUID | None
    nickname: str = field(repr=False)
    avatar_url: str | None = field(repr=False)
    gender: Gender
    birthday: date | None = field(repr=False)
    phone_encrypted: bytes | None = field(repr=False)
    phone_hash: bytes | None = field(repr=False)
    invite_code: str
    joined_at: datetime | None
    has_joined: bool
    tier_code: str
    tier_since: datetime
    tier_review_at: datetime | None
    lifetime_growth: int
    created_at: datetime


_HAS_JOINED = """member.joined_at IS NOT NULL AND (
    SELECT bool_and(coalesce(answer.given AND answer.version = current.version, false))
    FROM (
        SELECT DISTINCT ON (kind) kind, version FROM agreement
        WHERE kind IN ('MEMBERSHIP', 'PRIVACY') AND effective_at <= $2
        ORDER BY kind, effective_at DESC, id DESC
    ) AS current
    LEFT JOIN LATERAL (
        SELECT given, version FROM consent
        WHERE consent.member_id = member.id AND consent.kind = current.kind
        ORDER BY given_at DESC, id DESC LIMIT 1
    ) AS answer ON true
) IS NOT FALSE AS has_joined"""
_NAMES = tuple(MemberRow.__dataclass_fields__)


def member_columns(names: Iterable[str] = _NAMES) -> str:
    """Return columns of `MemberRow`; the statement's second value is the instant."""
    return ", ".join(_HAS_JOINED if name == "has_joined" else f"member.{name}" for name in names)


_STATUS, _GENDER = _NAMES.index("status"), _NAMES.index("gender")


async def members_by_id(ids: Sequence[UUID], *, now: datetime) -> dict[UUID, MemberRow]:
    """Return the members of these ids that there are, in one statement."""
    rows = await database.fetch(
        f"SELECT {member_columns()} FROM member WHERE member.id = ANY($1)", list(ids), now
    )
    return {row["id"]: member_row(row) for row in rows}


def member_row(record: Record) -> MemberRow:
    """Return the row of a record that has all its columns."""
    values = [record[name] for name in _NAMES]
    values[_STATUS] = MemberStatus(values[_STATUS])
    values[_GENDER] = Gender(values[_GENDER])
    return MemberRow(*values)
