"""What one measured operation is, as its client does it: the calls, one after the other."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from benchmarks.cases import BY_HAND, PLAIN
from benchmarks.connection import Connection, post
from benchmarks.documents import DOCUMENTS, IDS
from benchmarks.shop import Shop, Shopper

_SETTLED_LOOK_SECONDS = 0.05


class NoMoreCodes(Exception):
    """Every login code that was made beforehand has been used."""


@dataclass(slots=True)
class Client:
    """One connection's worth of a mini-program: its server, its member, the shop it knows."""

    side: str
    server: Connection
    simulator: Connection
    shop: Shop
    shopper: Shopper
    codes: deque[str]
    chance: random.Random
    checks: Callable[[str, bytes], None]
    sleep: Callable[[float], Awaitable[None]]
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def ask(self, operation: str, variables: dict[str, Any]) -> bytes:
        """Send an operation as this connection's own member and return its whole answer."""
        return await self.ask_as(self.shopper.token, operation, variables)

    async def ask_as(self, token: str, operation: str, variables: dict[str, Any]) -> bytes:
        """Send an operation as any member, or as nobody."""
        answer = await self.server.ask(encode(self.side, operation, variables, token))
        self.checks(operation, answer)
        return answer

    async def read(self, operation: str, variables: dict[str, Any]) -> None:
        """Read something as a member by chance."""
        await self.ask_as(self.chance.choice(self.shop.readers), operation, variables)

    async def wechat(self, path: str, body: dict[str, Any]) -> Any:
        """Call the simulator's control API."""
        return orjson.loads(await self.simulator.ask(post(f"/_sim{path}", orjson.dumps(body))))

    def lines(self) -> list[dict[str, Any]]:
        """Return three lines of an order, of SKUs by chance."""
        chosen = self.chance.sample(self.shop.skus, 3)
        return [{"skuId": sku, "quantity": 1 + place} for place, sku in enumerate(chosen)]


def encode(side: str, operation: str, variables: dict[str, Any], token: str) -> bytes:
    """Return the request of an operation, as each side's clients would send it.

    Ours names a trusted document, plain Strawberry takes its text, by hand it's variables alone.
    """
    if side == BY_HAND:
        return post(f"/{operation}", orjson.dumps(variables), token)
    asked: dict[str, Any] = {"variables": variables}
    if side == PLAIN:
        asked["query"] = DOCUMENTS[operation]
    else:
        asked["documentId"] = IDS[operation]
    return post("/graphql", orjson.dumps(asked), token)


Flow = Callable[[Client], Awaitable[None]]


async def read_home(client: Client) -> None:
    """The home page as anybody sees it."""
    await client.ask_as("", "home", {})


async def read_home_of_member(client: Client) -> None:
    """The home page with a member's prices."""
    await client.read("home", {})


async def read_dashboard(client: Client) -> None:
    """A member's own page."""
    await client.read("dashboard", {})


async def read_orders(client: Client) -> None:
    """The first page of a member's orders."""
    await client.read("orders", {"s": None, "after": None})


async def read_list(client: Client) -> None:
    """The first page of what is in stock."""
    await client.read("list", {"after": None})


async def read_page(client: Client) -> None:
    """A product by chance."""
    await client.read("page", {"id": client.chance.choice(client.shop.products)})


async def quote(client: Client) -> None:
    """An order of three lines to the default address."""
    await client.ask("quote", {"d": {"lines": client.lines()}})


async def sign_in(client: Client) -> None:
    """A member comes back."""
    if not client.codes:
        raise NoMoreCodes
    await client.ask_as("", "sign-in", {"i": {"code": client.codes.popleft()}})


async def place(client: Client) -> None:
    """Place an order of three lines."""
    await _place(client, {"lines": client.lines()})


async def place_one(client: Client) -> None:
    """Place an order of one piece of the first SKU, which everybody wants."""
    await _place(client, {"lines": [{"skuId": client.shop.skus[0], "quantity": 1}]})


async def place_with_points(client: Client) -> None:
    """Place an order of three lines that takes as many points as it can."""
    await _place(client, {"lines": client.lines(), "useMaxPoints": True})


async def place_and_pay(client: Client) -> None:
    """Place an order of three lines and ask for its payment."""
    order_id = await _place(client, {"lines": client.lines()})
    await _pay(client, order_id)


async def check_out(client: Client) -> None:
    """Put a SKU into the cart, quote, place, pay at WeChat, and wait until the order is paid."""
    wanted = {"skuId": client.chance.choice(client.shop.skus), "quantity": 2}
    await client.ask("add", {"i": {**wanted, "idempotencyKey": str(uuid4())}})
    draft = {"fromCart": True}
    quoted = orjson.loads(await client.ask("quote", {"d": draft}))
    payable = quoted["data"]["quoteOrder"]["payable"]
    order_id = await _place(client, draft, payable)
    payment = await _pay(client, order_id)
    await client.wechat("/pay", payment)
    while True:
        await client.sleep(_SETTLED_LOOK_SECONDS)
        told = orjson.loads(await client.ask("order", {"id": order_id}))["data"]["order"]
        if told["status"] != "AWAITING_PAYMENT":
            assert told["paid"] == payable, told
            return


async def _place(client: Client, draft: dict[str, Any], payable: int | None = None) -> str:
    wanted: dict[str, Any] = {"draft": draft, "idempotencyKey": str(uuid4())}
    if payable is not None:
        wanted["expectedPayable"] = payable
    placed = orjson.loads(await client.ask("place", {"i": wanted}))
    order_id: str = placed["data"]["placeOrder"]["order"]["id"]
    return order_id


async def _pay(client: Client, order_id: str) -> dict[str, Any]:
    wanted = {
        "orderId": order_id,
        "method": "WECHAT_MINI_PROGRAM",
        "idempotencyKey": str(uuid4()),
    }
    answer = orjson.loads(await client.ask("pay", {"i": wanted}))
    payment: dict[str, Any] = answer["data"]["payOrder"]["payment"]
    return payment


FLOWS: dict[str, Flow] = {
    "home": read_home,
    "home of a member": read_home_of_member,
    "dashboard": read_dashboard,
    "orders": read_orders,
    "sign-in": sign_in,
    "list": read_list,
    "page": read_page,
    "quote": quote,
    "place": place,
    "place, one hot SKU": place_one,
    "place, with points": place_with_points,
    "place+pay": place_and_pay,
    "checkout": check_out,
}
