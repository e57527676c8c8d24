"""Web authorization of the official account: codes, tokens, profiles."""

from wxsim.errors import WeChatError
from wxsim.exchange import Call, Reply, Route, json_reply
from wxsim.records import WebToken
from wxsim.world import World


class OAuthCalls:
    """The sns/ endpoints of web authorization."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("GET", "/sns/oauth2/access_token", self._access_token),
            Route("GET", "/sns/oauth2/refresh_token", self._refresh_token),
            Route("GET", "/sns/userinfo", self._userinfo),
            Route("GET", "/sns/auth", self._auth),
        ]

    async def _access_token(self, call: Call) -> Reply:
        query = call.query
        appid = self._world.tokens.check_secret(query.get("appid"), query.get("secret"))
        if query.get("grant_type") != "authorization_code":
            raise WeChatError(40002, "invalid grant_type")
        if not query.get("code"):
            raise WeChatError(41008, "missing code")
        code = self._world.people.redeem_code("oauth", query["code"], appid)
        identity = self._world.people.identity(code.user_id, appid, snapshot=code.snapshot)
        self._world.people.saw(identity)
        token = self._world.tokens.issue_web(identity, code.scope)
        call.note(user=code.user_id, openid=identity.openid)
        data = _token_view(token)
        if token.snapshot:
            # A page preview: a virtual user whom nobody may bind to a member.
            data["is_snapshotuser"] = 1
        elif code.scope == "snsapi_userinfo":
            data["unionid"] = self._world.people.users[code.user_id].unionid
        return json_reply(data)

    async def _refresh_token(self, call: Call) -> Reply:
        if call.query.get("grant_type") != "refresh_token":
            raise WeChatError(40002, "invalid grant_type")
        appid = call.query.get("appid", "")
        token = self._world.tokens.refresh_web(appid, call.query.get("refresh_token"))
        return json_reply(_token_view(token))

    async def _userinfo(self, call: Call) -> Reply:
        token = self._world.tokens.web(call.query.get("access_token"), call.query.get("openid"))
        if token.snapshot or token.scope != "snsapi_userinfo":
            raise WeChatError(48001, "api unauthorized")
        user = self._world.people.users[token.user_id]
        profile = {
            "openid": token.openid,
            "nickname": user.nickname,
            "sex": 0,
            "language": "",
            "city": "",
            "province": "",
            "country": "",
            "headimgurl": f"{call.base}/open/avatar/{user.id}",
            "privilege": [],
            "unionid": user.unionid,
        }
        return json_reply(profile)

    async def _auth(self, call: Call) -> Reply:
        self._world.tokens.web(call.query.get("access_token"), call.query.get("openid"))
        return json_reply({"errcode": 0, "errmsg": "ok"})


def _token_view(token: WebToken) -> dict[str, object]:
    return {
        "access_token": token.access_token,
        "expires_in": 7200,
        "refresh_token": token.refresh_token,
        "openid": token.openid,
        "scope": token.scope,
    }
