"""Signing in by codes of WeChat: whose an identity is, and codes that are no good."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from models import database as db
from models.members import Consent, Identity, Member, MemberMerge, Scene, Session, SignInAttempt
from services import code_attempts
from settings import Settings
from tests.factories.members import JOINING_INPUT, VERSION, agreements
from tests.support.graphql import GraphQLClient
from tests.support.sessions import refresh, sign_in, sign_in_by_phone, sign_in_on_h5, who
from tests.support.simulator import Simulator


async def _age_attempts(by: timedelta) -> None:
    await db.execute("UPDATE sign_in_attempt SET created_at = created_at - $1::interval", by)


async def test_a_first_sign_in_makes_a_visitor_with_accounts(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    signed_in = await sign_in(client, await wxsim.login_code(user))
    session = signed_in.session
    assert session["isNewMember"] is True
    assert session["member"]["joinedAt"] is None
    assert session["member"]["phone"] is None
    assert len(session["member"]["memberNo"]) == 12
    assert await who(client, signed_in.token) == signed_in.member_id
    accounts = "SELECT count(*) FROM ledger_account WHERE member_id = $1"
    assert await db.fetch_value(accounts, (await Member.get()).id) == 5
    again = await sign_in(client, await wxsim.login_code(user))
    assert again.session["isNewMember"] is False
    assert again.member_id == signed_in.member_id
    assert await Session.all().count() == 2


async def test_the_session_key_lies_sealed(client: GraphQLClient, wxsim: Simulator) -> None:
    user = await wxsim.user()
    await sign_in(client, await wxsim.login_code(user))
    first = (await Identity.get()).session_key_encrypted
    await sign_in(client, await wxsim.login_code(user))
    second = (await Identity.get()).session_key_encrypted
    assert first is not None
    assert second is not None
    assert first != second
    assert len(first) == 33 + len("tiihtNczf5v6AKRyjwEUhQ==")  # Header, nonce and tag around it.


async def test_consents_make_a_member_at_once(client: GraphQLClient, wxsim: Simulator) -> None:
    await agreements()
    user = await wxsim.user()
    before = datetime.now(UTC)
    joined = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    joined_at = datetime.fromisoformat(joined.session["member"]["joinedAt"])
    assert before <= joined_at <= datetime.now(UTC)
    rows = await Consent.all().order_by("kind")
    assert [(row.kind, row.version, row.given, row.given_at) for row in rows] == [
        ("MEMBERSHIP", VERSION, True, joined_at),
        ("PRIVACY", VERSION, True, joined_at),
    ]


async def test_a_visitor_who_agrees_later_is_a_new_member(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await agreements()
    user = await wxsim.user()
    await sign_in(client, await wxsim.login_code(user))
    joined = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    assert joined.session["isNewMember"] is True
    once_more = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    assert once_more.session["isNewMember"] is False
    assert once_more.session["member"]["joinedAt"] == joined.session["member"]["joinedAt"]
    assert await Consent.all().count() == 2


async def test_half_of_what_is_required_makes_no_member(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await agreements()
    code = await wxsim.login_code(await wxsim.user())
    signed_in = await sign_in(client, code, consents=JOINING_INPUT[:1])
    assert signed_in.session["member"]["joinedAt"] is None


async def test_a_new_version_asks_members_again(client: GraphQLClient, wxsim: Simulator) -> None:
    await agreements()
    user = await wxsim.user()
    await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    await agreements("2026-02", effective_at=datetime(2026, 2, 1, tzinfo=UTC))
    signed_in = await sign_in(client, await wxsim.login_code(user))
    assert signed_in.session["member"]["joinedAt"] is None
    code = await wxsim.login_code(user)
    newer = [{**consent, "version": "2026-02"} for consent in JOINING_INPUT]
    agreed = await sign_in(client, code, consents=newer)
    assert agreed.session["member"]["joinedAt"] is not None


@pytest.mark.parametrize(
    ("consents", "path"),
    [
        ([{"kind": "PRIVACY", "version": "2025-01", "given": True}], "version"),
        ([{"kind": "PRIVACY", "version": "", "given": False}], "version"),
        ([JOINING_INPUT[1], {**JOINING_INPUT[1], "given": False}], "kind"),
    ],
)
async def test_a_consent_to_another_version_is_refused_before_the_code_is_used(
    client: GraphQLClient, wxsim: Simulator, consents: list[dict[str, object]], path: str
) -> None:
    await agreements()
    code = await wxsim.login_code(await wxsim.user())
    refused = await sign_in(client, code, consents=consents)
    place = str(len(consents) - 1)
    assert refused.refusal == ("INVALID_INPUT", ["consents", place, path])
    assert await Member.all().count() == 0
    assert (await sign_in(client, code)).code == "OK"


async def test_the_same_code_again_answers_with_the_same_session(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    first, second = await sign_in(client, code), await sign_in(client, code)
    assert second.refresh_token == first.refresh_token
    assert second.member_id == first.member_id
    assert second.session["isNewMember"] is first.session["isNewMember"] is True
    assert await Session.all().count() == 1


async def test_one_code_many_times_at_once_opens_one_session(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    outcomes = await asyncio.gather(*(sign_in(client, code) for _ in range(20)))
    assert len({(outcome.refresh_token, outcome.member_id) for outcome in outcomes}) == 1
    assert await Member.all().count() == await Session.all().count() == 1
    asked = [each for each in await wxsim.journal() if each["path"] == "/sns/jscode2session"]
    assert len(asked) == 1


async def test_many_codes_of_one_person_at_once_are_one_member(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    codes = [await wxsim.login_code(user) for _ in range(20)]
    outcomes = await asyncio.gather(*(sign_in(client, code) for code in codes))
    assert len({outcome.member_id for outcome in outcomes}) == 1
    assert [outcome.session["isNewMember"] for outcome in outcomes].count(True) == 1
    assert (await Member.all().count(), await Identity.all().count()) == (1, 1)
    assert await Session.all().count() == 20


async def test_both_products_at_once_are_one_member(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    mini = await wxsim.login_code(user)
    oauth = await wxsim.oauth_code(user, scope="snsapi_userinfo")
    outcomes = await asyncio.gather(sign_in(client, mini), sign_in_on_h5(client, oauth))
    assert len({outcome.member_id for outcome in outcomes}) == 1
    assert (await Member.all().count(), await Identity.all().count()) == (1, 2)


async def test_a_refused_code_many_times_at_once_is_asked_once(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    outcomes = await asyncio.gather(*(sign_in(client, "unknown") for _ in range(10)))
    assert {outcome.code for outcome in outcomes} == {"WECHAT_CODE_INVALID"}
    asked = [each for each in await wxsim.journal() if each["path"] == "/sns/jscode2session"]
    assert len(asked) == 1


async def _abandon(code: str, settings: Settings, *, seconds: int) -> None:
    """Leave an attempt as a process leaves it that died while it asked WeChat."""
    claimed = await code_attempts.claim(
        f"sign-in:{settings.wechat_mini_program_appid}",
        code,
        now=datetime.now(UTC) - timedelta(seconds=seconds),
    )
    assert isinstance(claimed, code_attempts.Mine)


async def test_a_code_that_another_process_is_asking_about_is_busy(
    client: GraphQLClient, settings: Settings, wxsim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_attempts, "PAUSES", (0.0, 0.0))
    code = await wxsim.login_code(await wxsim.user())
    await _abandon(code, settings, seconds=0)
    assert (await sign_in(client, code)).refusal == ("BUSY", None)
    assert await Member.all().count() == 0


async def test_a_code_of_a_process_that_died_is_taken_over(
    client: GraphQLClient, settings: Settings, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await _abandon(code, settings, seconds=31)
    outcomes = await asyncio.gather(*(sign_in(client, code) for _ in range(5)))
    assert len({outcome.refresh_token for outcome in outcomes}) == 1
    assert await Session.all().count() == 1


async def test_a_code_is_used_up_after_five_minutes(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await sign_in(client, code)
    await _age_attempts(timedelta(minutes=5, seconds=1))
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])
    assert await Session.all().count() == 1


async def test_a_code_is_used_up_once_its_session_has_moved_on(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    signed_in = await sign_in(client, code)
    await refresh(client, signed_in.refresh_token)
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])


async def test_a_code_does_not_bring_a_signed_out_session_back(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    signed_in = await sign_in(client, code)
    await client.gql("mutation { signOut { userErrors { code } } }", token=signed_in.token)
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])


@pytest.mark.parametrize("code", ["unknown", "", " ", "x" * 257, "令牌", "a\x00b", "a b"])
async def test_an_unknown_code_is_refused(client: GraphQLClient, code: str) -> None:
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])
    assert await Member.all().count() == 0


async def test_a_code_that_was_used_elsewhere_is_refused(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await sign_in(client, code)
    await SignInAttempt.all().delete()  # As if another system had used it.
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])


async def test_an_expired_code_is_refused(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await wxsim.advance("6m")
    assert (await sign_in(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])


async def test_a_code_of_the_other_product_is_refused(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    code = await wxsim.login_code(user)
    assert (await sign_in_on_h5(client, code)).refusal == ("WECHAT_CODE_INVALID", ["code"])
    assert (await sign_in(client, code)).code == "OK"


async def test_a_snapshot_user_is_nobody(client: GraphQLClient, wxsim: Simulator) -> None:
    code = await wxsim.oauth_code(await wxsim.user(), snapshot=True)
    assert (await sign_in_on_h5(client, code)).refusal == ("WECHAT_SNAPSHOT_USER", None)
    assert (await sign_in_on_h5(client, code)).refusal == ("WECHAT_SNAPSHOT_USER", None)
    assert await Member.all().count() == await Identity.all().count() == 0


async def test_wechat_that_fails_is_said_so_and_the_code_may_be_sent_again(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    await wxsim.fault("errcode", match={"path": "/sns/jscode2session"}, times=5, errcode=-1)
    assert (await sign_in(client, code)).refusal == ("WECHAT_UNAVAILABLE", None)
    await wxsim.http.delete("/faults")
    assert (await sign_in(client, code)).code == "OK"


async def test_a_code_that_wechat_used_but_did_not_answer_asks_for_a_new_one(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    code = await wxsim.login_code(user)
    match = {"path": "/sns/jscode2session"}
    await wxsim.fault("commit_then_5xx", match=match, times=1)
    first = await sign_in(client, code)
    assert first.refusal == ("WECHAT_UNAVAILABLE", None)
    assert (await sign_in(client, code)).code == "WECHAT_CODE_INVALID"
    assert (await sign_in(client, await wxsim.login_code(user))).code == "OK"
    assert await Member.all().count() == 1


async def test_one_unionid_is_one_member_in_both_products(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    mini = await sign_in(client, await wxsim.login_code(user))
    h5 = await sign_in_on_h5(client, await wxsim.oauth_code(user, scope="snsapi_userinfo"))
    assert h5.member_id == mini.member_id
    assert h5.session["isNewMember"] is False
    assert await Identity.filter(member_id=mini.member_id).count() == 2


async def test_two_members_merge_when_their_unionid_shows(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    mini = await sign_in(client, await wxsim.login_code(user))
    await Identity.all().update(unionid=None)  # As before the app was bound to the platform.
    h5 = await sign_in_on_h5(client, await wxsim.oauth_code(user, scope="snsapi_userinfo"))
    assert h5.member_id != mini.member_id
    again = await sign_in(client, await wxsim.login_code(user))
    assert again.member_id == mini.member_id
    assert await MemberMerge.all().count() == 1
    refreshed = await refresh(client, h5.refresh_token)
    assert refreshed.member_id == mini.member_id


async def test_two_openids_of_one_app_under_one_unionid_stay_apart(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    first = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    second = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    unionid = (await Identity.get(member_id=first.member_id)).unionid
    await Identity.filter(member_id=second.member_id).update(openid="o-gone", unionid=unionid)
    third = await sign_in_on_h5(
        client, await wxsim.oauth_code(await wxsim.user(), scope="snsapi_userinfo")
    )
    assert len({first.member_id, second.member_id, third.member_id}) == 3
    assert await MemberMerge.all().count() == 0


async def test_with_a_token_the_identity_is_linked(client: GraphQLClient, wxsim: Simulator) -> None:
    await agreements()
    by_phone = await sign_in_by_phone(client, wxsim, consents=JOINING_INPUT)
    code = await wxsim.login_code(await wxsim.user())
    linked = await sign_in(client, code, by_phone.token)
    assert linked.member_id == by_phone.member_id
    assert linked.session["isNewMember"] is False
    assert await Member.all().count() == 1


async def test_with_a_token_another_members_identity_is_merged_in(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    mini = await sign_in(client, await wxsim.login_code(user))
    by_phone = await sign_in_by_phone(client, wxsim)
    linked = await sign_in(client, await wxsim.login_code(user), by_phone.token)
    assert linked.member_id == mini.member_id  # The older one.
    assert linked.session["member"]["phone"] == "138****5678"
    assert await MemberMerge.all().count() == 1


async def test_a_token_does_not_bind_two_people(client: GraphQLClient, wxsim: Simulator) -> None:
    one, other = await wxsim.user(), await wxsim.user()
    first = await sign_in(client, await wxsim.login_code(one))
    new = await sign_in(client, await wxsim.login_code(other), first.token)
    assert new.member_id != first.member_id
    assert new.session["isNewMember"] is True
    back = await sign_in(client, await wxsim.login_code(one), new.token)
    assert back.member_id == first.member_id
    assert await MemberMerge.all().count() == 0


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_closed_account_is_refused_and_gets_no_second_one(
    client: GraphQLClient, wxsim: Simulator, status: str
) -> None:
    user = await wxsim.user()
    signed_in = await sign_in(client, await wxsim.login_code(user))
    await Member.all().update(status=status)
    code = await wxsim.login_code(user)
    assert (await sign_in(client, code)).refusal == ("ACCOUNT_BLOCKED", None)
    assert (await sign_in(client, code)).refusal == ("ACCOUNT_BLOCKED", None)
    oauth = await wxsim.oauth_code(user, scope="snsapi_userinfo")
    assert (await sign_in_on_h5(client, oauth)).refusal == ("ACCOUNT_BLOCKED", None)
    assert (await refresh(client, signed_in.refresh_token)).refusal == ("ACCOUNT_BLOCKED", None)
    assert await Member.all().count() == 1
    assert await Session.all().count() == 1


async def _invited_by(member_id: str) -> str | None:
    found = await db.fetch_value("SELECT invited_by_id FROM member WHERE id = $1", member_id)
    return None if found is None else str(found)


async def _invite_code(member_id: str) -> str:
    return (await Member.get(id=member_id)).invite_code


async def test_an_invite_code_is_bound_once(client: GraphQLClient, wxsim: Simulator) -> None:
    inviter = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    other = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    user = await wxsim.user()
    code = await _invite_code(inviter.member_id)
    invited = await sign_in(client, await wxsim.login_code(user), inviteCode=code.lower())
    assert await _invited_by(invited.member_id) == inviter.member_id
    code = await _invite_code(other.member_id)
    await sign_in(client, await wxsim.login_code(user), inviteCode=code)
    assert await _invited_by(invited.member_id) == inviter.member_id


async def test_nobody_invites_themselves(client: GraphQLClient, wxsim: Simulator) -> None:
    user = await wxsim.user()
    signed_in = await sign_in(client, await wxsim.login_code(user))
    code = await _invite_code(signed_in.member_id)
    await sign_in(client, await wxsim.login_code(user), inviteCode=code)
    assert await _invited_by(signed_in.member_id) is None


async def test_who_has_joined_is_not_invited_any_more(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await agreements()
    inviter = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    user = await wxsim.user()
    await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    code = await _invite_code(inviter.member_id)
    joined = await sign_in(client, await wxsim.login_code(user), inviteCode=code)
    assert await _invited_by(joined.member_id) is None


async def test_a_scene_of_an_invitation_invites(client: GraphQLClient, wxsim: Simulator) -> None:
    inviter = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    other = await sign_in(client, await wxsim.login_code(await wxsim.user()))
    now = datetime.now(UTC)
    await Scene.create(code="i2Kx", kind="INVITATION", inviter_id=inviter.member_id, created_at=now)
    await Scene.create(
        code="over",
        kind="INVITATION",
        inviter_id=other.member_id,
        created_at=now,
        expires_at=now - timedelta(seconds=1),
    )
    invited = await sign_in(
        client, await wxsim.login_code(await wxsim.user()), inviteCode="WRONG", sceneCode="i2Kx"
    )
    assert await _invited_by(invited.member_id) == inviter.member_id
    too_late = await sign_in(client, await wxsim.login_code(await wxsim.user()), sceneCode="over")
    assert await _invited_by(too_late.member_id) is None


@pytest.mark.parametrize("bad", ["", "NOBODY22", "' OR 1=1", "a\x00b", "x" * 10_000, "邀请码"])
async def test_a_bad_invite_or_scene_code_never_fails_a_sign_in(
    client: GraphQLClient, wxsim: Simulator, bad: str
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    signed_in = await sign_in(client, code, inviteCode=bad, sceneCode=bad)
    assert await _invited_by(signed_in.member_id) is None


async def test_the_invite_code_of_a_merged_member_leads_to_the_survivor(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user()
    mini = await sign_in(client, await wxsim.login_code(user))
    by_phone = await sign_in_by_phone(client, wxsim)
    code = await _invite_code(by_phone.member_id)
    await sign_in(client, await wxsim.login_code(user), by_phone.token)
    invited = await sign_in(client, await wxsim.login_code(await wxsim.user()), inviteCode=code)
    assert await _invited_by(invited.member_id) == mini.member_id
