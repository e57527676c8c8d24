"""Sign-in, phone numbers, tokens, codes and text checks against the simulator."""

from __future__ import annotations

import asyncio
from collections import Counter

import filetype
import pytest

from domain.errors import (
    AccountBlocked,
    DomainError,
    InvalidInput,
    RateLimited,
    WechatCodeInvalid,
    WechatUnavailable,
)
from domain.wechat import TextScene, TextVerdict
from gateways.redis.connection import RedisClient
from gateways.wechat.http import Patience
from gateways.wechat.official_account import sign_page
from tests.gateways.conftest import PAGE_HOST, Wechat, WechatMaker
from tests.support.redis import RedisServer
from tests.support.simulator import Simulator


async def paths(wxsim: Simulator) -> Counter[str]:
    """Count the calls that reached api.weixin.qq.com."""
    return Counter(entry["path"] for entry in await wxsim.journal() if entry["host"] == "api")


async def test_a_login_code_tells_who_is_there_once(wechat: Wechat, wxsim: Simulator) -> None:
    user = await wxsim.user(nickname="小明")
    code = await wxsim.login_code(user)
    identity = await wechat.mini_program.exchange(code)
    known = (await wxsim.get("/users"))["users"][0]
    assert identity.openid == known["openids"]["mini_program"]
    assert identity.unionid == known["unionid"]
    assert identity.appid == wechat.mini_program.appid
    assert not identity.is_snapshot_user

    with pytest.raises(WechatCodeInvalid):
        await wechat.mini_program.exchange(code)


async def test_signing_in_needs_no_access_token(wechat: Wechat, wxsim: Simulator) -> None:
    await wechat.mini_program.exchange(await wxsim.login_code(await wxsim.user()))
    assert await paths(wxsim) == {"/sns/jscode2session": 1}


async def test_secrets_do_not_show_in_reprs(wechat: Wechat, wxsim: Simulator) -> None:
    identity = await wechat.mini_program.exchange(await wxsim.login_code(await wxsim.user()))
    assert identity.session_key is not None
    assert identity.session_key not in repr(identity)
    assert identity.openid not in repr(identity)


async def test_unknown_and_expired_codes(wechat: Wechat, wxsim: Simulator) -> None:
    with pytest.raises(WechatCodeInvalid):
        await wechat.mini_program.exchange("nobody-made-this")
    code = await wxsim.login_code(await wxsim.user())
    await wxsim.advance("301s")
    with pytest.raises(WechatCodeInvalid):
        await wechat.mini_program.exchange(code)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "http", "status": 502}, WechatUnavailable),
        ({"kind": "errcode", "errcode": -1}, WechatUnavailable),
        ({"kind": "errcode", "errcode": 45009}, WechatUnavailable),
        ({"kind": "errcode", "errcode": 45011}, RateLimited),
        ({"kind": "errcode", "errcode": 40226}, AccountBlocked),
        ({"kind": "commit_then_5xx"}, WechatUnavailable),
    ],
)
async def test_what_wechat_s_failures_mean(
    wechat: Wechat, wxsim: Simulator, fault: dict[str, object], expected: type[DomainError]
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    phone_code = await wxsim.phone_code(await wxsim.user(phone="13800138000"))
    for path in ("/sns/jscode2session", "/wxa/business/getuserphonenumber"):
        await wxsim.fault(**fault, match={"host": "api", "path": path})  # type: ignore[arg-type]  # `kind` is among them.
    with pytest.raises(expected):
        await wechat.mini_program.exchange(code)
    with pytest.raises(expected):
        await wechat.mini_program.phone_number(phone_code)


async def test_a_silent_wechat_is_unavailable(make_wechat: WechatMaker, wxsim: Simulator) -> None:
    hurried = make_wechat(patience=Patience(connect=0.2, read=0.05, total=0.2))
    code = await wxsim.login_code(await wxsim.user())
    phone_code = await wxsim.phone_code(await wxsim.user(phone="13800138000"))
    await wxsim.fault("timeout", match={"host": "api"})
    with pytest.raises(WechatUnavailable):
        await hurried.mini_program.exchange(code)
    with pytest.raises(WechatUnavailable):
        await hurried.mini_program.phone_number(phone_code)


async def test_a_wrong_secret_is_our_fault_not_the_code_s(
    make_wechat: WechatMaker, wxsim: Simulator
) -> None:
    code = await wxsim.login_code(await wxsim.user())
    with pytest.raises(WechatUnavailable):
        await make_wechat(secret="wrong").mini_program.exchange(code)


async def test_a_phone_code_tells_the_number_once(wechat: Wechat, wxsim: Simulator) -> None:
    code = await wxsim.phone_code(await wxsim.user(phone="13800138000"))
    assert await wechat.mini_program.phone_number(code) == "+8613800138000"
    with pytest.raises(WechatCodeInvalid):
        await wechat.mini_program.phone_number(code)


async def test_an_oauth_code_tells_who_is_there(wechat: Wechat, wxsim: Simulator) -> None:
    user = await wxsim.user(nickname="小红")
    known = (await wxsim.get("/users"))["users"][0]
    identity = await wechat.official_account.exchange(
        await wxsim.oauth_code(user, scope="snsapi_base")
    )
    assert identity.openid == known["openids"]["official_account"]
    assert identity.unionid is None

    identity, profile = await wechat.official_account.exchange_with_profile(
        await wxsim.oauth_code(user)
    )
    assert (identity.unionid, profile.unionid) == (known["unionid"], known["unionid"])
    assert profile.nickname == "小红"


async def test_a_snapshot_user_is_told_apart(wechat: Wechat, wxsim: Simulator) -> None:
    code = await wxsim.oauth_code(await wxsim.user(), snapshot=True)
    assert (await wechat.official_account.exchange(code)).is_snapshot_user


async def test_many_processes_fetch_one_token(make_wechat: WechatMaker, wxsim: Simulator) -> None:
    processes = [make_wechat() for _ in range(4)]
    user = await wxsim.user(phone="13800138000")
    codes = [await wxsim.phone_code(user) for _ in range(60)]
    numbers = await asyncio.gather(
        *(processes[i % 4].mini_program.phone_number(code) for i, code in enumerate(codes))
    )
    assert numbers == ["+8613800138000"] * 60
    assert await paths(wxsim) == {
        "/cgi-bin/stable_token": 1,
        "/wxa/business/getuserphonenumber": 60,
    }


async def test_a_revoked_token_is_replaced_once(wechat: Wechat, wxsim: Simulator) -> None:
    user = await wxsim.user(phone="13800138000")
    await wechat.mini_program.phone_number(await wxsim.phone_code(user))
    codes = [await wxsim.phone_code(user) for _ in range(20)]
    await wxsim.fault("token.revoke_now")
    await asyncio.gather(*(wechat.mini_program.phone_number(code) for code in codes))
    assert (await paths(wxsim))["/cgi-bin/stable_token"] == 2


async def test_a_token_refused_for_good_costs_one_more_try(
    wechat: Wechat, wxsim: Simulator
) -> None:
    code = await wxsim.phone_code(await wxsim.user(phone="13800138000"))
    path = "/wxa/business/getuserphonenumber"
    await wxsim.fault("errcode", errcode=40001, match={"host": "api", "path": path})
    with pytest.raises(WechatUnavailable):
        await wechat.mini_program.phone_number(code)
    assert await paths(wxsim) == {"/cgi-bin/stable_token": 2, path: 2}


async def test_tokens_last_five_minutes_less_than_wechat_says(
    wechat: Wechat, wxsim: Simulator, redis: RedisClient
) -> None:
    user = await wxsim.user(phone="13800138000")
    await wechat.mini_program.phone_number(await wxsim.phone_code(user))
    key = f"wechat:{{{wechat.mini_program.appid}:access_token}}:value"
    assert 6_800 < await redis.ttl(key) <= 6_900
    assert await redis.keys("*lock*") == []


async def test_without_redis_a_process_keeps_its_own_token(
    wechat: Wechat, wxsim: Simulator, redis_server: RedisServer
) -> None:
    user = await wxsim.user(phone="13800138000")
    codes = [await wxsim.phone_code(user) for _ in range(10)]
    redis_server.stop()
    await asyncio.gather(*(wechat.mini_program.phone_number(code) for code in codes))
    assert (await paths(wxsim))["/cgi-bin/stable_token"] == 1

    await wxsim.fault("token.revoke_now")
    await wechat.mini_program.phone_number(await wxsim.phone_code(user))
    assert (await paths(wxsim))["/cgi-bin/stable_token"] == 2


async def test_nobody_waits_forever_for_who_fetches_the_token(
    make_wechat: WechatMaker, wxsim: Simulator, redis: RedisClient
) -> None:
    hurried = make_wechat(patience=Patience(connect=0.2, read=0.05, total=0.2))
    await redis.set(f"wechat:{{{hurried.mini_program.appid}:access_token}}:lock", "somebody else")
    code = await wxsim.phone_code(await wxsim.user(phone="13800138000"))
    with pytest.raises(WechatUnavailable):
        await hurried.mini_program.phone_number(code)
    assert await paths(wxsim) == {}


async def test_a_qr_code_is_an_image(wechat: Wechat) -> None:
    image = await wechat.mini_program.code_image("g3kZ9aQ1", page="pages/home/index")
    assert filetype.guess_mime(image) == "image/png"


async def test_an_error_instead_of_an_image_is_told(wechat: Wechat) -> None:
    with pytest.raises(WechatUnavailable):
        await wechat.mini_program.code_image("汉字", page="pages/home/index")


@pytest.mark.parametrize(
    ("content", "verdict"),
    [("包装很好", TextVerdict.ACCEPT), ("线上赌博", TextVerdict.REJECT)],
)
async def test_texts_are_judged(
    wechat: Wechat, wxsim: Simulator, content: str, verdict: TextVerdict
) -> None:
    identity = await wechat.mini_program.exchange(await wxsim.login_code(await wxsim.user()))
    judged = await wechat.mini_program.check_text(identity.openid, content, TextScene.COMMENT)
    assert judged is verdict


async def test_a_text_of_somebody_long_away_waits_for_a_person(
    wechat: Wechat, wxsim: Simulator
) -> None:
    identity = await wechat.mini_program.exchange(await wxsim.login_code(await wxsim.user()))
    await wxsim.fault("errcode", errcode=61010, match={"host": "api", "path": "/wxa/msg_sec_check"})
    judged = await wechat.mini_program.check_text(identity.openid, "你好", TextScene.PROFILE)
    assert judged is TextVerdict.REVIEW


def test_a_page_is_signed_as_the_documents_show() -> None:
    signature = sign_page(
        "http://mp.weixin.qq.com?params=value#top",
        ticket="sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
        nonce="Wm3WZYTPz0wzccnW",
        timestamp=1414587457,
    )
    assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


async def test_pages_share_one_ticket(make_wechat: WechatMaker, wxsim: Simulator) -> None:
    processes = [make_wechat(), make_wechat()]
    url = f"https://{PAGE_HOST}/h5/cart?id=1"
    signed = await asyncio.gather(
        *(processes[i % 2].official_account.jsapi_signature(url, timestamp=7) for i in range(40))
    )
    assert len({signature.nonce_str for signature in signed}) == 40
    assert await paths(wxsim) == {"/cgi-bin/stable_token": 1, "/cgi-bin/ticket/getticket": 1}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        f"https://{PAGE_HOST}.evil.example.com/",
        f"https://{PAGE_HOST}@evil.example.com/",
        f"javascript://{PAGE_HOST}/",
        "",
    ],
)
async def test_only_our_pages_are_signed(wechat: Wechat, wxsim: Simulator, url: str) -> None:
    with pytest.raises(InvalidInput):
        await wechat.official_account.jsapi_signature(url, timestamp=7)
    assert await paths(wxsim) == {}
