"""The host open.weixin.qq.com: the page on which a user lets a web page know who they are."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from wxsim.errors import ControlError
from wxsim.exchange import Call, Host, Manners, Reply, Route, gateway_error, html_reply, json_reply
from wxsim.html import document, e, message
from wxsim.world import World

STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
SCOPES = ("snsapi_base", "snsapi_userinfo")
USERS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a web page asks for."""

    appid: str
    redirect_uri: str
    scope: str
    state: str


def build(world: World) -> Host:
    """The ASGI application to mount at /open."""

    async def authorize(call: Call) -> Reply:
        asked = read_authorization(world, call)
        chosen = call.query.get("_user")
        if chosen is None:
            return html_reply(_choice(world, call))
        user = world.people.create() if chosen == "new" else world.people.user(chosen)
        code = world.people.issue_code(
            "oauth",
            user,
            world.people.app(asked.appid),
            scope=asked.scope,
            snapshot=call.query.get("_snapshot") == "1",
        )
        call.note(user=user.id)
        joint = "&" if "?" in asked.redirect_uri else "?"
        target = asked.redirect_uri + joint + urlencode({"code": code.code, "state": asked.state})
        return Reply(302, headers=[("Location", target)], sealed=False)

    async def avatar(call: Call) -> Reply:
        hue = sum(call.params["user"].encode()) * 47 % 360
        picture = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
            f'<rect width="96" height="96" fill="hsl({hue} 45% 60%)"/>'
            '<circle cx="48" cy="38" r="18" fill="#fff"/>'
            '<ellipse cx="48" cy="86" rx="32" ry="26" fill="#fff"/></svg>'
        )
        return Reply(body=picture.encode(), content_type="image/svg+xml", sealed=False)

    return Host(
        "open",
        [
            Route("GET", "/connect/oauth2/authorize", authorize),
            Route("GET", "/avatar/{user}", avatar),
        ],
        _manners(),
        clock=world.clock,
        faults=world.faults,
        journal=world.journal,
        stats=world.stats,
        revoke_tokens=world.tokens.revoke_all,
    )


def read_authorization(world: World, call: Call) -> Authorization:
    """The checked query of the authorize page; ControlError says what is wrong."""
    query = call.query
    appid = query.get("appid", "")
    if appid != world.config.official_account.appid:
        raise ControlError(400, "BAD_APPID", f"appid {appid!r} is not the official account's.")
    redirect = query.get("redirect_uri", "")
    parts = urlsplit(redirect)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not redirect.isascii():
        raise ControlError(400, "BAD_REDIRECT", "redirect_uri is an absolute http(s) URL.")
    if query.get("response_type") != "code":
        raise ControlError(400, "BAD_RESPONSE_TYPE", "response_type is code.")
    scope, state = query.get("scope", ""), query.get("state", "")
    if scope not in SCOPES:
        raise ControlError(400, "BAD_SCOPE", f"scope is one of {', '.join(SCOPES)}.")
    if not STATE.fullmatch(state):
        raise ControlError(400, "BAD_STATE", "state is at most 128 of a-zA-Z0-9.")
    return Authorization(appid, redirect.replace("\r", "").replace("\n", ""), scope, state)


def _manners() -> Manners:
    def refuse(_: Call, error: Exception) -> Reply | None:
        if isinstance(error, ControlError):
            return html_reply(message("请求有误 · Bad request", error.message), error.status)
        return None

    return Manners(
        admit=lambda _: None,
        refuse=refuse,
        unknown=lambda _: html_reply(message("404", "没有这个页面 · No such page"), 404),
        fault_refusal=lambda _, fault: json_reply({"errcode": fault.whole("errcode", -1)}),
        broken=lambda _, status: gateway_error(status),
        seal=lambda _call, _reply: [],
    )


def _choice(world: World, call: Call) -> str:
    def link(user: str, label: str, note: str, **extra: str) -> str:
        query = urlencode({**call.query, "_user": user, **extra})
        return (
            f'<div class="row"><span class="grow">{e(label)} <span class="faint">{e(note)}</span>'
            f'</span><a class="button" href="?{e(query)}">允许 · Allow</a></div>'
        )

    users = list(reversed(world.people.users.values()))[:USERS_SHOWN]
    rows = [link(user.id, user.nickname, user.id) for user in users]
    rows.append(link("new", "新用户", "a new user"))
    if users:
        rows.append(link(users[0].id, "快照用户", "a snapshot (virtual) user", _snapshot="1"))
    return document(
        "微信登录 · WeChat sign-in (simulated)",
        '<main class="single"><section class="card"><h2>以谁的身份登录？'
        f"<small>Sign in as</small></h2>{''.join(rows)}</section></main>",
    )
