"""What paying needs and gives."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.orders import PaymentMethod
from domain.payments import SignedPayment
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.member.orders.types import Order
from services.paying import Payable

strawberry.enum(
    PaymentMethod, name="PaymentMethod", description="Where the member pays with WeChat Pay."
)


@strawberry.type(
    description="JSAPI fields for wx.requestPayment or WeixinJSBridge, or the H5 URL;"
    " all null when nothing is left to pay."
)
class WechatPayment:
    app_id: str | None = strawberry.field(default=None, description="The app that pays.")
    time_stamp: str | None = strawberry.field(default=None, description="Unix seconds, as text.")
    nonce_str: str | None = strawberry.field(default=None, description="A random text.")
    package: str | None = strawberry.field(default=None, description="`prepay_id=…`.")
    sign_type: str | None = strawberry.field(default=None, description="`RSA`.")
    pay_sign: str | None = strawberry.field(default=None, description="The signature of the five.")
    h5_url: str | None = strawberry.field(
        default=None, description="Where a browser outside WeChat goes to pay."
    )

    @classmethod
    def of(cls, payable: Payable) -> WechatPayment:
        """Show what the client hands on."""
        signed: SignedPayment | None = payable.signed
        if signed is None:
            return cls(h5_url=payable.h5_url)
        return cls(
            app_id=signed.app_id,
            time_stamp=signed.time_stamp,
            nonce_str=signed.nonce_str,
            package=signed.package,
            sign_type=signed.sign_type,
            pay_sign=signed.pay_sign,
        )


@strawberry.input(description="Which order to pay, and how.")
class PayOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    method: PaymentMethod = strawberry.field(description="Where the member pays.")
    idempotency_key: str = strawberry.field(
        description="The same key with the same input signs the same attempt afresh."
    )
    return_url: str | None = strawberry.field(
        default=None,
        description="WECHAT_H5: the page of this mall to come back to after paying.",
    )


@strawberry.type(description="What payOrder gives.")
class PayOrderPayload:
    payment: WechatPayment | None = strawberry.field(
        default=None, description="What to hand to WeChat; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )
    order_id: strawberry.Private[UUID | None] = None

    @strawberry.field(description="The order as it stands.")
    async def order(self, info: Info) -> Order | None:
        return None if self.order_id is None else await Order.load(info, self.order_id)


@strawberry.input(description="Which order to ask WeChat about.")
class RefreshPaymentInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")


@strawberry.input(description="Which order to cancel.")
class CancelOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order.")
    reason: str | None = strawberry.field(
        default=None, description="Why, in the member's words; at most 200 characters."
    )
    idempotency_key: str = strawberry.field(description="One key for one cancelling.")
