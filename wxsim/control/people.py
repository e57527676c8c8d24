"""Control calls about users, their codes, and the short messages sent to them."""

import fnmatch
from typing import Any

from starlette.requests import Request

from wxsim.control.replies import Action
from wxsim.errors import ControlError
from wxsim.records import Sms, User
from wxsim.world import World

SCOPES = ("snsapi_base", "snsapi_userinfo")
LISTED = 100


def actions(world: World) -> list[Action]:
    """The calls of this area."""

    def view(user: User) -> dict[str, Any]:
        openids = {
            app.kind: world.people.identity(user.id, app.appid).openid for app in world.config.apps
        }
        return {
            "id": user.id,
            "nickname": user.nickname,
            "phone": user.phone,
            "unionid": user.unionid,
            "openids": openids,
        }

    async def create_user(request: Request, body: dict[str, Any]) -> Any:
        nickname, phone = body.get("nickname"), body.get("phone", "")
        if nickname is not None and not isinstance(nickname, str):
            raise ControlError(400, "BAD_USER", "nickname is a text.")
        if phone is not None and not isinstance(phone, str):
            raise ControlError(400, "BAD_USER", "phone is a text, or null for none.")
        return {"user": view(world.people.create(nickname, phone))}

    async def list_users(request: Request, body: dict[str, Any]) -> Any:
        users = list(world.people.users.values())[-LISTED:]
        return {"users": [view(user) for user in reversed(users)]}

    async def login_code(request: Request, body: dict[str, Any]) -> Any:
        user, app = world.people.user(body.get("user")), world.people.app(body.get("appid"))
        return {"code": world.people.issue_code("login", user, app).code}

    async def phone_code(request: Request, body: dict[str, Any]) -> Any:
        user, app = world.people.user(body.get("user")), world.people.app(body.get("appid"))
        if user.phone is None:
            raise ControlError(409, "NO_PHONE", f"{user.id} has no phone number.")
        return {"code": world.people.issue_code("phone", user, app).code}

    async def oauth_code(request: Request, body: dict[str, Any]) -> Any:
        user = world.people.user(body.get("user"))
        # Web authorization belongs to the official account, so that is the default here.
        app = world.people.app(body.get("appid", world.config.official_account.appid))
        scope = body.get("scope", "snsapi_userinfo")
        if scope not in SCOPES:
            raise ControlError(400, "BAD_SCOPE", f"scope is one of {', '.join(SCOPES)}.")
        snapshot = body.get("snapshot", False) is True
        code = world.people.issue_code("oauth", user, app, scope=scope, snapshot=snapshot)
        return {"code": code.code}

    async def post_sms(request: Request, body: dict[str, Any]) -> Any:
        phone = body.get("phone") or body.get("phone_masked")
        code, text = body.get("code"), body.get("text", "")
        if not (isinstance(phone, str) and isinstance(code, str) and isinstance(text, str)):
            raise ControlError(400, "BAD_SMS", "A message has phone, code and text.")
        world.add_sms(Sms(phone=phone, code=code, text=text, at=world.clock.now()))
        return {"ok": True}

    async def list_sms(request: Request, body: dict[str, Any]) -> Any:
        phone = request.query_params.get("phone")
        # The sender may have masked the number, so stars stand for any digits, on either side.
        found = [
            {"phone": sms.phone, "code": sms.code, "text": sms.text, "at": sms.at}
            for sms in reversed(world.sms)
            if phone is None
            or fnmatch.fnmatchcase(phone, sms.phone)
            or fnmatch.fnmatchcase(sms.phone, phone)
        ]
        return {"sms": found[:LISTED]}

    return [
        Action("POST", "/users", create_user),
        Action("GET", "/users", list_users),
        Action("POST", "/login_code", login_code),
        Action("POST", "/phone_code", phone_code),
        Action("POST", "/oauth_code", oauth_code),
        Action("POST", "/sms", post_sms),
        Action("GET", "/sms", list_sms),
    ]
