"""cgi-bin/token, cgi-bin/stable_token and the JS-SDK ticket."""

from wxsim.api.manners import appid_of, body_of
from wxsim.errors import WeChatError
from wxsim.exchange import Call, Reply, Route, json_reply, text_of
from wxsim.world import World


class TokenCalls:
    """The token endpoints."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("POST", "/cgi-bin/stable_token", self._stable_token),
            Route("GET", "/cgi-bin/token", self._token),
            Route("GET", "/cgi-bin/ticket/getticket", self._getticket),
        ]

    async def _stable_token(self, call: Call) -> Reply:
        data = body_of(call)
        if data.get("grant_type") != "client_credential":
            raise WeChatError(40002, "invalid grant_type")
        appid = self._world.tokens.check_secret(text_of(data, "appid"), text_of(data, "secret"))
        token = self._world.tokens.stable(appid, force=data.get("force_refresh") is True)
        lifetime = int(token.expires_at - self._world.clock.now())
        return json_reply({"access_token": token.value, "expires_in": lifetime})

    async def _token(self, call: Call) -> Reply:
        if call.query.get("grant_type") != "client_credential":
            raise WeChatError(40002, "invalid grant_type")
        appid = self._world.tokens.check_secret(call.query.get("appid"), call.query.get("secret"))
        issued = self._world.tokens.legacy(appid)
        return json_reply({"access_token": issued.value, "expires_in": 7200})

    async def _getticket(self, call: Call) -> Reply:
        appid = appid_of(self._world, call)
        if call.query.get("type") != "jsapi":
            raise WeChatError(40097, "invalid args")
        if appid != self._world.config.official_account.appid:
            raise WeChatError(48001, "api unauthorized")
        value, lifetime = self._world.tokens.ticket(appid)
        data = {"errcode": 0, "errmsg": "ok", "ticket": value, "expires_in": lifetime}
        return json_reply(data)
