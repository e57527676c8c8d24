"""A simulator in the test's own process, with time that stands still and mail that is caught."""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wxsim import Config, create_app
from wxsim.keys import SIGNATURE_TYPE, is_signed_by, sign
from wxsim.world import World

BASE = "http://127.0.0.1:9800"
SHOP = "http://127.0.0.1:8000/wechat/pay/notify/1900006891"
REFUNDS = "http://127.0.0.1:8000/wechat/refund/notify/1900006891"


@dataclass(frozen=True)
class Mail:
    """One delivery as it arrived."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        loaded: dict[str, Any] = orjson.loads(self.body)
        return loaded

    def signed_by(self, key: rsa.RSAPublicKey) -> bool:
        head = f"{self.headers['Wechatpay-Timestamp']}\n{self.headers['Wechatpay-Nonce']}\n"
        message = head.encode() + self.body + b"\n"
        return is_signed_by(key, message, self.headers["Wechatpay-Signature"])


@dataclass
class Inbox:
    """The merchant's side of notifications: keeps what comes and answers as told."""

    mails: list[Mail] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # Used up first, then `always`.
    always: int = 204
    on_mail: Callable[[], None] = lambda: None

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.mails.append(Mail(url, dict(headers), body))
        self.on_mail()
        return self.answers.pop(0) if self.answers else self.always


class Simulator:
    """The application, its world, and the calls that tests make most."""

    def __init__(self, config: Config | None = None) -> None:
        self.inbox = Inbox()
        self.app = create_app(config or frozen(), deliver=self.inbox)
        self.world: World = self.app.state.world
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE)
        self.appid = self.world.config.mini_program.appid
        self.oa_appid = self.world.config.official_account.appid
        self.mchid = self.world.config.mchid

    async def close(self) -> None:
        await self.http.aclose()
        await self.world.close()

    # The control API

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()
        return data

    async def refused(self, path: str, **body: Any) -> tuple[int, str]:
        answer = await self.http.post(f"/_sim/{path}", json=body)
        return answer.status_code, answer.json()["error"]["code"]

    async def user(self, **fields: Any) -> dict[str, Any]:
        user: dict[str, Any] = (await self.control("users", **fields))["user"]
        return user

    async def advance(self, duration: str) -> None:
        await self.control("clock", advance=duration)

    async def fault(self, kind: str, **fields: Any) -> None:
        await self.control("faults", kind=kind, **fields)

    # The API host

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        data: dict[str, Any] = orjson.loads((await self.http.get(path, params=query)).content)
        return data

    async def post(self, path: str, data: Any, **query: str) -> dict[str, Any]:
        answer = await self.http.post(path, params=query, json=data)
        loaded: dict[str, Any] = orjson.loads(answer.content)
        return loaded

    async def access_token(self, appid: str | None = None) -> str:
        return str((await self.stable_token(appid=appid))["access_token"])

    async def stable_token(
        self, *, appid: str | None = None, force_refresh: bool = False
    ) -> dict[str, Any]:
        appid = appid or self.appid
        return await self.post(
            "/api/cgi-bin/stable_token",
            {
                "grant_type": "client_credential",
                "appid": appid,
                "secret": self.world.tokens.secret(appid),
                "force_refresh": force_refresh,
            },
        )

    # The pay host

    def authorization(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        key: rsa.RSAPrivateKey | None = None,
        **changes: str,
    ) -> str:
        fields = {
            "mchid": self.mchid,
            "nonce_str": os.urandom(16).hex(),
            "timestamp": str(int(self.world.clock.wall())),
            "serial_no": self.world.keys.merchant.serial,
        } | changes
        head = f"{method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n"
        signature = sign(key or self.world.keys.merchant.key, head.encode() + body + b"\n")
        fields.setdefault("signature", signature)
        pairs = ",".join(f'{name}="{value}"' for name, value in fields.items())
        return f"{SIGNATURE_TYPE} {pairs}"

    async def mch(
        self, method: str, target: str, data: Any = None, *, serial: str | None = None
    ) -> httpx.Response:
        body = b"" if data is None else orjson.dumps(data)
        headers = {
            "Accept": "application/json",
            "User-Agent": "tests",
            "Content-Type": "application/json",
            "Authorization": self.authorization(method, target, body),
            "Wechatpay-Serial": serial or self.world.keys.public_id,
        }
        return await self.http.request(method, f"/mch{target}", content=body, headers=headers)

    async def order(self, number: str = "T00000001", *, total: int = 100, **changes: Any) -> Any:
        """A JSAPI order of a new user; the prepay's answer."""
        if "payer" not in changes:
            changes["payer"] = {"openid": (await self.user())["openids"]["mini_program"]}
        data = {
            "appid": self.appid,
            "mchid": self.mchid,
            "description": "红茶 250g",
            "out_trade_no": number,
            "notify_url": SHOP,
            "amount": {"total": total, "currency": "CNY"},
        } | changes
        return await self.mch("POST", "/v3/pay/transactions/jsapi", data)

    async def paid(self, number: str = "T00000001", *, total: int = 100, coupon: int = 0) -> str:
        """A paid order's transaction_id; its notification has been delivered."""
        assert (await self.order(number, total=total)).status_code == 200
        paid = await self.control("pay", out_trade_no=number, coupon=coupon, wait=True)
        return str(paid["transaction_id"])

    async def refund(self, number: str, part: int, /, *, total: int = 100, **changes: Any) -> Any:
        data = {
            "out_trade_no": "T00000001",
            "out_refund_no": number,
            "notify_url": REFUNDS,
            "amount": {"refund": part, "total": total, "currency": "CNY"},
        } | changes
        return await self.mch("POST", "/v3/refund/domestic/refunds", data)

    async def state(self, number: str = "T00000001") -> str:
        answer = await self.mch(
            "GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.mchid}"
        )
        return str(answer.json()["trade_state"])

    def opened(self, mail: Mail) -> dict[str, Any]:
        """What the merchant finds in a notification."""
        resource = mail.data["resource"]
        return self.decrypt(resource)

    def decrypt(self, resource: dict[str, str]) -> dict[str, Any]:
        loaded: dict[str, Any] = orjson.loads(self.decrypt_bytes(resource))
        return loaded

    def decrypt_bytes(self, resource: dict[str, str]) -> bytes:
        return AESGCM(self.world.apiv3_key.encode()).decrypt(
            resource["nonce"].encode(),
            base64.b64decode(resource["ciphertext"]),
            resource["associated_data"].encode(),
        )

    def public_key(self) -> rsa.RSAPublicKey:
        key = serialization.load_pem_public_key(self.world.keys.public_pem.encode())
        assert isinstance(key, rsa.RSAPublicKey)
        return key

    def is_sealed(self, answer: httpx.Response, key: rsa.RSAPublicKey | None = None) -> bool:
        """Whether the answer is signed as WeChat Pay signs."""
        head = f"{answer.headers['wechatpay-timestamp']}\n{answer.headers['wechatpay-nonce']}\n"
        message = head.encode() + answer.content + b"\n"
        signature = answer.headers["wechatpay-signature"]
        return (
            is_signed_by(key or self.public_key(), message, signature)
            and answer.headers["wechatpay-signature-type"] == SIGNATURE_TYPE
        )


def frozen(**changes: Any) -> Config:
    """A world without a file, in which time stands still."""
    settings: dict[str, Any] = {"seed": "tests", "frozen_clock": True} | changes
    return Config(**settings)
