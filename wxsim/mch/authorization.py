"""The Authorization header of WeChat Pay v3, verified as the real one verifies it."""

import re

from wxsim.errors import PayError
from wxsim.exchange import Call
from wxsim.keys import SIGNATURE_TYPE, is_signed_by
from wxsim.world import World

PAIR = re.compile(r'(\w+)="([^"]*)"')
FIELDS = frozenset({"mchid", "nonce_str", "signature", "timestamp", "serial_no"})
WINDOW_SECONDS = 300
NONCES_KEPT = 200_000


class Gatekeeper:
    """Verifies who signed a request and that it is new."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: dict[str, float] = {}

    def admit(self, call: Call) -> None:
        """Let a properly signed request in, or raise PayError."""
        if self._world.tunables.require_headers:
            _check_headers(call)
        fields = self._parse(call)
        self._check_names(fields)
        timestamp = self._check_time(fields["timestamp"])
        message = (
            f"{call.method}\n{call.target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode()
            + call.body
            + b"\n"
        )
        key = self._world.keys.merchant.key.public_key()
        if not is_signed_by(key, message, fields["signature"]):
            raise _refusal(call, "错误的签名，验签失败", "sign not match", message)
        self._use_nonce(call, fields["nonce_str"], timestamp)
        call.caller["mchid"] = fields["mchid"]

    def _parse(self, call: Call) -> dict[str, str]:
        scheme, _, rest = call.headers.get("authorization", "").partition(" ")
        fields = dict(PAIR.findall(rest))
        if scheme != SIGNATURE_TYPE or fields.keys() != FIELDS:
            raise PayError(
                401,
                "SIGN_ERROR",
                "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》",
                {"field": "Authorization", "location": "header"},
            )
        return fields

    def _check_names(self, fields: dict[str, str]) -> None:
        if fields["mchid"] != self._world.config.mchid:
            raise PayError(
                401, "SIGN_ERROR", "商户号不存在", {"field": "mchid", "location": "authorization"}
            )
        if fields["serial_no"] != self._world.keys.merchant.serial:
            raise PayError(
                401,
                "SIGN_ERROR",
                "商户证书序列号有误",
                {"field": "serial_no", "location": "authorization"},
            )

    def _check_time(self, text: str) -> int:
        now = self._world.clock.wall()
        # Twelve digits hold every timestamp; more would only feed int() a long text.
        if not re.fullmatch(r"\d{1,12}", text) or abs(now - int(text)) > WINDOW_SECONDS:
            raise PayError(
                401,
                "SIGN_ERROR",
                "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
                {"field": "timestamp", "location": "authorization"},
            )
        return int(text)

    def _use_nonce(self, call: Call, nonce: str, timestamp: int) -> None:
        key = f"{timestamp}/{nonce}"
        if key in self._nonces:
            raise _refusal(call, "重复的请求随机串", "nonce reused", b"")
        if len(self._nonces) >= NONCES_KEPT:
            horizon = self._world.clock.wall() - WINDOW_SECONDS
            self._nonces = {k: at for k, at in self._nonces.items() if at >= horizon}
        self._nonces[key] = timestamp


def _refusal(call: Call, words: str, issue: str, message: bytes) -> PayError:
    # The real one shows the beginning of what it signed, without the body.
    head = b"\n".join(message.split(b"\n", 3)[:3]) + b"\n"
    return PayError(
        401,
        "SIGN_ERROR",
        words,
        {
            "field": "signature",
            "location": "authorization",
            "detail": {"issue": issue},
            "sign_information": {
                "method": call.method,
                "url": call.target,
                "sign_message_length": len(message),
                "truncated_sign_message": head.decode("utf-8", "replace"),
            },
        },
    )


def _check_headers(call: Call) -> None:
    if not call.headers.get("user-agent"):
        raise PayError(400, "PARAM_ERROR", "Http头缺少User-Agent")
    accept = call.headers.get("accept", "")
    if "application/json" not in accept and "*/*" not in accept:
        raise PayError(406, "PARAM_ERROR", "Http头Accept应为application/json")
