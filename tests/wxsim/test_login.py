"""Codes, sessions, phone numbers and web authorization, as api.weixin.qq.com answers them."""

import hashlib
import hmac
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wxsim.simulator import Simulator


async def login(sim: Simulator, code: str, **changes: str) -> dict[str, Any]:
    query = {
        "appid": sim.appid,
        "secret": sim.world.tokens.secret(sim.appid),
        "js_code": code,
        "grant_type": "authorization_code",
    } | changes
    return await sim.get("/api/sns/jscode2session", **query)


async def oauth(sim: Simulator, code: str) -> dict[str, Any]:
    return await sim.get(
        "/api/sns/oauth2/access_token",
        appid=sim.oa_appid,
        secret=sim.world.tokens.secret(sim.oa_appid),
        code=code,
        grant_type="authorization_code",
    )


async def login_code(sim: Simulator, user: str) -> str:
    return str((await sim.control("login_code", user=user))["code"])


async def test_login_gives_a_session_as_plain_text(sim: Simulator) -> None:
    user = await sim.user()
    code = await login_code(sim, user["id"])
    answer = await sim.http.get(
        "/api/sns/jscode2session",
        params={
            "appid": sim.appid,
            "secret": sim.world.tokens.secret(sim.appid),
            "js_code": code,
            "grant_type": "authorization_code",
        },
    )
    assert answer.headers["content-type"] == "text/plain"
    session = answer.json()
    assert session.keys() == {"session_key", "openid", "unionid"}
    assert session["openid"] == user["openids"]["mini_program"]
    assert session["unionid"] == user["unionid"]
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", session["openid"])


async def test_a_code_works_once(sim: Simulator) -> None:
    code = await login_code(sim, (await sim.user())["id"])
    assert "openid" in await login(sim, code)
    again = await login(sim, code)
    assert again["errcode"] == 40163
    assert re.match(r"code been used rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", again["errmsg"])


async def test_a_code_lives_five_minutes(sim: Simulator) -> None:
    user = (await sim.user())["id"]
    code, late = await login_code(sim, user), await login_code(sim, user)
    await sim.advance("299s")
    assert "openid" in await login(sim, code)
    await sim.advance("1s")
    assert (await login(sim, late))["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"js_code": "nobody's"}, 40029),
        ({"js_code": ""}, 41008),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"secret": ""}, 41004),
        ({"appid": ""}, 41002),
        ({"grant_type": "password"}, 40002),
    ],
)
async def test_login_refusals(sim: Simulator, changes: dict[str, str], errcode: int) -> None:
    code = await login_code(sim, (await sim.user())["id"])
    assert (await login(sim, code, **changes))["errcode"] == errcode
    assert "openid" in await login(sim, code)  # The refusal used nothing up.


async def test_a_code_of_another_kind_or_app_is_invalid(sim: Simulator) -> None:
    user = (await sim.user())["id"]
    phone = (await sim.control("phone_code", user=user))["code"]
    assert (await login(sim, phone))["errcode"] == 40029
    elsewhere = (await sim.control("login_code", user=user, appid=sim.oa_appid))["code"]
    assert (await login(sim, elsewhere))["errcode"] == 40029


async def test_session_key_is_checked_and_reset(sim: Simulator) -> None:
    session = await login(sim, await login_code(sim, (await sim.user())["id"]))
    token = await sim.access_token()

    def query(key: str) -> dict[str, str]:
        signature = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
        return {
            "access_token": token,
            "openid": session["openid"],
            "signature": signature,
            "sig_method": "hmac_sha256",
        }

    old = query(session["session_key"])
    assert (await sim.get("/api/wxa/checksession", **old))["errcode"] == 0
    fresh = await sim.get("/api/wxa/resetusersessionkey", **old)
    assert fresh["session_key"] != session["session_key"]
    assert (await sim.get("/api/wxa/checksession", **old))["errcode"] == 87009
    new = query(fresh["session_key"])
    assert (await sim.get("/api/wxa/checksession", **new))["errcode"] == 0


async def phone_number(sim: Simulator, code: str, **changes: str) -> dict[str, Any]:
    token = await sim.access_token()
    path = "/api/wxa/business/getuserphonenumber"
    return await sim.post(path, {"code": code} | changes, access_token=token)


async def test_phone_code(sim: Simulator) -> None:
    user = await sim.user(phone="13800138000")
    code = (await sim.control("phone_code", user=user["id"]))["code"]
    info = (await phone_number(sim, code))["phone_info"]
    assert info == {
        "phoneNumber": "13800138000",
        "purePhoneNumber": "13800138000",
        "countryCode": "86",
        "watermark": {"timestamp": int(sim.world.clock.now()), "appid": sim.appid},
    }
    assert (await phone_number(sim, code))["errcode"] == 40163
    assert (await phone_number(sim, "nobody's"))["errcode"] == 40029
    other = (await sim.control("phone_code", user=user["id"]))["code"]
    assert (await phone_number(sim, other, openid="o-somebody"))["errcode"] == 40003


async def test_users_have_phones_unless_told_otherwise(sim: Simulator) -> None:
    first, second = await sim.user(), await sim.user()
    assert re.fullmatch(r"1990\d{7}", first["phone"])
    assert first["phone"] != second["phone"]
    silent = await sim.user(phone=None)
    assert silent["phone"] is None
    assert await sim.refused("phone_code", user=silent["id"]) == (409, "NO_PHONE")


async def test_one_person_has_one_unionid_in_both_apps(sim: Simulator) -> None:
    user = await sim.user(nickname="小红")
    session = await login(sim, await login_code(sim, user["id"]))
    code = (await sim.control("oauth_code", user=user["id"]))["code"]
    web = await oauth(sim, code)
    assert web["unionid"] == session["unionid"] == user["unionid"]
    assert web["openid"] != session["openid"]
    assert "is_snapshotuser" not in web
    assert (await oauth(sim, code))["errcode"] == 40163
    profile = await sim.get(
        "/api/sns/userinfo", access_token=web["access_token"], openid=web["openid"]
    )
    assert (profile["nickname"], profile["unionid"]) == ("小红", user["unionid"])
    picture = await sim.http.get(profile["headimgurl"])
    assert picture.headers["content-type"] == "image/svg+xml"


async def test_base_scope_tells_the_openid_only(sim: Simulator) -> None:
    user = await sim.user()
    code = (await sim.control("oauth_code", user=user["id"], scope="snsapi_base"))["code"]
    web = await oauth(sim, code)
    assert web["openid"] == user["openids"]["official_account"]
    assert "unionid" not in web
    query = {"access_token": web["access_token"], "openid": web["openid"]}
    assert (await sim.get("/api/sns/auth", **query))["errcode"] == 0
    assert (await sim.get("/api/sns/userinfo", **query))["errcode"] == 48001


async def test_a_snapshot_user_is_nobody(sim: Simulator) -> None:
    user = await sim.user()
    code = (await sim.control("oauth_code", user=user["id"], snapshot=True))["code"]
    web = await oauth(sim, code)
    assert web["is_snapshotuser"] == 1
    assert web["openid"] not in user["openids"].values()
    assert "unionid" not in web
    query = {"access_token": web["access_token"], "openid": web["openid"]}
    assert (await sim.get("/api/sns/userinfo", **query))["errcode"] == 48001


async def test_web_tokens_expire_and_are_refreshed(sim: Simulator) -> None:
    code = (await sim.control("oauth_code", user=(await sim.user())["id"]))["code"]
    web = await oauth(sim, code)
    query = {"access_token": web["access_token"], "openid": web["openid"]}
    await sim.advance("2h")
    assert (await sim.get("/api/sns/auth", **query))["errcode"] == 42001
    refreshed = await sim.get(
        "/api/sns/oauth2/refresh_token",
        appid=sim.oa_appid,
        grant_type="refresh_token",
        refresh_token=web["refresh_token"],
    )
    assert refreshed["access_token"] != web["access_token"]
    query["access_token"] = refreshed["access_token"]
    assert (await sim.get("/api/sns/auth", **query))["errcode"] == 0
    assert (await sim.get("/api/sns/auth", **query | {"openid": "other"}))["errcode"] == 40003


def authorize(sim: Simulator, **changes: str) -> dict[str, str]:
    return {
        "appid": sim.oa_appid,
        "redirect_uri": "https://mall.example/back?from=wx",
        "response_type": "code",
        "scope": "snsapi_userinfo",
        "state": "s123",
    } | changes


async def test_authorize_page_offers_users_and_redirects_with_a_code(sim: Simulator) -> None:
    user = await sim.user(nickname="<b>小明</b>")
    path = "/open/connect/oauth2/authorize"
    page = await sim.http.get(path, params=authorize(sim))
    assert page.status_code == 200
    assert "&lt;b&gt;小明&lt;/b&gt;" in page.text
    assert "<b>小明" not in page.text
    back = await sim.http.get(path, params=authorize(sim, _user=user["id"]))
    assert back.status_code == 302
    location = urlsplit(back.headers["location"])
    query = parse_qs(location.query)
    assert location.netloc == "mall.example"
    assert (query["from"], query["state"]) == (["wx"], ["s123"])
    assert (await oauth(sim, query["code"][0]))["openid"] == user["openids"]["official_account"]


async def test_authorize_can_bring_new_and_snapshot_users(sim: Simulator) -> None:
    path = "/open/connect/oauth2/authorize"
    back = await sim.http.get(path, params=authorize(sim, _user="new", _snapshot="1"))
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    assert (await oauth(sim, code))["is_snapshotuser"] == 1
    assert list(sim.world.people.users) == ["u1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"appid": "wx0"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "/relative"},
        {"response_type": "token"},
        {"scope": "snsapi_login"},
        {"state": "with space"},
        {"state": "x" * 129},
        {"_user": "u99"},
    ],
)
async def test_authorize_refuses_in_words(sim: Simulator, changes: dict[str, str]) -> None:
    path = "/open/connect/oauth2/authorize"
    page = await sim.http.get(path, params=authorize(sim, **changes))
    assert page.status_code in {400, 404}
    assert "请求有误" in page.text
    assert "location" not in page.headers


async def test_ids_depend_on_the_seed_only(sim: Simulator) -> None:
    twin = Simulator()
    try:
        assert await sim.user() == await twin.user()
        assert await sim.user(phone="13900000000") == await twin.user(phone="13900000000")
    finally:
        await twin.close()
