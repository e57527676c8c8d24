"""How WeChat Pay answers: refusals with code and message, and a signature over everything."""

import os

from wxsim.errors import ControlError, PayError
from wxsim.exchange import Call, Manners, Reply, json_reply
from wxsim.faults import Fault
from wxsim.keys import SIGNATURE_TYPE, sign
from wxsim.mch.authorization import Gatekeeper
from wxsim.notify import PROBE_PREFIX
from wxsim.world import World


def manners(world: World) -> Manners:
    """The ways of this host."""

    def refusal(call: Call, error: PayError) -> Reply:
        call.note(code=error.code)
        body = {"code": error.code, "message": error.message}
        return json_reply(body | ({"detail": error.detail} if error.detail else {}), error.status)

    def refuse(call: Call, error: Exception) -> Reply | None:
        if isinstance(error, PayError):
            return refusal(call, error)
        if isinstance(error, ControlError):  # Paying on the pay page failed.
            return refusal(call, PayError(error.status, error.code, error.message))
        return None

    def fault_refusal(call: Call, fault: Fault) -> Reply:
        code = str(fault.params.get("code") or fault.params.get("errcode") or "SYSTEM_ERROR")
        return refusal(call, PayError(fault.whole("status", 500), code, "系统异常，请稍后重试"))

    def unknown(call: Call) -> Reply:
        return refusal(call, PayError(404, "RESOURCE_NOT_EXISTS", "无法找到请求的资源"))

    def broken(call: Call, status: int) -> Reply:
        return refusal(call, PayError(status, "SYSTEM_ERROR", "系统异常，请稍后重试"))

    return Manners(
        admit=Gatekeeper(world).admit,
        refuse=refuse,
        unknown=unknown,
        fault_refusal=fault_refusal,
        broken=broken,
        seal=lambda call, reply: seal(world, call, reply),
    )


def seal(world: World, call: Call, reply: Reply) -> list[tuple[str, str]]:
    """The signature headers of an answer, by the key that the request's Wechatpay-Serial names."""
    request_id = ("Request-ID", f"08{os.urandom(16).hex().upper()}-0")
    call.note(request_id=request_id[1])

    def has(kind: str) -> bool:
        return bool(
            world.faults.active
            and world.faults.take(
                kind, host=call.host, method=call.method, path=call.path, facts=call.facts
            )
        )

    if has("missing_signature"):
        return [request_id]
    # Without the header a merchant who still has platform certificates gets those.
    ring = world.keys
    by_default = ring.platform[-1].serial if world.tunables.platform_certificates else None
    asked = ring.signer(call.headers.get("wechatpay-serial", "")) or ring.signer(
        by_default or ring.public_id
    )
    assert asked is not None  # The default is one of the ring's own.
    serial, key = asked
    timestamp, nonce = str(int(world.clock.wall())), os.urandom(16).hex()
    if has("bad_response_signature"):
        key = ring.merchant.key
    signature = sign(key, f"{timestamp}\n{nonce}\n".encode() + reply.body + b"\n")
    if has("signtest"):
        signature = PROBE_PREFIX + signature[len(PROBE_PREFIX) :]
    return [
        request_id,
        ("Wechatpay-Timestamp", timestamp),
        ("Wechatpay-Nonce", nonce),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature-Type", SIGNATURE_TYPE),
        ("Wechatpay-Signature", signature),
    ]
