"""The steps of `mall tour`, each a title, a word of explanation and the calls it made."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from cli.mini_program import CallFailed, Exchange, MiniProgram, Wechat, connect, fresh_key

BROWSE = """query Home {
  shop { name now agreements { kind version required } }
  categories { id name }
  products(first: 3) { nodes { id name currentPriceRange { min max } available } }
}"""
SEARCH = """query Search($keyword: String!) {
  products(first: 3, filter: { keyword: $keyword }) { nodes { id name sold } }
  searchSuggestions(text: $keyword, first: 3)
}"""
PRODUCT = """query ProductPage($id: ID!) {
  product(id: $id) {
    name subtitle
    skus { id code options { name value } price memberPrice currentPrice stock purchaseLimitLeft }
  }
}"""
ADD_TO_CART = """mutation AddToCart($i: AddToCartInput!) {
  addToCart(input: $i) {
    cart { pieces lines { id quantity selected sku { code price } problem { code } } }
    userErrors { code message path }
  }
}"""
CART = """query Cart {
  me { cart { pieces quote { goodsTotal discountTotal shipping payable problems { code } } } }
}"""
SAVE_ADDRESS = """mutation SaveAddress($i: SaveAddressInput!) {
  saveAddress(input: $i) {
    address { id name phone province city district detail regionCode isDefault }
    userErrors { code message path }
  }
}"""
QUOTE = """query Quote($i: OrderDraftInput!) {
  quoteOrder(input: $i) {
    lines { quantity unitPrice goodsTotal discountTotal payable }
    goodsTotal discountTotal shipping payable pointsToEarn
    discounts { kind title amount } address { province city district detail }
    problems { code message path }
  }
}"""
PLACE = """mutation Place($i: PlaceOrderInput!) {
  placeOrder(input: $i) {
    order { id orderNo status payable payBefore actions } userErrors { code message path }
  }
}"""
PAY = """mutation Pay($i: PayOrderInput!) {
  payOrder(input: $i) {
    payment { appId timeStamp nonceStr package signType paySign } userErrors { code message path }
  }
}"""
ORDER = """query OrderPage($id: ID!) {
  order(id: $id) { orderNo status paid pointsEarned timeline { at title kind } actions }
}"""
POINTS = """query Points {
  me { memberNo phone points { balance pending } membership { growth tier { name } } }
}"""


PIECES = 2
ADDRESS = {
    "name": "陈小满",
    "phone": "13800138000",
    "province": "广东省",
    "city": "东莞市",
    "district": "",
    "detail": "长安镇德政路 8 号",
    "isDefault": True,
}
"""In a city without districts, as WeChat's address picker gives it."""


@dataclass(slots=True)
class Step:
    """One stop of the walk, with the calls made there."""

    number: int
    title: str
    why: str
    exchanges: list[Exchange] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What came of it, in a sentence or two."""

    def hear(self, exchange: Exchange) -> None:
        """Note a call; of one that is repeated until its answer changes, the last one stays."""
        last = self.exchanges[-1] if self.exchanges else None
        if last and (last.asked, last.variables) == (exchange.asked, exchange.variables):
            self.exchanges.pop()
        self.exchanges.append(exchange)


Show = Callable[[Step], None]


class Walk:
    """A walk under way: a phone, WeChat, and what the person has in hand."""

    def __init__(self, http: httpx.AsyncClient, web: str, simulator: str, show: Show) -> None:
        self._show = show
        self._step = Step(0, "", "")
        self._wechat = Wechat(http, simulator, self._hear)
        self._phone = MiniProgram(http, web, self._hear)
        self._key = fresh_key("tour")

    async def all_steps(self) -> None:
        """Walk from the first launch to the points on their way."""
        user = await self._sign_in()
        product_id = await self._browse()
        sku_id = await self._look_at(product_id)
        await self._fill_cart(sku_id)
        await self._join(user)
        draft = {"fromCart": True, "addressId": await self._save_address()}
        payable = await self._quote(draft)
        order_id = await self._place(draft, payable)
        await self._pay(order_id)
        await self._see_it_paid(order_id)
        await self._see_the_points()

    async def _sign_in(self) -> str:
        with self._stop("Sign in", "wx.login gives a code; it makes a visitor: cart and orders."):
            digits = "".join(secrets.choice("0123456789") for _ in range(8))
            user = await self._wechat.user(nickname="小满", phone=f"138{digits}")
            session = await self._phone.sign_in(await self._wechat.login_code(user))
            self._tell(f"{'A new' if session.is_new_member else 'A known'} person is signed in.")
        return user

    async def _browse(self) -> str:
        with self._stop("Browse", "The home page: the shop, its categories, and some products."):
            home = await self._phone.call(BROWSE, {})
            nodes = home["products"]["nodes"]
            self._tell(f"{home['shop']['name']}, {len(home['categories'])} categories.")
            found = [node for node in nodes if node["available"]]
            if not found:
                raise CallFailed("products", "NOTHING_ON_SALE", "run `mall seed` first")
        with self._stop("Search", "Two characters are enough for a Chinese word."):
            keyword = _keyword(found[0]["name"])
            hits = (await self._phone.call(SEARCH, {"keyword": keyword}))["products"]["nodes"]
            self._tell(f"{keyword}: {', '.join(hit['name'] for hit in hits)}")
        return str(found[0]["id"])

    async def _look_at(self, product_id: str) -> str:
        with self._stop("Look", "One product with its SKUs, at this member's prices."):
            page = await self._phone.call(PRODUCT, {"id": product_id})
            skus = [sku for sku in page["product"]["skus"] if sku["stock"] != "OUT"]
            self._tell(f"{page['product']['name']}, {yuan(skus[0]['currentPrice'])} a piece.")
        return str(skus[0]["id"])

    async def _fill_cart(self, sku_id: str) -> None:
        with self._stop("Fill the cart", "The cart is kept with the member and priced each time."):
            added = {"skuId": sku_id, "quantity": PIECES, "idempotencyKey": self._key}
            await self._phone.mutate(ADD_TO_CART, "addToCart", added)
            cart = (await self._phone.call(CART, {}))["me"]["cart"]
            self._tell(f"{cart['pieces']} pieces for {yuan(cart['quote']['goodsTotal'])}.")

    async def _join(self, user: str) -> None:
        with self._stop("Join", "The phone button's code, and a yes to the agreements: a member."):
            consents = await self._phone.agreements()
            await self._phone.join(await self._wechat.phone_code(user), consents)
            self._tell(f"A member now: {len(consents)} agreements accepted, the phone bound.")

    async def _save_address(self) -> str:
        with self._stop("Give an address", "Checked against China's divisions; kept encrypted."):
            saved = await self._phone.mutate(SAVE_ADDRESS, "saveAddress", ADDRESS)
            address = saved["address"]
            self._tell(f"Found: {address['province']}{address['city']}, {address['regionCode']}.")
        return str(address["id"])

    async def _quote(self, draft: Mapping[str, Any]) -> int:
        with self._stop("Ask the price", "Every fen explained; nothing is reserved yet."):
            quote = (await self._phone.call(QUOTE, {"i": draft}))["quoteOrder"]
            for problem in quote["problems"]:
                raise CallFailed("quoteOrder", problem["code"], problem["message"])
            self._tell(
                f"{yuan(quote['goodsTotal'])} of goods, {yuan(quote['discountTotal'])} off,"
                f" {yuan(quote['shipping'])} to send it: {yuan(quote['payable'])}."
            )
        return int(quote["payable"])

    async def _place(self, draft: Mapping[str, Any], payable: int) -> str:
        with self._stop("Place the order", "At the price seen: another price would be refused."):
            wanted = {"draft": draft, "expectedPayable": payable, "idempotencyKey": self._key}
            order = (await self._phone.mutate(PLACE, "placeOrder", wanted))["order"]
            self._tell(f"Order {order['orderNo']} waits to be paid until {order['payBefore']}.")
        return str(order["id"])

    async def _pay(self, order_id: str) -> None:
        with self._stop("Pay", "The mall signs what wx.requestPayment needs; WeChat takes it."):
            wanted = {
                "orderId": order_id,
                "method": "WECHAT_MINI_PROGRAM",
                "idempotencyKey": self._key,
            }
            payment = (await self._phone.mutate(PAY, "payOrder", wanted))["payment"]
            await self._wechat.request_payment(payment)
            self._tell("WeChat has checked the signature and taken the money.")

    async def _see_it_paid(self, order_id: str) -> None:
        with self._stop("Paid", "WeChat's callback came, was verified, stored and settled."):
            await self._phone.paid(order_id)
            order = (await self._phone.call(ORDER, {"id": order_id}))["order"]
            self._tell(f"{yuan(order['paid'])} came in; the order is {order['status']}.")

    async def _see_the_points(self) -> None:
        with self._stop("Points on the way", "Pending until the order can't be returned."):
            me = (await self._phone.call(POINTS, {}))["me"]
            self._tell(
                f"{me['points']['pending']} points pending, {me['points']['balance']} to use."
            )

    @contextmanager
    def _stop(self, title: str, why: str) -> Iterator[None]:
        """Hear the calls of one step and show it, also when it fails."""
        self._step = Step(self._step.number + 1, title, why)
        try:
            yield
        finally:
            self._show(self._step)

    def _tell(self, sentence: str) -> None:
        self._step.told.append(sentence)

    def _hear(self, exchange: Exchange) -> None:
        self._step.hear(exchange)


def yuan(fen: int) -> str:
    """Return an amount as it is shown: ¥12.30."""
    return f"¥{fen // 100}.{fen % 100:02d}"


async def walk(web: str, simulator: str, show: Show) -> None:
    """Walk through a mall that answers at these addresses; CallFailed where it refuses."""
    async with connect(1) as http:
        await Walk(http, web, simulator, show).all_steps()


def _keyword(name: str) -> str:
    """Return a word to search by: the first two Chinese characters in a row, or the first word."""
    found = re.search(r"[\u4e00-\u9fff]{2}", name)
    return found.group() if found else name.split(maxsplit=1)[0]
