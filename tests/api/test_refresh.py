"""Refreshing, signing out, and tokens that don't hold any more."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.auth import Authenticator
from domain.sessions import RefreshClaim
from models import database as db
from models.ids import new_id
from models.members import Member, Session
from resolvers.common.errors import ApiError
from settings import Settings
from tests.factories.members import SignedInMember, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.sessions import refresh, who
from wiring.tokens import tokens_of

SIGN_OUT = "mutation { signOut { userErrors { code } } }"
REFUSED = ("REFRESH_TOKEN_INVALID", ["refreshToken"])


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def _let_pass(session_id: UUID, **interval: float) -> None:
    """Move a session's times into the past, as if this much time had gone by."""
    await db.execute(
        "UPDATE session SET rotated_at = rotated_at - $2::interval,"
        " expires_at = expires_at - $2::interval WHERE id = $1",
        session_id,
        timedelta(**interval),
    )


async def _elsewhere(settings: Settings, token: str) -> str:
    """Return who a token is for in another web process, which has just looked for news."""
    now = datetime.now(UTC)
    other = Authenticator(settings)
    await other.look(now=now)
    try:
        viewer = await other.viewer(f"Bearer {token}", now=now)
    except ApiError as error:
        return str((error.extensions or {})["code"])
    assert viewer is not None
    return str(viewer.member_id)


async def test_a_refresh_gives_the_next_tokens(
    client: GraphQLClient, member: SignedInMember
) -> None:
    before = datetime.now(UTC)
    refreshed = await refresh(client, member.refresh_token)
    assert refreshed.session["isNewMember"] is False
    assert refreshed.refresh_token != member.refresh_token
    assert await who(client, refreshed.token) == str(member.id)
    session = await Session.get()
    assert (session.id, session.generation) == (member.session_id, 1)
    assert session.expires_at - session.rotated_at == timedelta(days=30)
    assert before <= session.rotated_at <= datetime.now(UTC)
    expires_at = datetime.fromisoformat(refreshed.session["expiresAt"])
    assert expires_at == session.rotated_at.replace(microsecond=0) + timedelta(hours=2)


async def test_within_the_grace_the_old_token_answers_with_the_same_new_one(
    client: GraphQLClient, member: SignedInMember
) -> None:
    first = await refresh(client, member.refresh_token)
    await _let_pass(member.session_id, seconds=55)
    second = await refresh(client, member.refresh_token)
    assert second.refresh_token == first.refresh_token
    assert (await Session.get()).generation == 1


async def test_after_the_grace_a_reused_token_ends_the_family(
    client: GraphQLClient, member: SignedInMember
) -> None:
    first = await refresh(client, member.refresh_token)
    await _let_pass(member.session_id, seconds=61)
    assert (await refresh(client, member.refresh_token)).refusal == REFUSED
    session = await Session.get()
    assert session.revoke_reason == "REFRESH_REUSED"
    assert (await refresh(client, first.refresh_token)).refusal == REFUSED


async def test_once_the_new_token_was_used_the_old_one_ends_the_family(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    first = await refresh(client, member.refresh_token)
    second = await refresh(client, first.refresh_token)
    assert (await refresh(client, member.refresh_token)).refusal == REFUSED
    assert (await refresh(client, second.refresh_token)).refusal == REFUSED
    assert await _elsewhere(settings, second.token) == "UNAUTHENTICATED"


async def test_simultaneous_refreshes_give_one_new_token(
    client: GraphQLClient, member: SignedInMember
) -> None:
    outcomes = await asyncio.gather(*(refresh(client, member.refresh_token) for _ in range(20)))
    assert len({outcome.refresh_token for outcome in outcomes}) == 1
    session = await Session.get()
    assert (session.generation, session.revoked_at) == (1, None)


async def test_a_stolen_token_raced_against_its_owner_ends_the_family_for_good(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await refresh(client, member.refresh_token)
    await _let_pass(member.session_id, seconds=61)
    outcomes = await asyncio.gather(*(refresh(client, member.refresh_token) for _ in range(10)))
    assert [outcome.refusal for outcome in outcomes] == [REFUSED] * 10
    assert (await Session.get()).generation == 1


async def test_a_session_ends_thirty_days_after_its_last_use(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await _let_pass(member.session_id, days=29, hours=23)
    refreshed = await refresh(client, member.refresh_token)
    await _let_pass(member.session_id, days=30)
    assert (await refresh(client, refreshed.refresh_token)).refusal == REFUSED
    assert (await Session.get()).revoked_at is None  # Nobody did wrong.


@pytest.mark.parametrize("text", ["", "x", "a.0.b", "令牌", "x" * 5_000, "\x00"])
async def test_garbage_refreshes_nothing(client: GraphQLClient, text: str) -> None:
    assert (await refresh(client, text)).refusal == REFUSED


async def test_a_token_of_an_unknown_session_refreshes_nothing(
    client: GraphQLClient, settings: Settings
) -> None:
    token = tokens_of(settings).refresh_token(RefreshClaim(new_id(), 0))
    assert (await refresh(client, token)).refusal == REFUSED


async def test_a_token_signed_with_another_secret_refreshes_nothing(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    changes = {"secret_key": settings.phone_index_key}
    foreign = tokens_of(settings.model_copy(update=changes))
    token = foreign.refresh_token(RefreshClaim(member.session_id, 0))
    assert (await refresh(client, token)).refusal == REFUSED
    assert (await Session.get()).revoked_at is None


async def test_an_access_token_is_no_refresh_token(
    client: GraphQLClient, member: SignedInMember
) -> None:
    assert (await refresh(client, member.token)).refusal == REFUSED
    assert await who(client, member.refresh_token) == "UNAUTHENTICATED"


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_closed_account_is_not_refreshed(
    client: GraphQLClient, member: SignedInMember, status: str
) -> None:
    await Member.all().update(status=status)
    assert (await refresh(client, member.refresh_token)).refusal == ("ACCOUNT_BLOCKED", None)
    assert (await Session.get()).generation == 0


async def test_signing_out_ends_this_session_only(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    other = await signed_in_member(settings)
    assert (await client.gql(SIGN_OUT, token=member.token)).data == {"signOut": {"userErrors": []}}
    assert await _elsewhere(settings, member.token) == "UNAUTHENTICATED"
    assert (await refresh(client, member.refresh_token)).refusal == REFUSED
    assert await _elsewhere(settings, other.token) == str(other.id)
    assert (await Session.get(id=member.session_id)).revoke_reason == "SIGNED_OUT"


async def test_signing_out_twice_is_no_error(client: GraphQLClient, member: SignedInMember) -> None:
    for _ in range(2):
        answer = await client.gql(SIGN_OUT, token=member.token)
        assert answer.data == {"signOut": {"userErrors": []}}


async def test_without_a_token_nobody_signs_out(client: GraphQLClient) -> None:
    answer = await client.gql(SIGN_OUT)
    assert answer.error_codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x", "Basic dTpw", "Token x", "", "Bearer a.b.c", "bearer\tx"],
)
async def test_a_header_that_is_no_token_of_ours_is_unauthenticated(
    client: GraphQLClient, header: str
) -> None:
    answer = await client.gql("{ me { id } }", headers={"authorization": header})
    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert "data" not in answer.body  # Nothing was run.


async def test_an_expired_access_token_is_unauthenticated(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    now = datetime.now(UTC) - timedelta(hours=2)
    token = tokens_of(settings).access_token(member.id, member.session_id, now=now)
    assert await who(client, token.text) == "UNAUTHENTICATED"


async def test_without_a_header_nobody_is_signed_in(client: GraphQLClient) -> None:
    assert await who(client, None) is None
