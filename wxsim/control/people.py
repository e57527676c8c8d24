"""Control calls about users, their codes, and the short messages sent to them."""

import fnmatch
from typing import Any

from wxsim.control.replies import Action, Ask
from wxsim.errors import ControlError
from wxsim.records import Sms, User
from wxsim.world import World

SCOPES = ("snsapi_base", "snsapi_userinfo")
LISTED = 100


class PeopleControl:
    """The calls about users."""

    def __init__(self, world: World) -> None:
        self._world = world

    def actions(self) -> list[Action]:
        """What answers which path."""
        return [
            Action("POST", "/users", self._create_user),
            Action("GET", "/users", self._list_users),
            Action("POST", "/login_code", self._login_code),
            Action("POST", "/phone_code", self._phone_code),
            Action("POST", "/oauth_code", self._oauth_code),
            Action("POST", "/sms", self._post_sms),
            Action("GET", "/sms", self._list_sms),
        ]

    def _view(self, user: User) -> dict[str, Any]:
        openids = {
            app.kind: self._world.people.identity(user.id, app.appid).openid
            for app in self._world.config.apps
        }
        return {
            "id": user.id,
            "nickname": user.nickname,
            "phone": user.phone,
            "unionid": user.unionid,
            "openids": openids,
        }

    async def _create_user(self, ask: Ask) -> Any:
        nickname, phone = ask.body.get("nickname"), ask.body.get("phone", "")
        if nickname is not None and not isinstance(nickname, str):
            raise ControlError(400, "BAD_USER", "nickname is a text.")
        if phone is not None and not isinstance(phone, str):
            raise ControlError(400, "BAD_USER", "phone is a text, or null for none.")
        return {"user": self._view(self._world.people.create(nickname, phone))}

    async def _list_users(self, ask: Ask) -> Any:
        phone = ask.query.get("phone")
        known = self._world.people.users.values()
        users = [user for user in known if phone is None or user.phone == phone][-LISTED:]
        return {"users": [self._view(user) for user in reversed(users)]}

    async def _login_code(self, ask: Ask) -> Any:
        user, app = (
            self._world.people.user(ask.body.get("user")),
            self._world.people.app(ask.body.get("appid")),
        )
        return {"code": self._world.people.issue_code("login", user, app).code}

    async def _phone_code(self, ask: Ask) -> Any:
        user, app = (
            self._world.people.user(ask.body.get("user")),
            self._world.people.app(ask.body.get("appid")),
        )
        if user.phone is None:
            raise ControlError(409, "NO_PHONE", f"{user.id} has no phone number.")
        return {"code": self._world.people.issue_code("phone", user, app).code}

    async def _oauth_code(self, ask: Ask) -> Any:
        user = self._world.people.user(ask.body.get("user"))
        # Web authorization belongs to the official account, so that is the default here.
        app = self._world.people.app(
            ask.body.get("appid", self._world.config.official_account.appid)
        )
        scope = ask.body.get("scope", "snsapi_userinfo")
        if scope not in SCOPES:
            raise ControlError(400, "BAD_SCOPE", f"scope is one of {', '.join(SCOPES)}.")
        snapshot = ask.body.get("snapshot", False) is True
        code = self._world.people.issue_code("oauth", user, app, scope=scope, snapshot=snapshot)
        return {"code": code.code}

    async def _post_sms(self, ask: Ask) -> Any:
        phone = ask.body.get("phone") or ask.body.get("phone_masked")
        code, text = ask.body.get("code"), ask.body.get("text", "")
        if not (isinstance(phone, str) and isinstance(code, str) and isinstance(text, str)):
            raise ControlError(400, "BAD_SMS", "A message has phone, code and text.")
        self._world.add_sms(Sms(phone=phone, code=code, text=text, at=self._world.clock.now()))
        return {"ok": True}

    async def _list_sms(self, ask: Ask) -> Any:
        phone = ask.query.get("phone")
        # The sender may have masked the number, so stars stand for any digits, on either side.
        found = [
            {"phone": sms.phone, "code": sms.code, "text": sms.text, "at": sms.at}
            for sms in reversed(self._world.sms)
            if phone is None
            or fnmatch.fnmatchcase(phone, sms.phone)
            or fnmatch.fnmatchcase(sms.phone, phone)
        ]
        return {"sms": found[:LISTED]}
