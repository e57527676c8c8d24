"""How api.weixin.qq.com refuses: HTTP 200 with errcode, errmsg and a request id in it."""

from typing import Any

from wxsim.errors import ControlError, WeChatError
from wxsim.exchange import Call, Manners, Reply, gateway_error, json_object, json_reply
from wxsim.faults import Fault
from wxsim.world import World

# What the fault switch `errcode` says for the codes that backends branch on.
FAULT_WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    42001: "access_token expired",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit  mustslower  retry next minute",
    40226: "code blocked",
}


def manners(world: World) -> Manners:
    """The ways of this host."""

    def refusal(call: Call, errcode: int, errmsg: str) -> Reply:
        call.note(errcode=errcode)
        text = world.ids.next_hex("rid", 24)
        rid = f"{text[:8]}-{text[8:16]}-{text[16:]}"
        kind = "text/plain" if call.path == "/sns/jscode2session" else None
        body = {"errcode": errcode, "errmsg": f"{errmsg} rid: {rid}"}
        return json_reply(body, content_type=kind) if kind else json_reply(body)

    def refuse(call: Call, error: Exception) -> Reply | None:
        if isinstance(error, WeChatError):
            return refusal(call, error.errcode, error.errmsg)
        if isinstance(error, ControlError):  # A look-up shared with the control API failed.
            return refusal(call, 40013, "invalid appid")
        return None

    def fault_refusal(call: Call, fault: Fault) -> Reply:
        errcode = fault.whole("errcode", -1)
        return refusal(call, errcode, FAULT_WORDS.get(errcode, "simulated"))

    def unknown(call: Call) -> Reply:
        return refusal(call, 40066, "invalid url")

    return Manners(
        admit=lambda _: None,
        refuse=refuse,
        unknown=unknown,
        fault_refusal=fault_refusal,
        broken=lambda _, status: gateway_error(status),
        seal=lambda _call, _reply: [],
    )


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object of the request; WeChatError 47001 when there is none."""
    data = json_object(call.body)
    if data is None:
        raise WeChatError(47001, "data format error")
    return data


def appid_of(world: World, call: Call) -> str:
    """The app whose access_token the URL carries; WeChat looks nowhere else for it."""
    return world.tokens.appid_of(call.query.get("access_token"))
