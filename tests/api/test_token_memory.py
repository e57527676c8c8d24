"""A token that was checked is believed from memory, and its end is seen all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from api.auth import Authenticator
from domain.sessions import RevokeReason
from models import database as db
from models.ids import new_id
from resolvers.common.errors import ApiError
from services import sessions
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.statements import StatementLog

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def member(settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
async def authenticator(settings: Settings, member: SignedInMember) -> Authenticator:
    """One that has believed the member's token before."""
    ours = Authenticator(settings)
    await ours.look(now=datetime.now(UTC))
    assert await _member_of(ours, f"Bearer {member.token}") == str(member.id)
    return ours


async def _member_of(ours: Authenticator, header: str, *, after: timedelta = timedelta()) -> str:
    try:
        viewer = await ours.viewer(header, now=datetime.now(UTC) + after)
    except ApiError as error:
        return str((error.extensions or {})["code"])
    assert viewer is not None
    return str(viewer.member_id)


async def test_nothing_is_decoded_and_nobody_is_asked_again(
    authenticator: Authenticator,
    member: SignedInMember,
    statements: StatementLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("this token was decoded before")

    monkeypatch.setattr(jwt, "decode", never)
    monkeypatch.setattr(jwt, "get_unverified_header", never)
    async with statements.record() as sent:
        for header in (f"Bearer {member.token}", f"bearer   {member.token} "):
            assert await _member_of(authenticator, header) == str(member.id)
    assert sent == []
    assert len(authenticator._verified) == 1


async def test_a_token_ends_in_memory_too(
    authenticator: Authenticator, member: SignedInMember
) -> None:
    header = f"Bearer {member.token}"
    almost = timedelta(hours=2) - timedelta(seconds=5)
    assert await _member_of(authenticator, header, after=almost) == str(member.id)
    later = timedelta(hours=2)
    assert await _member_of(authenticator, header, after=later) == "UNAUTHENTICATED"


async def test_a_sign_out_is_seen_at_the_next_look(
    authenticator: Authenticator, member: SignedInMember
) -> None:
    now = datetime.now(UTC)
    await sessions.end(member.session_id, RevokeReason.SIGNED_OUT, now=now)
    await authenticator.look(now=now)
    assert await _member_of(authenticator, f"Bearer {member.token}") == "UNAUTHENTICATED"


async def test_a_sign_out_that_was_committed_late_is_seen(
    authenticator: Authenticator, member: SignedInMember
) -> None:
    """Its time was written down before looks that could not see it."""
    written = datetime.now(UTC) - timedelta(seconds=60)
    await authenticator.look(now=datetime.now(UTC))
    await sessions.end(member.session_id, RevokeReason.SIGNED_OUT, now=written)
    await authenticator.look(now=datetime.now(UTC))
    assert await _member_of(authenticator, f"Bearer {member.token}") == "UNAUTHENTICATED"


async def test_a_merge_is_seen_at_the_next_look(
    authenticator: Authenticator, settings: Settings, member: SignedInMember
) -> None:
    survivor = await signed_in_member(settings)
    now = datetime.now(UTC)
    await db.execute(
        """
        INSERT INTO member_merge (id, loser_id, survivor_id, moved, merged_at)
        VALUES ($1, $2, $3, '{}', $4)
        """,
        new_id(),
        member.id,
        survivor.id,
        now,
    )
    await authenticator.look(now=now)
    assert await _member_of(authenticator, f"Bearer {member.token}") == str(survivor.id)


@pytest.mark.parametrize(
    "header", ["Bearer a.b.c", "Bearer ", "Basic abc", "Bearer", "", "x" * 9_000]
)
async def test_what_is_no_token_is_not_remembered(
    authenticator: Authenticator, header: str
) -> None:
    for _ in range(2):
        assert await _member_of(authenticator, header) == "UNAUTHENTICATED"
    assert len(authenticator._verified) == 1
