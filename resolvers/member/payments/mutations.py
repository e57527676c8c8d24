"""payOrder, refreshPayment, cancelOrder."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import strawberry

from domain.errors import DomainError, InvalidInput
from domain.orders import PaymentMethod
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.common.ids import parse_id
from resolvers.member.orders.types import Order, OrderPayload
from resolvers.member.payments.types import (
    CancelOrderInput,
    PayOrderInput,
    PayOrderPayload,
    RefreshPaymentInput,
    WechatPayment,
)
from services import cancelling, paying
from services.cancelling import CancelOrder
from services.paying import PayOrder

MAX_REASON_LENGTH = 200
MAX_URL_LENGTH = 1024


@strawberry.type
class PaymentsMutation:
    @strawberry.mutation(
        description="Makes the WeChat Pay prepay order and signs what wx.requestPayment needs."
    )
    async def pay_order(self, info: Info, input: PayOrderInput) -> PayOrderPayload:
        context = info.context
        member_id = context.require_member()
        try:
            order_id = parse_id(input.order_id, "order", "orderId")
            return_url = _return_url(input, context)
            command = PayOrder(
                member_id=member_id,
                order_id=order_id,
                method=PaymentMethod(input.method),
                idempotency_key=input.idempotency_key,
                client_ip=context.client_ip,
            )
            payable = await paying.pay_order(command, context.ports.pay, now=context.now)
        except DomainError as error:
            return PayOrderPayload(user_errors=[UserError.of(error, context.language)])
        payment = WechatPayment.of(payable)
        if payment.h5_url and return_url:
            payment.h5_url += f"&redirect_url={quote(return_url, safe='')}"
        context.loaders.forget()
        return PayOrderPayload(payment=payment, order_id=order_id)

    @strawberry.mutation(
        description="Asks WeChat about the order's payment: for the page one comes back to."
    )
    async def refresh_payment(self, info: Info, input: RefreshPaymentInput) -> OrderPayload:
        context = info.context
        member_id = context.require_member()
        try:
            order_id = parse_id(input.order_id, "order", "orderId")
            await paying.refresh_payment(order_id, member_id, context.ports.pay, now=context.now)
        except DomainError as error:
            return OrderPayload(user_errors=[UserError.of(error, context.language)])
        context.loaders.forget()
        return OrderPayload(order=await Order.load(info, order_id))

    @strawberry.mutation(
        description="Cancels an order that awaits payment, after closing it at WeChat;"
        " what it held is given back."
    )
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> OrderPayload:
        context = info.context
        member_id = context.require_member()
        try:
            order_id = parse_id(input.order_id, "order", "orderId")
            command = CancelOrder(
                member_id=member_id,
                order_id=order_id,
                idempotency_key=input.idempotency_key,
                note=_reason(input.reason),
            )
            ports = context.ports
            await cancelling.cancel_order(command, ports.pay, ports.gate, now=context.now)
        except DomainError as error:
            return OrderPayload(user_errors=[UserError.of(error, context.language)])
        context.loaders.forget()
        return OrderPayload(order=await Order.load(info, order_id))


def _reason(text: str | None) -> str | None:
    if text is not None and (len(text) > MAX_REASON_LENGTH or "\x00" in text):
        problem = f"At most {MAX_REASON_LENGTH} characters are expected."
        raise InvalidInput(path=("reason",), problem=problem)
    return text or None


def _return_url(input: PayOrderInput, context: Context) -> str | None:
    """Accept only pages of our own: an open redirect would lend our name to anybody."""
    url = input.return_url
    if url is None:
        return None
    if len(url) > MAX_URL_LENGTH or _site(url) != _site(context.ports.public_base_url):
        raise InvalidInput(path=("returnUrl",), problem="A page of this mall is expected.")
    return url


def _site(url: str) -> tuple[str, str] | None:
    """Return scheme and host; None where urlsplit gives up on what should be a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme, parts.netloc
