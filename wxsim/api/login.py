"""Mini-program login, session keys and phone numbers."""

import hmac

from wxsim.api.manners import appid_of, body_of
from wxsim.errors import WeChatError
from wxsim.exchange import Call, Reply, Route, json_reply, text_of
from wxsim.records import Identity
from wxsim.world import World


def routes(world: World) -> list[Route]:
    """The endpoints of wx.login and the phone number button."""

    async def code_to_session(call: Call) -> Reply:
        query = call.query
        appid = world.tokens.check_secret(query.get("appid"), query.get("secret"))
        if query.get("grant_type") != "authorization_code":
            raise WeChatError(40002, "invalid grant_type")
        if not query.get("js_code"):
            raise WeChatError(41008, "missing code")
        code = world.people.redeem_code("login", query["js_code"], appid)
        identity = world.people.identity(code.user_id, appid)
        world.people.saw(identity)
        call.note(user=code.user_id, openid=identity.openid)
        session = {
            "session_key": identity.session_key,
            "openid": identity.openid,
            "unionid": world.people.users[code.user_id].unionid,
        }
        # The real one declares its JSON as text.
        return json_reply(session, content_type="text/plain")

    async def phone_number(call: Call) -> Reply:
        appid = appid_of(world, call)
        data = body_of(call)
        code = world.people.redeem_code("phone", text_of(data, "code") or "", appid)
        identity = world.people.identity(code.user_id, appid)
        if data.get("openid") not in {None, identity.openid}:
            raise WeChatError(40003, "invalid openid")
        phone = world.people.users[code.user_id].phone
        if phone is None:
            raise WeChatError(40029, "invalid code")
        call.note(user=code.user_id)
        watermark = {"timestamp": int(world.clock.now()), "appid": appid}
        info = {
            "phoneNumber": phone,
            "purePhoneNumber": phone,
            "countryCode": "86",
            "watermark": watermark,
        }
        return json_reply({"errcode": 0, "errmsg": "ok", "phone_info": info})

    async def check_session(call: Call) -> Reply:
        _signed_identity(world, call)
        return json_reply({"errcode": 0, "errmsg": "ok"})

    async def reset_session(call: Call) -> Reply:
        identity = _signed_identity(world, call)
        key = world.people.reset_session_key(identity)
        data = {"errcode": 0, "errmsg": "ok", "openid": identity.openid, "session_key": key}
        return json_reply(data)

    return [
        Route("GET", "/sns/jscode2session", code_to_session),
        Route("POST", "/wxa/business/getuserphonenumber", phone_number),
        Route("GET", "/wxa/checksession", check_session),
        Route("GET", "/wxa/resetusersessionkey", reset_session),
    ]


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
