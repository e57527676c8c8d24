"""A member's phone with the mini-program on it: the public API and the simulator, over HTTP alone.

`mall replay` and `mall tour` use it. It does what a mini-program does and knows what one knows.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

PAID_WITHIN_SECONDS = 30.0
_FIRST_LOOK_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.5
_REFRESH_BEFORE = timedelta(minutes=2)
"""A token that ends sooner is renewed before it is used again."""

_SESSION = "session { accessToken refreshToken expiresAt isNewMember member { id joinedAt } }"
_ERRORS = "userErrors { code message path }"
AGREEMENTS = "query Agreements { shop { agreements { kind version required } } }"
SIGN_IN = f"""mutation SignIn($i: SignInWithMiniProgramInput!) {{
  signInWithMiniProgram(input: $i) {{ {_SESSION} {_ERRORS} }}
}}"""
REFRESH = f"""mutation Refresh($i: RefreshSessionInput!) {{
  refreshSession(input: $i) {{ {_SESSION} {_ERRORS} }}
}}"""
JOIN = f"""mutation Join($i: BindPhoneInput!) {{
  bindPhone(input: $i) {{ {_SESSION} {_ERRORS} }}
}}"""
QUOTE = """query Quote($i: OrderDraftInput!) {
  quoteOrder(input: $i) { goodsTotal discountTotal shipping payable problems { code message path } }
}"""
PLACE = f"""mutation Place($i: PlaceOrderInput!) {{
  placeOrder(input: $i) {{ order {{ id orderNo status payable }} {_ERRORS} }}
}}"""
PAY = f"""mutation Pay($i: PayOrderInput!) {{
  payOrder(input: $i) {{
    payment {{ appId timeStamp nonceStr package signType paySign }} order {{ status }} {_ERRORS}
  }}
}}"""
ORDER = "query Order($id: ID!) { order(id: $id) { status paid } }"


class CallFailed(Exception):
    """A call was refused or went wrong. `code` is a user error's, or the transport's reason."""

    def __init__(self, what: str, code: str, message: str) -> None:
        super().__init__(f"{what}: {code}: {message}")
        self.what = what
        self.code = code


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer: a GraphQL document or a path of the simulator."""

    asked: str
    variables: Mapping[str, Any]
    answered: Any


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in state."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    is_new_member: bool
    member_id: str
    has_joined: bool


Hear = Callable[[Exchange], None]


def _unheard(_exchange: Exchange) -> None:
    """Nobody listens."""


class Wechat:
    """The simulator's side of a phone: whoever holds it, and what WeChat would do for them."""

    def __init__(self, http: httpx.AsyncClient, url: str, hear: Hear = _unheard) -> None:
        self._http = http
        self._url = url
        self._hear = hear

    async def user(self, *, nickname: str, phone: str) -> str:
        """Return the id of the user with this phone, made if there is none."""
        answer = await self._http.get(f"{self._url}/_sim/users", params={"phone": phone})
        users = _checked(answer, "/_sim/users")["users"]
        if users:
            return str(users[0]["id"])
        made = await self._ask("/users", {"nickname": nickname, "phone": phone})
        return str(made["user"]["id"])

    async def login_code(self, user: str) -> str:
        """Return what wx.login gives."""
        return str((await self._ask("/login_code", {"user": user}))["code"])

    async def phone_code(self, user: str) -> str:
        """Return what the getPhoneNumber button gives."""
        return str((await self._ask("/phone_code", {"user": user}))["code"])

    async def request_payment(self, payment: Mapping[str, Any]) -> None:
        """Pay as wx.requestPayment does, with the parameters that the shop signed."""
        await self._ask("/pay", payment)

    async def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = await self._http.post(f"{self._url}/_sim{path}", json=dict(body))
        content = _checked(answer, f"/_sim{path}")
        self._hear(Exchange(f"POST /_sim{path}", body, content))
        return content


class MiniProgram:
    """One member's mini-program: calls with their token, renewed in time."""

    def __init__(self, http: httpx.AsyncClient, url: str, hear: Hear = _unheard) -> None:
        self._http = http
        self._url = url
        self._hear = hear
        self.session: Session | None = None

    async def agreements(self) -> list[dict[str, Any]]:
        """Return a yes to every agreement that membership requires."""
        shop = (await self.call(AGREEMENTS, {}))["shop"]
        return [
            {"kind": agreement["kind"], "version": agreement["version"], "given": True}
            for agreement in shop["agreements"]
            if agreement["required"]
        ]

    async def sign_in(self, code: str) -> Session:
        """Sign in with a wx.login code."""
        return await self._enter(SIGN_IN, "signInWithMiniProgram", {"code": code})

    async def join(self, phone_code: str, consents: list[dict[str, Any]]) -> Session:
        """Become a member by the phone of the getPhoneNumber button, and accept the agreements."""
        asked = {"wechatCode": phone_code, "consents": consents}
        return await self._enter(JOIN, "bindPhone", asked)

    async def quote(self, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an order would cost; CallFailed if it couldn't be placed."""
        quote: dict[str, Any] = (await self.call(QUOTE, {"i": draft}))["quoteOrder"]
        _refuse("quoteOrder", quote["problems"])
        return quote

    async def place(self, draft: Mapping[str, Any], *, payable: int, key: str) -> dict[str, Any]:
        """Place an order at the price that was shown."""
        wanted = {"draft": draft, "expectedPayable": payable, "idempotencyKey": key}
        placed = await self.mutate(PLACE, "placeOrder", wanted)
        order: dict[str, Any] = placed["order"]
        return order

    async def pay(self, order_id: str, *, key: str) -> dict[str, Any] | None:
        """Return what wx.requestPayment needs; None when nothing is left to pay."""
        wanted = {"orderId": order_id, "method": "WECHAT_MINI_PROGRAM", "idempotencyKey": key}
        payment: dict[str, Any] = (await self.mutate(PAY, "payOrder", wanted))["payment"]
        return payment if payment["package"] else None

    async def paid(self, order_id: str) -> int:
        """Wait until WeChat's callback has settled the order; return the fen it brought."""
        async with asyncio.timeout(PAID_WITHIN_SECONDS):
            for pause in _pauses():
                order = (await self.call(ORDER, {"id": order_id}))["order"]
                if order["status"] != "AWAITING_PAYMENT":
                    return int(order["paid"])
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def mutate(self, document: str, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Run a mutation of one input and return its payload; CallFailed on its user errors."""
        payload: dict[str, Any] = (await self.call(document, {"i": wanted}))[name]
        _refuse(name, payload["userErrors"])
        return payload

    async def call(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run an operation and return its data; CallFailed on errors."""
        if self.session and self.session.expires_at - datetime.now(UTC) < _REFRESH_BEFORE:
            asked = {"refreshToken": self.session.refresh_token}
            self.session = None
            await self._enter(REFRESH, "refreshSession", asked)
        return await self._send(document, variables)

    async def _enter(self, document: str, name: str, wanted: Mapping[str, Any]) -> Session:
        payload: dict[str, Any] = (await self._send(document, {"i": wanted}))[name]
        _refuse(name, payload["userErrors"])
        given = payload["session"]
        self.session = Session(
            access_token=given["accessToken"],
            refresh_token=given["refreshToken"],
            expires_at=datetime.fromisoformat(given["expiresAt"]),
            is_new_member=given["isNewMember"],
            member_id=given["member"]["id"],
            has_joined=given["member"]["joinedAt"] is not None,
        )
        return self.session

    async def _send(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.session.access_token}"} if self.session else {}
        answer = await self._http.post(
            f"{self._url}/graphql",
            json={"query": document, "variables": dict(variables)},
            headers=headers,
        )
        content = _checked(answer, "/graphql")
        if content.get("errors"):
            first = content["errors"][0]
            code = first.get("extensions", {}).get("code", "ERROR")
            name = " ".join(re.findall(r"\w+", document)[:2])
            raise CallFailed(name, code, first["message"])
        data: dict[str, Any] = content["data"]
        self._hear(Exchange(document, variables, data))
        return data


def fresh_key(what: str) -> str:
    """Return an idempotency key that nobody has used."""
    return f"{what}-{secrets.token_hex(8)}"


def connect(concurrency: int) -> httpx.AsyncClient:
    """Return an HTTP client that keeps as many connections as it is used by."""
    return httpx.AsyncClient(
        timeout=30.0,
        trust_env=False,
        limits=httpx.Limits(
            max_connections=2 * concurrency, max_keepalive_connections=2 * concurrency
        ),
    )


def _pauses() -> Iterator[float]:
    pause = _FIRST_LOOK_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _checked(answer: httpx.Response, what: str) -> Any:
    if "json" not in answer.headers.get("content-type", ""):
        raise CallFailed(what, f"HTTP {answer.status_code}", answer.text[:200])
    content = answer.json()
    if not answer.is_success and "errors" not in content:
        raise CallFailed(what, f"HTTP {answer.status_code}", answer.text[:200])
    return content


def _refuse(what: str, problems: list[dict[str, Any]]) -> None:
    if problems:
        raise CallFailed(what, problems[0]["code"], problems[0]["message"])
