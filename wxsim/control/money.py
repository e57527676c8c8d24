"""Control calls about orders, payments, refunds and their notifications."""

from dataclasses import asdict
from typing import Any

from wxsim.control.replies import Action, Ask
from wxsim.errors import ControlError
from wxsim.keys import is_signed_by
from wxsim.payments import refund_view, transaction
from wxsim.records import Notification, Order
from wxsim.world import World

REQUEST_PAYMENT = ("timeStamp", "nonceStr", "package", "signType", "paySign")
RESULTS = ("success", "fail", "userpaying")
REFUND_RESULTS = ("SUCCESS", "ABNORMAL", "CLOSED")
LISTED = 100


class MoneyControl:
    """The calls about money."""

    def __init__(self, world: World) -> None:
        self._world = world

    def actions(self) -> list[Action]:
        """What answers which path."""
        return [
            Action("POST", "/pay", self._pay),
            Action("GET", "/orders", self._list_orders),
            Action("GET", "/orders/{number}", self._show_order),
            Action("POST", "/refund/{number}/result", self._refund_result),
            Action("GET", "/notify", self._list_notifications),
            Action("POST", "/notify/{id}/resend", self._resend),
        ]

    async def _pay(self, ask: Ask) -> Any:
        result = ask.body.get("result", "success")
        if result not in RESULTS:
            raise ControlError(400, "BAD_RESULT", f"result is one of {', '.join(RESULTS)}.")
        body, signed = ask.body, any(name in ask.body for name in REQUEST_PAYMENT)
        if signed:
            body = {**body, "prepay_id": _prepay_id_of(body)}
        order, prepay_id = self._world.payments.to_pay(body)
        if signed:
            check_pay_sign(self._world, order, body)
        coupon = _coupon(body, order)
        self._world.payments.check_payable(order, prepay_id)
        payer = self._world.payments.payer(order, ask.body.get("user"))
        if result != "success":
            self._world.payments.stumble(
                order, "USERPAYING" if result == "userpaying" else "PAYERROR"
            )
            return _paid_view(order, None)
        notification = self._world.payments.pay(order, payer, coupon=coupon)
        self._world.stats.counts["paid"] += 1
        if ask.body.get("wait") is True:
            await self._world.notifier.first_attempt(notification)
        return _paid_view(order, notification)

    async def _list_orders(self, _: Ask) -> Any:
        orders = list(self._world.payments.orders.values())[-LISTED:]
        return {"orders": [transaction(order) for order in reversed(orders)]}

    async def _show_order(self, ask: Ask) -> Any:
        order = self._world.payments.find(ask.params["number"])
        refunds = [
            r for r in self._world.payments.refunds.values() if r.out_trade_no == order.out_trade_no
        ]
        return {
            "order": transaction(order) | {"description": order.description},
            "prepay_ids": list(order.prepays),
            "refunds": [refund_view(order, refund) for refund in refunds],
        }

    async def _refund_result(self, ask: Ask) -> Any:
        refund = self._world.payments.find_refund(ask.params["number"])
        status = ask.body.get("status", ask.body.get("result", "SUCCESS"))
        if status not in REFUND_RESULTS:
            raise ControlError(400, "BAD_RESULT", f"status is one of {', '.join(REFUND_RESULTS)}.")
        if refund.status in {"SUCCESS", "CLOSED"}:
            raise ControlError(409, "REFUND_DONE", f"The refund is {refund.status} already.")
        notification = self._world.payments.finish_refund(refund, status)
        return {
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "status": refund.status,
            "notify_id": notification.id if notification else None,
        }

    async def _list_notifications(self, _: Ask) -> Any:
        recent = list(self._world.notifier.log.values())[-LISTED:]
        return {"notifications": [notification_view(n) for n in reversed(recent)]}

    async def _resend(self, ask: Ask) -> Any:
        notification = self._world.notifier.resend(ask.params["id"])
        if notification is None:
            raise ControlError(404, "UNKNOWN_NOTIFICATION", "There is no such notification.")
        await self._world.notifier.idle()
        return {"notification": notification_view(notification)}


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
