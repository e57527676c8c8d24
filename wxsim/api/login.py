"""Mini-program login, session keys and phone numbers."""

import hmac

from wxsim.api.manners import appid_of, body_of
from wxsim.errors import WeChatError
from wxsim.exchange import Call, Reply, Route, json_reply, text_of
from wxsim.records import Identity
from wxsim.world import World


class LoginCalls:
    """The endpoints of wx.login and the phone number button."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("GET", "/sns/jscode2session", self._code_to_session),
            Route("POST", "/wxa/business/getuserphonenumber", self._phone_number),
            Route("GET", "/wxa/checksession", self._check_session),
            Route("GET", "/wxa/resetusersessionkey", self._reset_session),
        ]

    async def _code_to_session(self, call: Call) -> Reply:
        query = call.query
        appid = self._world.tokens.check_secret(query.get("appid"), query.get("secret"))
        if query.get("grant_type") != "authorization_code":
            raise WeChatError(40002, "invalid grant_type")
        if not query.get("js_code"):
            raise WeChatError(41008, "missing code")
        code = self._world.people.redeem_code("login", query["js_code"], appid)
        identity = self._world.people.identity(code.user_id, appid)
        self._world.people.saw(identity)
        call.note(user=code.user_id, openid=identity.openid)
        session = {
            "session_key": identity.session_key,
            "openid": identity.openid,
            "unionid": self._world.people.users[code.user_id].unionid,
        }
        # The real one declares its JSON as text.
        return json_reply(session, content_type="text/plain")

    async def _phone_number(self, call: Call) -> Reply:
        appid = appid_of(self._world, call)
        data = body_of(call)
        code = self._world.people.redeem_code("phone", text_of(data, "code") or "", appid)
        identity = self._world.people.identity(code.user_id, appid)
        if data.get("openid") not in {None, identity.openid}:
            raise WeChatError(40003, "invalid openid")
        phone = self._world.people.users[code.user_id].phone
        if phone is None:
            raise WeChatError(40029, "invalid code")
        call.note(user=code.user_id)
        watermark = {"timestamp": int(self._world.clock.now()), "appid": appid}
        info = {
            "phoneNumber": phone,
            "purePhoneNumber": phone,
            "countryCode": "86",
            "watermark": watermark,
        }
        return json_reply({"errcode": 0, "errmsg": "ok", "phone_info": info})

    async def _check_session(self, call: Call) -> Reply:
        _signed_identity(self._world, call)
        return json_reply({"errcode": 0, "errmsg": "ok"})

    async def _reset_session(self, call: Call) -> Reply:
        identity = _signed_identity(self._world, call)
        key = self._world.people.reset_session_key(identity)
        data = {"errcode": 0, "errmsg": "ok", "openid": identity.openid, "session_key": key}
        return json_reply(data)


def _signed_identity(world: World, call: Call) -> Identity:
    """The identity whose session key signed the empty text; 87009 when it did not."""
    appid = appid_of(world, call)
    identity = world.people.find(appid, call.query.get("openid", ""))
    if identity is None:
        raise WeChatError(40003, "invalid openid")
    if call.query.get("sig_method") != "hmac_sha256":
        raise WeChatError(87008, "invalid sig_method")
    expected = hmac.new(identity.session_key.encode(), b"", "sha256").hexdigest()
    if not hmac.compare_digest(expected, call.query.get("signature", "")):
        raise WeChatError(87009, "invalid signature")
    return identity
