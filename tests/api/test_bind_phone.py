"""Binding a phone: by the button's code or by SMS, and the members that it may join."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.auth import Authenticator
from models.members import Consent, Identity, Member, MemberMerge, Session, SignInAttempt
from settings import Settings
from tests.factories.members import JOINING_INPUT, agreements
from tests.support.graphql import GraphQLClient
from tests.support.sessions import (
    PHONE,
    Outcome,
    call,
    refresh,
    sign_in,
    sign_in_by_phone,
    sms_code,
    who,
)
from tests.support.simulator import Simulator

OTHER_PHONE = "13912345678"


@pytest.fixture(autouse=True)
async def _agreements(database: str) -> None:
    await agreements()


async def _bind(client: GraphQLClient, token: str, **input: Any) -> Outcome:
    return await call(client, "bindPhone", token, consents=JOINING_INPUT, **input)


async def _visitor(
    client: GraphQLClient, wxsim: Simulator, phone: str = PHONE
) -> tuple[str, Outcome]:
    """Return a WeChat user with that phone, and their silent sign-in."""
    user = await wxsim.user(phone=phone)
    return user, await sign_in(client, await wxsim.login_code(user))


async def test_the_buttons_code_binds_and_joins(client: GraphQLClient, wxsim: Simulator) -> None:
    user, visitor = await _visitor(client, wxsim)
    bound = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert bound.member_id == visitor.member_id
    assert bound.session["member"]["phone"] == "138****5678"
    assert bound.session["member"]["joinedAt"] is not None
    assert bound.session["isNewMember"] is True
    assert bound.refresh_token == visitor.refresh_token  # The session goes on.
    assert await who(client, bound.token) == visitor.member_id


async def test_an_sms_code_binds_and_joins(client: GraphQLClient, wxsim: Simulator) -> None:
    _, visitor = await _visitor(client, wxsim)
    code = await sms_code(client, wxsim)
    bound = await _bind(client, visitor.token, phone=PHONE, smsCode=code)
    assert bound.session["member"]["phone"] == "138****5678"
    assert bound.session["isNewMember"] is True


async def test_without_consent_no_phone_is_bound_and_no_code_is_used(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user, visitor = await _visitor(client, wxsim)
    code = await wxsim.phone_code(user)
    for consents in ([], JOINING_INPUT[:1], [{**JOINING_INPUT[0], "given": False}]):
        refused = await call(client, "bindPhone", visitor.token, wechatCode=code, consents=consents)
        assert refused.refusal == ("CONSENT_REQUIRED", ["consents"])
    assert (await Member.get()).phone_hash is None
    assert await Consent.all().count() == 0
    assert (await _bind(client, visitor.token, wechatCode=code)).code == "OK"


async def test_who_agreed_before_need_not_say_so_again(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user = await wxsim.user(phone=PHONE)
    member = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    code = await wxsim.phone_code(user)
    bound = await call(client, "bindPhone", member.token, wechatCode=code)
    assert bound.session["member"]["phone"] == "138****5678"
    assert bound.session["isNewMember"] is False


@pytest.mark.parametrize(
    ("input", "refusal"),
    [
        ({}, ("INVALID_INPUT", ["phone"])),
        ({"smsCode": "123456"}, ("INVALID_INPUT", ["phone"])),
        ({"phone": PHONE}, ("INVALID_INPUT", ["smsCode"])),
        ({"wechatCode": "x", "phone": PHONE}, ("INVALID_INPUT", ["wechatCode"])),
        ({"wechatCode": "x", "smsCode": "1"}, ("INVALID_INPUT", ["wechatCode"])),
        ({"phone": "12345", "smsCode": "123456"}, ("INVALID_INPUT", ["phone"])),
        ({"phone": PHONE, "smsCode": "123456"}, ("SMS_CODE_INVALID", ["smsCode"])),
        ({"wechatCode": ""}, ("WECHAT_CODE_INVALID", ["wechatCode"])),
        ({"wechatCode": "unknown"}, ("WECHAT_CODE_INVALID", ["wechatCode"])),
    ],
)
async def test_what_proves_no_phone_is_refused(
    client: GraphQLClient,
    wxsim: Simulator,
    input: dict[str, str],
    refusal: tuple[str, list[str]],
) -> None:
    _, visitor = await _visitor(client, wxsim)
    assert (await _bind(client, visitor.token, **input)).refusal == refusal
    member = await Member.get()
    assert (member.phone_hash, member.joined_at) == (None, None)


async def test_a_login_code_proves_no_phone(client: GraphQLClient, wxsim: Simulator) -> None:
    user, visitor = await _visitor(client, wxsim)
    refused = await _bind(client, visitor.token, wechatCode=await wxsim.login_code(user))
    assert refused.refusal == ("WECHAT_CODE_INVALID", ["wechatCode"])


async def test_a_phone_of_another_country_is_refused(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user, visitor = await _visitor(client, wxsim, "+85291234567")
    refused = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert refused.refusal == ("INVALID_INPUT", ["wechatCode"])


async def test_without_a_token_nothing_is_bound(client: GraphQLClient, wxsim: Simulator) -> None:
    answer = await client.gql(
        "mutation ($i: BindPhoneInput!) { bindPhone(input: $i) { session { accessToken } } }",
        {"i": {"wechatCode": await wxsim.phone_code(await wxsim.user())}},
    )
    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert await SignInAttempt.all().count() == 0


async def test_the_same_code_again_answers_with_what_stands(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user, visitor = await _visitor(client, wxsim)
    code = await wxsim.phone_code(user)
    first = await _bind(client, visitor.token, wechatCode=code)
    again = await _bind(client, visitor.token, wechatCode=code)
    assert again.refresh_token == first.refresh_token
    assert again.member_id == first.member_id
    sms = await sms_code(client, wxsim)
    for _ in range(2):
        bound = await _bind(client, visitor.token, phone=PHONE, smsCode=sms)
        assert bound.session["member"]["phone"] == "138****5678"
    assert await MemberMerge.all().count() == 0


async def test_somebody_elses_code_is_refused(client: GraphQLClient, wxsim: Simulator) -> None:
    user, visitor = await _visitor(client, wxsim)
    _, other = await _visitor(client, wxsim, OTHER_PHONE)
    code = await wxsim.phone_code(user)
    await _bind(client, visitor.token, wechatCode=code)
    refused = await _bind(client, other.token, wechatCode=code)
    assert refused.refusal == ("WECHAT_CODE_INVALID", ["wechatCode"])


async def test_a_member_changes_to_another_phone(client: GraphQLClient, wxsim: Simulator) -> None:
    user, visitor = await _visitor(client, wxsim)
    await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    code = await sms_code(client, wxsim, OTHER_PHONE)
    bound = await _bind(client, visitor.token, phone=OTHER_PHONE, smsCode=code)
    assert bound.session["member"]["phone"] == "139****5678"
    by_old_phone = await sign_in_by_phone(client, wxsim)
    assert by_old_phone.member_id != visitor.member_id


async def test_binding_a_phone_of_ones_own_h5_account_makes_one_member(
    client: GraphQLClient, settings: Settings, wxsim: Simulator
) -> None:
    by_phone = await sign_in_by_phone(client, wxsim, consents=JOINING_INPUT)
    user, visitor = await _visitor(client, wxsim)
    bound = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert bound.member_id == by_phone.member_id  # The older one, with its number.
    assert bound.session["member"]["memberNo"] == by_phone.session["member"]["memberNo"]
    assert await Identity.filter(member_id=by_phone.member_id).count() == 1
    assert await MemberMerge.all().count() == 1
    assert await who(client, bound.token) == by_phone.member_id
    # The tokens of before lead to the survivor, in every process.
    now = datetime.now(UTC)
    elsewhere = Authenticator(settings)
    await elsewhere.look(now=now)
    viewer = await elsewhere.viewer(f"Bearer {visitor.token}", now=now)
    assert viewer is not None
    assert str(viewer.member_id) == by_phone.member_id
    assert (await refresh(client, visitor.refresh_token)).member_id == by_phone.member_id
    assert (await refresh(client, by_phone.refresh_token)).member_id == by_phone.member_id


async def test_a_merge_needs_no_second_try_with_an_old_token(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    """A token of before the merge still names the merged member until the process has looked."""
    by_phone = await sign_in_by_phone(client, wxsim, consents=JOINING_INPUT)
    user, visitor = await _visitor(client, wxsim)
    code = await wxsim.phone_code(user)
    await _bind(client, visitor.token, wechatCode=code)
    again = await _bind(client, visitor.token, wechatCode=code)
    assert again.member_id == by_phone.member_id


async def test_a_phone_of_somebody_with_another_openid_is_taken(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    first_user, first = await _visitor(client, wxsim)
    await _bind(client, first.token, wechatCode=await wxsim.phone_code(first_user))
    user, visitor = await _visitor(client, wxsim)  # The number has changed hands.
    code = await wxsim.phone_code(user)
    refused = await _bind(client, visitor.token, wechatCode=code)
    assert refused.refusal == ("PHONE_TAKEN", ["wechatCode"])
    again = await _bind(client, visitor.token, wechatCode=code)
    assert again.code == "PHONE_TAKEN"
    member = await Member.get(id=visitor.member_id)
    assert (member.phone_hash, member.joined_at) == (None, None)
    sms = await sms_code(client, wxsim)
    refused = await _bind(client, visitor.token, phone=PHONE, smsCode=sms)
    assert refused.refusal == ("PHONE_TAKEN", ["phone"])
    assert await MemberMerge.all().count() == 0


async def test_a_phone_of_somebody_with_another_unionid_is_taken(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    first_user, first = await _visitor(client, wxsim)
    await _bind(client, first.token, wechatCode=await wxsim.phone_code(first_user))
    await Identity.all().update(appid="wx-another-app")
    user, visitor = await _visitor(client, wxsim)
    refused = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert refused.refusal == ("PHONE_TAKEN", ["wechatCode"])


@pytest.mark.parametrize("status", ["BLOCKED", "LEFT"])
async def test_a_phone_of_a_closed_account_is_taken(
    client: GraphQLClient, wxsim: Simulator, status: str
) -> None:
    by_phone = await sign_in_by_phone(client, wxsim)
    await Member.filter(id=by_phone.member_id).update(status=status)
    user, visitor = await _visitor(client, wxsim)
    refused = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert refused.refusal == ("PHONE_TAKEN", ["wechatCode"])
    assert await MemberMerge.all().count() == 0


async def test_one_code_many_times_at_once_binds_and_merges_once(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    by_phone = await sign_in_by_phone(client, wxsim)
    user, visitor = await _visitor(client, wxsim)
    code = await wxsim.phone_code(user)
    outcomes = await asyncio.gather(
        *(_bind(client, visitor.token, wechatCode=code) for _ in range(10))
    )
    assert {outcome.member_id for outcome in outcomes} == {by_phone.member_id}
    assert {outcome.refresh_token for outcome in outcomes} == {visitor.refresh_token}
    assert await MemberMerge.all().count() == 1


async def test_one_phone_wanted_by_two_at_once_is_one_persons(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    wishes = [await _visitor(client, wxsim) for _ in range(2)]
    codes = [await wxsim.phone_code(user) for user, _ in wishes]
    outcomes = await asyncio.gather(
        *(
            _bind(client, visitor.token, wechatCode=code)
            for code, (_, visitor) in zip(codes, wishes, strict=True)
        )
    )
    assert sorted(outcome.code for outcome in outcomes) == ["OK", "PHONE_TAKEN"]
    assert await Member.filter(phone_hash__isnull=False).count() == 1


async def test_two_who_swap_phones_at_once_meet_no_deadlock(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    members = []
    for phone in (PHONE, OTHER_PHONE):
        user, visitor = await _visitor(client, wxsim, phone)
        await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
        members.append(visitor)
    await Identity.all().delete()  # So that they may be merged.
    codes = [await sms_code(client, wxsim, phone) for phone in (OTHER_PHONE, PHONE)]
    outcomes = await asyncio.gather(
        _bind(client, members[0].token, phone=OTHER_PHONE, smsCode=codes[0]),
        _bind(client, members[1].token, phone=PHONE, smsCode=codes[1]),
    )
    assert {outcome.member_id for outcome in outcomes} == {members[0].member_id}
    assert await MemberMerge.all().count() == 1


async def test_a_session_that_has_ended_binds_nothing(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    user, visitor = await _visitor(client, wxsim)
    await Session.all().update(revoked_at=datetime.now(UTC) - timedelta(seconds=1))
    refused = await _bind(client, visitor.token, wechatCode=await wxsim.phone_code(user))
    assert refused.code == "REFRESH_TOKEN_INVALID"
    assert (await Member.get()).phone_hash is None
