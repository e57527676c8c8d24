"""The code that a member shows at a till: made for their phone, read for the till."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain import member_codes
from domain.errors import AccountBlocked
from models import database
from services.members import survivor_of
from services.personal_data import PersonalData

MEMBER_CODE = "member.code"
"""What the proof in a member's code is for."""


def show(member_no: str, personal_data: PersonalData, *, now: datetime) -> tuple[str, datetime]:
    """Return the code of this minute, and the first instant at which it is refused."""
    return member_codes.code_of(member_no, now, _digest(personal_data))


async def member_behind(text: str, personal_data: PersonalData, *, now: datetime) -> UUID | None:
    """Return whose code a till has just read; None for one that is wrong, old, or nobody's."""
    member_no = member_codes.read_code(text, now, _digest(personal_data))
    if member_no is None:
        return None
    member_id: UUID | None = await database.fetch_value(
        "SELECT id FROM member WHERE member_no = $1", member_no
    )
    try:
        return None if member_id is None else await survivor_of(member_id)
    except AccountBlocked:
        return None


def _digest(personal_data: PersonalData) -> member_codes.Digest:
    return lambda text: personal_data.keyed_digest(text, context=MEMBER_CODE)
