"""Control calls about orders, payments, refunds and their notifications."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from wxsim.control.replies import Action
from wxsim.errors import ControlError
from wxsim.keys import is_signed_by
from wxsim.payments import refund_view, transaction
from wxsim.records import Notification, Order
from wxsim.world import World

REQUEST_PAYMENT = ("timeStamp", "nonceStr", "package", "signType", "paySign")
RESULTS = ("success", "fail", "userpaying")
REFUND_RESULTS = ("SUCCESS", "ABNORMAL", "CLOSED")
LISTED = 100


def actions(world: World) -> list[Action]:
    """The calls of this area."""

    async def pay(request: Request, body: dict[str, Any]) -> Any:
        result = body.get("result", "success")
        if result not in RESULTS:
            raise ControlError(400, "BAD_RESULT", f"result is one of {', '.join(RESULTS)}.")
        signed = any(name in body for name in REQUEST_PAYMENT)
        if signed:
            body = {**body, "prepay_id": _prepay_id_of(body)}
        order, prepay_id = world.payments.to_pay(body)
        if signed:
            check_pay_sign(world, order, body)
        coupon = _coupon(body, order)
        world.payments.check_payable(order, prepay_id)
        payer = world.payments.payer(order, body.get("user"))
        if result != "success":
            world.payments.stumble(order, "USERPAYING" if result == "userpaying" else "PAYERROR")
            return _paid_view(order, None)
        notification = world.payments.pay(order, payer, coupon=coupon)
        world.stats.counts["paid"] += 1
        if body.get("wait") is True:
            await world.notifier.first_attempt(notification)
        return _paid_view(order, notification)

    async def list_orders(request: Request, body: dict[str, Any]) -> Any:
        orders = list(world.payments.orders.values())[-LISTED:]
        return {"orders": [transaction(order) for order in reversed(orders)]}

    async def show_order(request: Request, body: dict[str, Any]) -> Any:
        order = world.payments.find(request.path_params["number"])
        refunds = [
            r for r in world.payments.refunds.values() if r.out_trade_no == order.out_trade_no
        ]
        return {
            "order": transaction(order) | {"description": order.description},
            "prepay_ids": list(order.prepays),
            "refunds": [refund_view(order, refund) for refund in refunds],
        }

    async def refund_result(request: Request, body: dict[str, Any]) -> Any:
        refund = world.payments.find_refund(request.path_params["number"])
        status = body.get("status", body.get("result", "SUCCESS"))
        if status not in REFUND_RESULTS:
            raise ControlError(400, "BAD_RESULT", f"status is one of {', '.join(REFUND_RESULTS)}.")
        if refund.status in {"SUCCESS", "CLOSED"}:
            raise ControlError(409, "REFUND_DONE", f"The refund is {refund.status} already.")
        notification = world.payments.finish_refund(refund, status)
        return {
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "status": refund.status,
            "notify_id": notification.id if notification else None,
        }

    async def list_notifications(request: Request, body: dict[str, Any]) -> Any:
        recent = list(world.notifier.log.values())[-LISTED:]
        return {"notifications": [notification_view(n) for n in reversed(recent)]}

    async def resend(request: Request, body: dict[str, Any]) -> Any:
        notification = world.notifier.resend(request.path_params["id"])
        if notification is None:
            raise ControlError(404, "UNKNOWN_NOTIFICATION", "There is no such notification.")
        await world.notifier.idle()
        return {"notification": notification_view(notification)}

    return [
        Action("POST", "/pay", pay),
        Action("GET", "/orders", list_orders),
        Action("GET", "/orders/{number}", show_order),
        Action("POST", "/refund/{number}/result", refund_result),
        Action("GET", "/notify", list_notifications),
        Action("POST", "/notify/{id}/resend", resend),
    ]


def check_pay_sign(world: World, order: Order, body: dict[str, Any]) -> None:
    """Verify the five wx.requestPayment parameters as the phone would; ControlError if wrong."""
    values = {name: body.get(name) for name in REQUEST_PAYMENT}
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ControlError(400, "BAD_PAY_SIGN", f"wx.requestPayment: {name} is a text.")
    if values["signType"] != "RSA":
        raise ControlError(400, "BAD_PAY_SIGN", "wx.requestPayment: signType is RSA.")
    appid = body.get("appId", order.appid)
    message = f"{appid}\n{values['timeStamp']}\n{values['nonceStr']}\n{values['package']}\n"
    key = world.keys.merchant.key.public_key()
    right = is_signed_by(key, message.encode(), str(values["paySign"]))
    if appid != order.appid or not right:
        raise ControlError(
            400, "BAD_PAY_SIGN", "wx.requestPayment: paySign does not fit (支付验证签名失败)."
        )


def notification_view(notification: Notification) -> dict[str, Any]:
    """A notification without its content."""
    return {
        "id": notification.id,
        "event_type": notification.event_type,
        "state": notification.state,
        "url": notification.url,
        "created_at": notification.created_at,
        "next_at": notification.next_at,
        "out_trade_no": notification.resource.get("out_trade_no"),
        "out_refund_no": notification.resource.get("out_refund_no"),
        "attempts": [asdict(attempt) for attempt in notification.attempts],
    }


def _prepay_id_of(body: dict[str, Any]) -> str:
    package = body.get("package")
    if not isinstance(package, str) or not package.startswith("prepay_id="):
        raise ControlError(400, "BAD_PAY_SIGN", "wx.requestPayment: package is prepay_id=….")
    return package.removeprefix("prepay_id=")


def _coupon(body: dict[str, Any], order: Order) -> int:
    coupon = body.get("coupon", 0)
    if isinstance(coupon, bool) or not isinstance(coupon, int) or not 0 <= coupon <= order.total:
        raise ControlError(400, "BAD_COUPON", "coupon is an amount of fen up to the total.")
    return coupon


def _paid_view(order: Order, notification: Notification | None) -> dict[str, Any]:
    return {
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "trade_state": order.state,
        "notify_id": notification.id if notification else None,
        "notify_state": notification.state if notification else None,
    }
