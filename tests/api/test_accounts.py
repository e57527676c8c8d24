"""Leaving, taking one's data along, and the code at the till, over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from domain.clock import business_day, end_of_business_day
from models import database as db
from services import data_export, leaving, member_codes
from services.uploads import PictureStorage
from settings import Settings
from tests.factories.members import JOINING_INPUT, SignedInMember, agreements, signed_in_member
from tests.factories.orders import bought
from tests.factories.shop import DATA, a_sku, an_address
from tests.support.graphql import GraphQLClient
from tests.support.sessions import sign_in
from tests.support.simulator import Simulator

DAY = timedelta(days=1)
LEAVE = """
mutation ($i: DeleteAccountInput!) { deleteAccount(input: $i) {
  deletesAt userErrors { code message path } } }
"""
EXPORT = """
mutation { requestDataExport { member { dataExport { status url expiresAt } }
  userErrors { code } } }
"""
MINE = "{ me { dataExport { status url expiresAt } code { text expiresAt } } }"


async def ask(client: GraphQLClient, token: str, document: str, **values: Any) -> Any:
    answer = await client.gql(document, values, token=token)
    assert answer.errors == [], answer.errors
    return answer.data


async def test_a_member_leaves_and_comes_back_as_somebody_new(
    client: GraphQLClient, wxsim: Simulator
) -> None:
    await agreements()
    user = await wxsim.user()
    here = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    code = await wxsim.login_code(user)
    answer = await ask(client, here.token, LEAVE, i={"confirm": True, "wechatCode": code})
    ends = end_of_business_day(business_day(datetime.now(UTC)) + 7 * DAY)
    assert answer["deleteAccount"]["userErrors"] == []
    assert datetime.fromisoformat(answer["deleteAccount"]["deletesAt"]) == ends
    assert await db.fetch_value("SELECT revoke_reason FROM session") == "LEAVING"

    stays = await sign_in(client, await wxsim.login_code(user))
    assert stays.member_id == here.member_id
    assert await db.fetch_value("SELECT leaves_at FROM member") is None

    code = await wxsim.login_code(user)
    await ask(client, stays.token, LEAVE, i={"confirm": True, "wechatCode": code})
    # Nobody has sent a picture: the storage is not asked.
    assert await leaving.leave_due(DATA, cast("PictureStorage", None), now=ends) == 1
    anew = await sign_in(client, await wxsim.login_code(user), consents=JOINING_INPUT)
    assert anew.member_id != here.member_id
    assert anew.session["isNewMember"] is True


@pytest.mark.parametrize(
    ("wish", "code", "path"),
    [
        ({"confirm": False, "wechatCode": "x"}, "NOT_ALLOWED", ["confirm"]),
        ({"confirm": True}, "INVALID_INPUT", ["wechatCode"]),
        ({"confirm": True, "wechatCode": "x", "smsCode": "1"}, "INVALID_INPUT", ["wechatCode"]),
        ({"confirm": True, "wechatCode": "unknown"}, "WECHAT_CODE_INVALID", None),
        ({"confirm": True, "smsCode": "123456"}, "SMS_CODE_INVALID", ["smsCode"]),
    ],
)
async def test_nobody_leaves_without_proof(
    client: GraphQLClient,
    settings: Settings,
    wish: dict[str, Any],
    code: str,
    path: list[str] | None,
) -> None:
    member = await signed_in_member(settings)
    answer = (await ask(client, member.token, LEAVE, i=wish))["deleteAccount"]
    [error] = answer["userErrors"]
    assert (answer["deletesAt"], error["code"]) == (None, code)
    assert path is None or error["path"] == path
    assert await db.fetch_value("SELECT leaves_at FROM member") is None


async def test_nobody_leaves_behind_another_s_account(
    client: GraphQLClient, settings: Settings, wxsim: Simulator
) -> None:
    member = await signed_in_member(settings)
    stranger = await wxsim.user()
    await sign_in(client, await wxsim.login_code(stranger))
    code = await wxsim.login_code(stranger)
    answer = await ask(client, member.token, LEAVE, i={"confirm": True, "wechatCode": code})
    assert [error["code"] for error in answer["deleteAccount"]["userErrors"]] == [
        "WECHAT_CODE_INVALID"
    ]
    assert await db.fetch_value("SELECT count(*) FROM member WHERE leaves_at IS NOT NULL") == 0


async def test_nobody_leaves_with_an_order_on_its_way(
    client: GraphQLClient, settings: Settings
) -> None:
    member = await signed_in_member(settings)
    await an_address(member.id)
    await bought(member.id, (await a_sku(1_000), 1), now=datetime.now(UTC))
    wish = {"confirm": True, "wechatCode": "any"}
    answer = await ask(client, member.token, LEAVE, i=wish)
    assert answer["deleteAccount"]["userErrors"] == [
        {
            "code": "NOT_ALLOWED",
            "message": "您还有未完成的订单或退款，暂时无法注销。",
            "path": None,
        }
    ]


@pytest.fixture
async def member(client: GraphQLClient, settings: Settings) -> SignedInMember:
    return await signed_in_member(settings)


async def test_an_export_is_asked_for_made_and_fetched(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    asked = (await ask(client, member.token, EXPORT))["requestDataExport"]
    preparing = {"status": "PREPARING", "url": None, "expiresAt": None}
    assert asked == {"member": {"dataExport": preparing}, "userErrors": []}
    await data_export.prepare_due(DATA, now=datetime.now(UTC))
    mine = (await ask(client, member.token, MINE))["me"]["dataExport"]
    assert mine["status"] == "READY"
    assert mine["url"].startswith(f"{settings.base_url}/exports/")
    path = mine["url"].removeprefix(settings.base_url)
    shown = await client.http.get(path)
    assert shown.status_code == 200
    assert shown.json()["member"][0]["id"] == str(member.id)
    assert shown.headers["content-type"] == "application/json"
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    for wrong in (path[:-1], path + "0", "/exports/1.2", f"/exports/{UUID(int=1)}.{'0' * 64}"):
        assert (await client.http.get(wrong)).status_code == 404
    # Asked again while it is young, it stays the same one.
    again = (await ask(client, member.token, EXPORT))["requestDataExport"]
    assert again["member"]["dataExport"]["url"] == mine["url"]


async def test_another_member_never_sees_it(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    await ask(client, member.token, EXPORT)
    other = await signed_in_member(settings)
    assert (await ask(client, other.token, MINE))["me"]["dataExport"] is None


async def test_the_code_at_the_till_leads_to_the_member(
    client: GraphQLClient, member: SignedInMember, settings: Settings
) -> None:
    code = (await ask(client, member.token, MINE))["me"]["code"]
    now = datetime.now(UTC)
    expires_at = datetime.fromisoformat(code["expiresAt"])
    assert len(code["text"]) == 18
    assert timedelta(seconds=55) < expires_at - now <= timedelta(seconds=120)
    assert await member_codes.member_behind(code["text"], DATA, now=now) == member.id
    assert await member_codes.member_behind(code["text"], DATA, now=expires_at) is None
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    assert await member_codes.member_behind(code["text"], DATA, now=now) is None
    visitor = await signed_in_member(settings, joined=False)
    assert (await ask(client, visitor.token, MINE))["me"]["code"] is None
