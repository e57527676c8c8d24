"""Mini-program codes as images, and the check of texts."""

import io
import re
from typing import Any
from urllib.parse import quote

import segno

from wxsim.api.manners import appid_of, body_of
from wxsim.errors import WeChatError
from wxsim.exchange import Call, Reply, Route, json_reply, text_of
from wxsim.world import World

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
PAGE = re.compile(r"[^/?][^?]*")
WIDTHS = range(280, 1281)
RECENT_SECONDS = 7_200.0
TEXT_LIMIT = 2_500
LABELS = {"pass": 100, "review": 10001, "risky": 20001}


class ContentCalls:
    """The endpoints for codes and text checks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("POST", "/wxa/getwxacodeunlimit", self._unlimited_code),
            Route("POST", "/wxa/msg_sec_check", self._check_text),
        ]

    async def _unlimited_code(self, call: Call) -> Reply:
        appid = appid_of(self._world, call)
        data = body_of(call)
        scene, page = text_of(data, "scene") or "", data.get("page", "")
        if not SCENE.fullmatch(scene):
            raise WeChatError(40169, "invalid length for scene, or the data is not json string")
        if not isinstance(page, str) or (page and not PAGE.fullmatch(page)):
            raise WeChatError(41030, "invalid page")
        width = data.get("width", 430)
        if not isinstance(width, int) or width not in WIDTHS:
            raise WeChatError(40097, "invalid args")
        call.note(scene=scene)
        return Reply(body=code_image(appid, page, scene, width), content_type="image/png")

    async def _check_text(self, call: Call) -> Reply:
        appid = appid_of(self._world, call)
        data = body_of(call)
        _check_text_request(self._world, appid, data)
        content = " ".join(str(data.get(name) or "") for name in ("content", "nickname", "title"))
        words = [word for word in self._world.tunables.risky_words if word in content]
        suggest = "risky" if words else "pass"
        verdict: dict[str, Any] = {"suggest": suggest, "label": LABELS[suggest]}
        detail = [{"strategy": "content_model", "errcode": 0, **verdict, "prob": 90}]
        detail += [
            {"strategy": "keyword", "errcode": 0, **verdict, "level": 90, "keyword": word}
            for word in words
        ]
        call.note(suggest=suggest)
        return json_reply(
            {
                "errcode": 0,
                "errmsg": "ok",
                "result": verdict,
                "detail": detail,
                "trace_id": self._world.ids.next_uuid("trace"),
            }
        )


def code_image(appid: str, page: str, scene: str, width: int) -> bytes:
    """A PNG that any phone's camera reads: the plain link to the page with its scene."""
    query = quote(f"scene={quote(scene, safe='')}", safe="")
    link = f"weixin://dl/business/?appid={appid}&path={quote(page, safe='/')}&query={query}"
    code = segno.make(link, error="m", micro=False)
    scale = max(1, width // code.symbol_size(border=4)[0])
    out = io.BytesIO()
    code.save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def _check_text_request(world: World, appid: str, data: dict[str, Any]) -> None:
    content = text_of(data, "content")
    if not content:
        raise WeChatError(44002, "empty post data")
    if data.get("version") != 2 or data.get("scene") not in {1, 2, 3, 4}:
        raise WeChatError(40129, "invalid scene or version")
    if len(content) > TEXT_LIMIT:
        raise WeChatError(47001, "data format error: content is too long")
    identity = world.people.find(appid, text_of(data, "openid") or "")
    if identity is None:
        raise WeChatError(40003, "invalid openid")
    away = world.clock.now() - identity.seen_at
    if world.tunables.require_recent_visit and away > RECENT_SECONDS:
        raise WeChatError(61010, "code is expired")
