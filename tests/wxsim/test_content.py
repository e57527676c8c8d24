"""Mini-program codes and text checks."""

import struct
from typing import Any

import httpx
import pytest
import segno

from tests.wxsim.simulator import Simulator
from wxsim.api.content import code_image

PNG = b"\x89PNG\r\n\x1a\n"


async def code(sim: Simulator, **data: Any) -> httpx.Response:
    token = await sim.access_token()
    path = "/api/wxa/getwxacodeunlimit"
    return await sim.http.post(path, params={"access_token": token}, json=data)


async def test_code_is_a_png_of_about_the_width_asked_for(sim: Simulator) -> None:
    answer = await code(sim, scene="g3kZ9aQ1", page="pages/product/index", width=600)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(PNG)
    width, height = struct.unpack(">II", answer.content[16:24])
    assert width == height
    assert 500 <= width <= 600


def test_code_holds_the_plain_link_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    make = segno.make

    def listen(link: str, **options: Any) -> segno.QRCode:
        links.append(link)
        return make(link, **options)

    monkeypatch.setattr(segno, "make", listen)
    code_image("wx1", "pages/p/i", "a=1&b", 430)
    assert links == ["weixin://dl/business/?appid=wx1&path=pages/p/i&query=scene%3Da%253D1%2526b"]


@pytest.mark.parametrize(
    ("data", "errcode"),
    [
        ({"scene": ""}, 40169),
        ({"scene": "x" * 33}, 40169),
        ({"scene": "有"}, 40169),
        ({}, 40169),
        ({"scene": "a", "page": "/pages/x"}, 41030),
        ({"scene": "a", "page": "pages/x?y=1"}, 41030),
        ({"scene": "a", "width": 279}, 40097),
        ({"scene": "a", "width": 1281}, 40097),
    ],
)
async def test_code_refusals_are_json(sim: Simulator, data: dict[str, Any], errcode: int) -> None:
    answer = await code(sim, **data)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errcode"] == errcode


async def check(sim: Simulator, content: str, /, **changes: Any) -> dict[str, Any]:
    openid = (await sim.user())["openids"]["mini_program"]
    data = {"version": 2, "scene": 1, "openid": openid, "content": content} | changes
    token = await sim.access_token()
    return await sim.post("/api/wxa/msg_sec_check", data, access_token=token)


async def test_text_passes_or_is_risky_by_the_word_list(sim: Simulator) -> None:
    good = await check(sim, "喝杯红茶")
    assert good["errcode"] == 0
    assert good["result"] == {"suggest": "pass", "label": 100}
    await sim.control("settings", risky_words=["红茶"])
    bad = await check(sim, "喝杯红茶")
    assert bad["result"] == {"suggest": "risky", "label": 20001}
    assert bad["detail"][1]["keyword"] == "红茶"


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"version": 1}, 40129),
        ({"scene": 5}, 40129),
        ({"openid": "o-nobody"}, 40003),
        ({"content": "字" * 2501}, 47001),
        ({"content": ""}, 44002),
    ],
)
async def test_text_refusals(sim: Simulator, changes: dict[str, Any], errcode: int) -> None:
    assert (await check(sim, "好", **changes))["errcode"] == errcode


async def test_absent_users_are_refused_when_asked_to(sim: Simulator) -> None:
    await sim.control("settings", require_recent_visit=True)
    assert (await check(sim, "好"))["errcode"] == 61010
