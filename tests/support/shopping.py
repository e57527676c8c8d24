"""A member who shops through the API as the mini-program would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from models import database
from services import payment_sweeps
from services.ports import Ports
from services.verification import verify
from tests.factories.members import JOINING_INPUT, agreements
from tests.factories.shop import SkuFacts, an_address
from tests.support.graphql import GraphQLClient
from tests.support.simulator import Simulator

SIGN_IN = """
mutation ($i: SignInWithMiniProgramInput!) { signInWithMiniProgram(input: $i) {
  session { accessToken member { id } } userErrors { code message path } } }
"""
PLACE = """
mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) {
  order { id orderNo status payable } userErrors { code message path } } }
"""
PAY = """
mutation ($i: PayOrderInput!) { payOrder(input: $i) {
  payment { appId timeStamp nonceStr package signType paySign h5Url }
  order { id status } userErrors { code message path retryAfterSeconds } } }
"""
REFRESH = """
mutation ($i: RefreshPaymentInput!) { refreshPayment(input: $i) {
  order { id status paid pointsEarned } userErrors { code message path } } }
"""
CANCEL = """
mutation ($i: CancelOrderInput!) { cancelOrder(input: $i) {
  order { id status cancelReason } userErrors { code message path } } }
"""
ORDER = """
query ($id: ID!) { order(id: $id) {
  id status payable paid refunded pointsEarned paidAt actions timeline { kind }
  wechatPayment { transactionId merchantTradeNo } } }
"""


@dataclass(frozen=True, slots=True)
class Shopper:
    """A joined member with an address, signed in; `user` is the person at the simulator."""

    client: GraphQLClient
    wxsim: Simulator
    user: str
    token: str
    member_id: UUID

    async def place(self, sku: SkuFacts, quantity: int = 1, *, key: str = "order-1") -> Any:
        """Place an order of one line; returns the order."""
        draft = {"lines": [{"skuId": str(sku.id), "quantity": quantity}]}
        answer = await self.client.gql(
            PLACE, {"i": {"draft": draft, "idempotencyKey": key}}, self.token
        )
        payload = answer.data["placeOrder"]
        assert payload["userErrors"] == [], payload
        return payload["order"]

    async def pay_payload(
        self, order_id: str, *, key: str = "pay-1", method: str = "WECHAT_MINI_PROGRAM"
    ) -> Any:
        """Ask to pay; returns the whole payload."""
        given = {"orderId": order_id, "method": method, "idempotencyKey": key}
        answer = await self.client.gql(PAY, {"i": given}, self.token)
        return answer.data["payOrder"]

    async def prepay(self, order_id: str, *, key: str = "pay-1") -> str:
        """Ask to pay with the mini-program; returns the prepay_id."""
        payload = await self.pay_payload(order_id, key=key)
        assert payload["userErrors"] == [], payload
        package: str = payload["payment"]["package"]
        return package.removeprefix("prepay_id=")

    async def refresh(self, order_id: str) -> Any:
        """Ask WeChat what came of it; returns the payload."""
        answer = await self.client.gql(REFRESH, {"i": {"orderId": order_id}}, self.token)
        return answer.data["refreshPayment"]

    async def cancel(self, order_id: str, *, key: str = "cancel-1") -> Any:
        """Cancel; returns the payload."""
        given = {"orderId": order_id, "idempotencyKey": key}
        answer = await self.client.gql(CANCEL, {"i": given}, self.token)
        return answer.data["cancelOrder"]

    async def order(self, order_id: str) -> Any:
        """Return the order as its page shows it."""
        return (await self.client.gql(ORDER, {"id": order_id}, self.token)).data["order"]


async def a_shopper(client: GraphQLClient, wxsim: Simulator) -> Shopper:
    """Sign a new person in through WeChat, join, and give them an address."""
    await agreements()
    user = await wxsim.user()
    given = {"code": await wxsim.login_code(user), "consents": JOINING_INPUT}
    payload = (await client.gql(SIGN_IN, {"i": given})).data["signInWithMiniProgram"]
    assert payload["userErrors"] == [], payload
    session = payload["session"]
    member_id = UUID(session["member"]["id"])
    await an_address(member_id)
    return Shopper(client, wxsim, user, session["accessToken"], member_id)


async def run_sweeps(ports: Ports, *, after: timedelta = timedelta()) -> None:
    """Do all due work of payments as a worker would, at a time from now on."""
    now = datetime.now(UTC) + after
    await payment_sweeps.settle_inbox(ports.pay, now=now)
    await payment_sweeps.query_payments(ports.pay, now=now)
    await payment_sweeps.cancel_overdue(ports.pay, ports.gate, now=now)
    await payment_sweeps.refund_cases(ports.pay, now=now)


async def callbacks(number: int) -> None:
    """Check that so many notifications lie in the inbox; `pay(wait=True)` waited for them."""
    assert await database.fetch_value("SELECT count(*) FROM wechat_event") == number


async def assert_books_agree() -> None:
    """Run `verify`: points, stock, orders and money add up."""
    broken = [finding for finding in await verify() if not finding.is_clean]
    assert broken == []
