"""updateProfile: all of it or nothing."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.clock import business_day
from domain.wechat import TextVerdict
from models import database as db
from models.members import Member
from settings import Settings
from tests.factories.members import JOINING_INPUT, SignedInMember, agreements, signed_in_member
from tests.support.graphql import GraphQLClient
from tests.support.pictures import png
from tests.support.ports import ReplacePorts
from tests.support.profiles import call, me, refusal, send, sent
from tests.support.sessions import sign_in
from tests.support.simulator import Simulator

ADULT = "1990-02-28"


@pytest.fixture
async def member(app: Any, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


@pytest.fixture
async def wechat_token(client: GraphQLClient, wxsim: Simulator) -> str:
    """The token of a member with an identity of the mini-program."""
    await agreements()
    code = await wxsim.login_code(await wxsim.user())
    return (await sign_in(client, code, consents=JOINING_INPUT)).token


async def _update(client: GraphQLClient, member: SignedInMember, **input: Any) -> Any:
    return await call(client, "updateProfile", member.token, **input)


async def test_a_member_fills_in_their_profile(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    avatar = await sent(client, member.token, png())
    payload = await _update(
        client,
        member,
        nickname=" 小 明 ",
        avatarUploadId=avatar,
        birthday=ADULT,
        gender="FEMALE",
    )
    assert payload["userErrors"] == []
    shown = payload["member"]
    assert shown == await me(client, member.token)
    assert shown.pop("joinedAt") is not None
    assert shown == {
        "nickname": "小 明",
        "avatarUrl": f"{settings.base_url}/uploads/avatar/{avatar}.png",
        "birthday": ADULT,
        "birthdayEditable": False,
        "gender": "FEMALE",
    }
    kept = await Member.get(id=member.id)
    assert kept.avatar_url == f"/uploads/avatar/{avatar}.png"
    assert (await client.http.get(shown["avatarUrl"])).content == png()


async def test_what_is_absent_stays(client: GraphQLClient, member: SignedInMember) -> None:
    await _update(client, member, nickname="小明", gender="MALE", birthday=ADULT)
    payload = await _update(client, member, nickname=None, gender="UNKNOWN")
    assert payload["member"]["nickname"] == "小明"
    assert payload["member"]["birthday"] == ADULT
    assert payload["member"]["gender"] == "UNKNOWN"
    assert (await _update(client, member))["member"]["nickname"] == "小明"


@pytest.mark.parametrize(
    "nickname", ["", " ", "字" * 21, "字" * 10_000, "a\x00b", "a\u202eb", "\u3164"]
)
async def test_an_absurd_nickname_changes_nothing(
    client: GraphQLClient, member: SignedInMember, nickname: str
) -> None:
    before = await me(client, member.token)
    payload = await _update(client, member, nickname=nickname, gender="MALE", birthday=ADULT)
    assert refusal(payload) == ("INVALID_INPUT", ["nickname"])
    assert await me(client, member.token) == before


async def test_wechat_judges_a_nickname(
    client: GraphQLClient, wxsim: Simulator, wechat_token: str
) -> None:
    payload = await call(client, "updateProfile", wechat_token, nickname="赌博天王", gender="MALE")
    assert refusal(payload) == ("CONTENT_REJECTED", ["nickname"])
    assert (await me(client, wechat_token))["nickname"] == ""
    assert (await me(client, wechat_token))["gender"] == "UNKNOWN"
    payload = await call(client, "updateProfile", wechat_token, nickname="小明")
    assert payload["member"]["nickname"] == "小明"
    asked = [entry for entry in await wxsim.journal() if entry["path"] == "/wxa/msg_sec_check"]
    assert len(asked) == 2
    await call(client, "updateProfile", wechat_token, nickname="小明", gender="MALE")
    asked = [entry for entry in await wxsim.journal() if entry["path"] == "/wxa/msg_sec_check"]
    assert len(asked) == 2  # It is what it was.


async def test_while_wechat_is_away_the_old_nickname_stays(
    client: GraphQLClient, wxsim: Simulator, wechat_token: str
) -> None:
    await wxsim.fault("http", match={"path": "/wxa/msg_sec_check"})
    payload = await call(client, "updateProfile", wechat_token, nickname="小明", gender="MALE")
    assert refusal(payload) == ("WECHAT_UNAVAILABLE", None)
    assert (await me(client, wechat_token))["nickname"] == ""
    payload = await call(client, "updateProfile", wechat_token, gender="MALE")
    assert payload["userErrors"] == []


class UnsureWechat:
    """Judges every text as one for a person to look at."""

    def __init__(self, appid: str) -> None:
        self.appid = appid

    async def check_text(self, *_: object) -> TextVerdict:
        return TextVerdict.REVIEW


async def test_what_wechat_is_not_sure_of_is_refused(
    client: GraphQLClient, settings: Settings, wechat_token: str, replace_ports: ReplacePorts
) -> None:
    replace_ports(texts=UnsureWechat(settings.wechat_mini_program_appid))
    payload = await call(client, "updateProfile", wechat_token, nickname="小明")
    assert refusal(payload) == ("CONTENT_REJECTED", ["nickname"])


async def test_a_birthday_is_set_once(client: GraphQLClient, member: SignedInMember) -> None:
    await _update(client, member, birthday=ADULT)
    assert (await _update(client, member, birthday=ADULT))["userErrors"] == []
    payload = await _update(client, member, birthday="1990-03-01", nickname="小明")
    assert refusal(payload) == ("NOT_ALLOWED", ["birthday"])
    assert (await me(client, member.token))["birthday"] == ADULT
    assert (await me(client, member.token))["nickname"] == ""


async def test_who_tells_of_a_birthday_in_its_window_is_given_what_is_due_at_once(
    client: GraphQLClient, member: SignedInMember
) -> None:
    lately = business_day(datetime.now(UTC)) - timedelta(days=15)
    await _update(client, member, birthday=lately.replace(year=2000).isoformat())
    given = await db.fetch("SELECT benefit FROM benefit_grant WHERE member_id = $1", member.id)
    assert "BIRTHDAY_COUPON" in [row["benefit"] for row in given]


async def test_of_two_birthdays_at_once_one_is_kept(
    client: GraphQLClient, member: SignedInMember
) -> None:
    days = [f"1990-01-{day:02}" for day in range(1, 9)]
    payloads = await asyncio.gather(*(_update(client, member, birthday=day) for day in days))
    kept = [day for day, payload in zip(days, payloads, strict=True) if not payload["userErrors"]]
    assert kept == [(await me(client, member.token))["birthday"]]
    refused = [payload for payload in payloads if payload["userErrors"]]
    assert {refusal(payload)[0] for payload in refused} == {"NOT_ALLOWED"}


async def test_a_birthday_under_14_is_not_stored(
    client: GraphQLClient, member: SignedInMember
) -> None:
    today = business_day(datetime.now(UTC))
    thirteen = date(today.year - 14, today.month, min(today.day, 28)) + timedelta(days=5)
    payload = await _update(client, member, birthday=thirteen.isoformat(), nickname="小明")
    assert refusal(payload) == ("UNDER_AGE", ["birthday"])
    kept = await Member.get(id=member.id)
    assert kept.birthday is None
    assert kept.nickname == ""
    tables = await db.fetch(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'date' AND column_name = 'birthday'"
    )
    assert [row["table_name"] for row in tables] == ["member"]
    assert (await me(client, member.token))["birthdayEditable"] is True


@pytest.mark.parametrize("birthday", ["2999-01-01", "1850-01-01", "0001-01-01"])
async def test_an_impossible_birthday_is_refused(
    client: GraphQLClient, member: SignedInMember, birthday: str
) -> None:
    payload = await _update(client, member, birthday=birthday)
    assert refusal(payload) == ("INVALID_INPUT", ["birthday"])
    answer = await send(client, "updateProfile", member.token, birthday="1990-02-30")
    assert answer.error_codes == ["BAD_REQUEST"]


async def test_a_visitor_gives_no_birthday(client: GraphQLClient, settings: Settings) -> None:
    visitor = await signed_in_member(settings, joined=False)
    payload = await _update(client, visitor, birthday=ADULT, nickname="小明")
    assert refusal(payload) == ("CONSENT_REQUIRED", None)
    assert (await me(client, visitor.token))["nickname"] == ""
    payload = await _update(client, visitor, nickname="小明")
    assert payload["member"]["nickname"] == "小明"


async def test_an_avatar_is_ones_own_picture_for_that_purpose(
    client: GraphQLClient, settings: Settings, member: SignedInMember
) -> None:
    other = await signed_in_member(settings)
    theirs = await sent(client, other.token, png())
    for upload_id in (theirs, "nonsense", "0199aaaa-0000-7000-8000-000000000000"):
        payload = await _update(client, member, avatarUploadId=upload_id, nickname="小明")
        assert refusal(payload) == ("NOT_FOUND", ["avatarUploadId"])
    evidence = await sent(client, member.token, png(), purpose="REFUND_EVIDENCE")
    payload = await _update(client, member, avatarUploadId=evidence)
    assert refusal(payload) == ("INVALID_INPUT", ["avatarUploadId"])
    waiting = await call(
        client,
        "createUpload",
        member.token,
        purpose="AVATAR",
        contentType="image/png",
        bytes=100,
    )
    payload = await _update(client, member, avatarUploadId=waiting["upload"]["id"])
    assert refusal(payload) == ("NOT_FOUND", ["avatarUploadId"])
    assert (await me(client, member.token))["avatarUrl"] is None
    assert (await me(client, member.token))["nickname"] == ""


async def test_a_blocked_account_changes_nothing(
    client: GraphQLClient, member: SignedInMember
) -> None:
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    payload = await _update(client, member, nickname="小明")
    assert refusal(payload) == ("ACCOUNT_BLOCKED", None)
    assert (await Member.get(id=member.id)).nickname == ""
