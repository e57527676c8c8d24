"""What a member must be before they may do something."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.errors import AccountBlocked, ConsentRequired
from domain.members import MemberStatus
from models.member_rows import MemberRow, members_by_id


def require_active(member: MemberRow) -> None:
    """Refuse an account that is closed or blocked.

    Raises:
        AccountBlocked: always for one that isn't active.
    """
    if member.status is not MemberStatus.ACTIVE:
        raise AccountBlocked


def require_member_consent(member: MemberRow) -> None:
    """Refuse a visitor: points, coupons, check-in, phone and birthday are for members.

    Raises:
        AccountBlocked: the account isn't active.
        ConsentRequired: the current agreements aren't accepted (rules, section 11).
    """
    require_active(member)
    if not member.has_joined:
        raise ConsentRequired


async def joined_member(member_id: UUID, *, now: datetime) -> MemberRow:
    """Return the member of a verified token, who must have joined.

    Raises:
        AccountBlocked, ConsentRequired: see `require_member_consent`.
    """
    found = (await members_by_id([member_id], now=now)).get(member_id)
    if found is None:
        raise AccountBlocked
    require_member_consent(found)
    return found
