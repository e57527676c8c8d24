"""The books of WeChat Pay: orders and refunds, their rules, and the events they send."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wxsim.clock import Clock, Timers, rfc3339
from wxsim.config import Tunables
from wxsim.errors import ControlError, PayError
from wxsim.faults import Fault
from wxsim.ids import Ids
from wxsim.notify import Notifier
from wxsim.people import People
from wxsim.records import Identity, Notification, Order, Refund
from wxsim.store import Store

PREPAY_SECONDS = 7_200.0
H5_SECONDS = 300.0
REFUND_WINDOW_SECONDS = 365 * 86_400.0
REFUNDS_PER_ORDER = 50
STATE_WORDS = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "USERPAYING": "用户支付中",
    "PAYERROR": "支付失败",
}
REFUND_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def digest_of(data: Mapping[str, Any]) -> str:
    """A hash that is equal for equal JSON, whatever the order of members."""
    return hashlib.sha1(
        orjson.dumps(data, option=orjson.OPT_SORT_KEYS), usedforsecurity=False
    ).hexdigest()


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A checked request for a refund; amounts in fen."""

    out_refund_no: str
    amount: int
    total: int
    notify_url: str | None
    digest: str


class Payments:
    """Orders by out_trade_no and refunds by out_refund_no of the one merchant."""

    def __init__(
        self,
        *,
        clock: Clock,
        timers: Timers,
        ids: Ids,
        store: Store,
        people: People,
        notifier: Notifier,
        tunables: Tunables,
    ) -> None:
        self._clock = clock
        self._timers = timers
        self._ids = ids
        self._store = store
        self._people = people
        self._notifier = notifier
        self._tunables = tunables
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self._by_prepay: dict[str, Order] = {}
        self._by_transaction: dict[str, Order] = {}
        for row in store.load("order"):
            self._index(Order(**row))
        for row in store.load("refund"):
            self.refunds[row["out_refund_no"]] = Refund(**row)

    def resume(self) -> None:
        """Take up the refunds that were on their way when the simulator stopped."""
        for refund in self.refunds.values():
            if refund.status == "PROCESSING":
                self._finish_later(refund)

    def clear(self) -> None:
        """Forget every order and refund."""
        for table in (self.orders, self.refunds, self._by_prepay, self._by_transaction):
            table.clear()

    # Orders

    def prepay(self, order: Order) -> tuple[Order, str]:
        """A new prepay_id for the order, which is new or asked for again unchanged."""
        known = self.orders.get(order.out_trade_no)
        if known is None:
            self._index(order)
            known = order
        else:
            self._check_repeat(known, order)
        now = self._clock.now()
        life = H5_SECONDS if known.trade_type == "MWEB" else PREPAY_SECONDS
        prepay_id = self._ids.next_prepay_id(now)
        known.prepays[prepay_id] = now + life
        if known.trade_type == "NATIVE":
            known.code_url = f"weixin://wxpay/bizpayurl?pr={self._ids.next_text('native', 11)}"
        self._by_prepay[prepay_id] = known
        self._keep(known)
        return known, prepay_id

    def find(self, out_trade_no: str) -> Order:
        """The order of that number; PayError when there is none."""
        order = self.orders.get(out_trade_no)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def find_transaction(self, transaction_id: str) -> Order:
        """The order paid under that transaction; PayError when there is none."""
        order = self._by_transaction.get(transaction_id)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; PayError when it is paid, being paid, closed or unknown."""
        order = self.find(out_trade_no)
        if order.state in {"SUCCESS", "REFUND"}:
            raise PayError(400, "ORDERPAID", "该订单已支付")
        if order.state == "CLOSED":
            raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
        if order.state == "USERPAYING":
            raise PayError(403, "TRADE_ERROR", "用户支付中，请稍后再关闭")
        order.state = "CLOSED"
        self._keep(order)

    def to_pay(self, data: Mapping[str, Any]) -> tuple[Order, str | None]:
        """The order that the control API means and the prepay_id it named, if any."""
        prepay_id, number = data.get("prepay_id"), data.get("out_trade_no")
        if isinstance(data.get("h5_url"), str):
            prepay_id = data["h5_url"].partition("prepay_id=")[2].partition("&")[0]
        order = None
        if isinstance(prepay_id, str):
            order = self._by_prepay.get(prepay_id)
        elif isinstance(number, str):
            order, prepay_id = self.orders.get(number), None
        elif isinstance(data.get("code_url"), str):
            codes = (o for o in self.orders.values() if o.code_url == data["code_url"])
            order, prepay_id = next(codes, None), None
        if order is None:
            raise ControlError(
                404,
                "ORDER_UNKNOWN",
                "There is no such order: give prepay_id, out_trade_no, h5_url or code_url.",
            )
        return order, prepay_id

    def check_payable(self, order: Order, prepay_id: str | None) -> None:
        """Raise ControlError, saying why, when nobody could pay this order now."""
        if order.state in {"SUCCESS", "REFUND"}:
            raise ControlError(409, "ORDER_PAID", f"{order.out_trade_no} is paid already.")
        if order.state == "CLOSED":
            raise ControlError(409, "ORDER_CLOSED", f"{order.out_trade_no} is closed.")
        now = self._clock.now()
        if order.time_expire is not None and now >= order.time_expire:
            late = rfc3339(order.time_expire)
            raise ControlError(
                410, "ORDER_EXPIRED", f"{order.out_trade_no} could be paid until {late}."
            )
        expiries = [order.prepays[prepay_id]] if prepay_id else order.prepays.values()
        if now >= max(expiries):
            raise ControlError(410, "PREPAY_EXPIRED", f"{order.out_trade_no}: prepay_id expired.")

    def payer(self, order: Order, user_id: object = None) -> Identity:
        """Who pays: the user of the order's openid, or the given or first user elsewhere."""
        if order.openid is not None:
            expected = self._people.find(order.appid, order.openid)
            if expected is None:
                raise ControlError(409, "PAYER_UNKNOWN", "The order's openid is nobody's.")
            if user_id is not None and self._people.user(user_id).id != expected.user_id:
                raise ControlError(
                    409, "PAYER_MISMATCH", f"Only {expected.user_id} can pay this order."
                )
            return expected
        if user_id is not None:
            user = self._people.user(user_id)
        else:
            user = next(iter(self._people.users.values()), None) or self._people.create()
        return self._people.identity(user.id, order.appid)

    def pay(self, order: Order, payer: Identity, *, coupon: int = 0) -> Notification:
        """Take the money and send TRANSACTION.SUCCESS; the order must be payable."""
        now = self._clock.now()
        order.state = "SUCCESS"
        order.transaction_id = self._ids.next_transaction_id(now)
        order.payer_openid = payer.openid
        order.payer_total = max(0, order.total - coupon)
        order.paid_at = now
        self._by_transaction[order.transaction_id] = order
        self._keep(order)
        return self._notifier.send(
            "TRANSACTION.SUCCESS", "transaction", "支付成功", order.notify_url, transaction(order)
        )

    def stumble(self, order: Order, state: str) -> None:
        """Leave a payment unfinished: USERPAYING or PAYERROR, payable again later."""
        order.state = state
        self._keep(order)

    # Refunds

    def refund(self, order: Order, request: RefundRequest, fault: Fault | None) -> Refund:
        """Accept a refund, or return the one already made under this number."""
        known = self.refunds.get(request.out_refund_no)
        if known is not None:
            if known.digest != request.digest:
                raise PayError(400, "INVALID_REQUEST", "退款参数与首次请求时不一致")
            return known
        now = self._clock.now()
        self._check_refundable(order, request, now)
        if fault is not None and fault.params.get("code"):
            code = str(fault.params["code"])
            raise PayError(fault.whole("http_status", 403), code, "基本账户余额不足")
        assert order.transaction_id is not None  # Refundable orders are paid.
        refund = Refund(
            out_refund_no=request.out_refund_no,
            refund_id=self._ids.next_refund_id(now),
            out_trade_no=order.out_trade_no,
            transaction_id=order.transaction_id,
            amount=request.amount,
            digest=request.digest,
            notify_url=request.notify_url,
            created_at=now,
            due_at=now + self._tunables.refund_delay_seconds,
            result=str(fault.params.get("status", "ABNORMAL")) if fault else "SUCCESS",
        )
        order.state = "REFUND"
        order.refunded += refund.amount
        order.refund_count += 1
        order.last_refund_at = now
        self.refunds[refund.out_refund_no] = refund
        self._keep(order)
        self._store.put("refund", refund.out_refund_no, refund)
        self._finish_later(refund)
        return refund

    def find_refund(self, out_refund_no: str) -> Refund:
        """The refund of that number; PayError when there is none."""
        refund = self.refunds.get(out_refund_no)
        if refund is None:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def finish_refund(self, refund: Refund, status: str) -> Notification | None:
        """Give the refund its end and send REFUND.<status> when it has a notify_url."""
        order = self.orders[refund.out_trade_no]
        refund.status = status
        refund.done_at = self._clock.now()
        if status == "CLOSED":
            order.refunded -= refund.amount
        self._keep(order)
        self._store.put("refund", refund.out_refund_no, refund)
        if refund.notify_url is None:
            return None
        return self._notifier.send(
            f"REFUND.{status}",
            "refund",
            REFUND_SUMMARIES[status],
            refund.notify_url,
            refund_event(order, refund),
        )

    def _finish_later(self, refund: Refund) -> None:
        def finish() -> None:
            if refund.status == "PROCESSING" and refund.out_refund_no in self.refunds:
                self.finish_refund(refund, refund.result)

        self._timers.at(refund.due_at, finish)

    def _check_refundable(self, order: Order, request: RefundRequest, now: float) -> None:
        if order.paid_at is None:
            raise PayError(400, "INVALID_REQUEST", "订单状态不支持退款: 订单未支付")
        if request.total != order.total:
            raise PayError(400, "INVALID_REQUEST", "订单金额与原订单不一致")
        if now - order.paid_at > REFUND_WINDOW_SECONDS:
            raise PayError(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")
        if order.refunded + request.amount > order.total:
            raise PayError(400, "INVALID_REQUEST", "申请退款金额超过订单可退金额")
        if order.refund_count >= REFUNDS_PER_ORDER:
            raise PayError(400, "INVALID_REQUEST", "同一笔订单最多支持50次部分退款")
        gap = self._tunables.refund_gap_seconds
        if order.last_refund_at is not None and now - order.last_refund_at < gap:
            raise PayError(429, "FREQUENCY_LIMITED", "同一笔订单的多次退款需间隔1分钟")

    def _check_repeat(self, known: Order, order: Order) -> None:
        if known.state in {"SUCCESS", "REFUND"}:
            raise PayError(400, "ORDERPAID", "该订单已支付")
        expired = known.time_expire is not None and self._clock.now() >= known.time_expire
        if known.state == "CLOSED" or expired:
            raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
        if known.digest != order.digest:
            raise PayError(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")

    def _index(self, order: Order) -> None:
        self.orders[order.out_trade_no] = order
        for prepay_id in order.prepays:
            self._by_prepay[prepay_id] = order
        if order.transaction_id is not None:
            self._by_transaction[order.transaction_id] = order

    def _keep(self, order: Order) -> None:
        self._store.put("order", order.out_trade_no, order)


def transaction(order: Order) -> dict[str, Any]:
    """An order as query and notification show it."""
    data: dict[str, Any] = {
        "appid": order.appid,
        "mchid": order.mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "trade_state_desc": STATE_WORDS[order.state],
        "promotion_detail": [],
        "amount": {"total": order.total, "currency": "CNY", "payer_currency": "CNY"},
        "payer": {},
    }
    if order.attach is not None:
        data["attach"] = order.attach
    if order.paid_at is None or order.payer_total is None:
        return data
    data["transaction_id"] = order.transaction_id
    data["trade_type"] = order.trade_type
    data["bank_type"] = "OTHERS"
    data["success_time"] = rfc3339(order.paid_at)
    data["payer"] = {"openid": order.payer_openid}
    data["amount"]["payer_total"] = order.payer_total
    if order.payer_total < order.total:
        off = order.total - order.payer_total
        data["promotion_detail"] = [
            {"coupon_id": "109519", "name": "代金券", "scope": "GLOBAL", "type": "NOCASH",
             "amount": off, "currency": "CNY", "wechatpay_contribute": off},
        ]  # fmt: skip
    return data


def refund_amounts(order: Order, refund: Refund) -> dict[str, int]:
    """The four amounts of a refund; a coupon's share comes off what the payer gets back."""
    payer_total = order.total if order.payer_total is None else order.payer_total
    return {
        "total": order.total,
        "refund": refund.amount,
        "payer_total": payer_total,
        "payer_refund": refund.amount * payer_total // order.total,
    }


def refund_view(order: Order, refund: Refund) -> dict[str, Any]:
    """A refund as its request and its query answer it."""
    amounts = refund_amounts(order, refund)
    data: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": "UNSETTLED",
        "amount": {
            **amounts,
            "settlement_refund": amounts["payer_refund"],
            "settlement_total": amounts["payer_total"],
            "discount_refund": amounts["refund"] - amounts["payer_refund"],
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.status == "SUCCESS" and refund.done_at is not None:
        data["success_time"] = rfc3339(refund.done_at)
    return data


def refund_event(order: Order, refund: Refund) -> dict[str, Any]:
    """A refund as its notification holds it."""
    data: dict[str, Any] = {
        "mchid": order.mchid,
        "out_trade_no": refund.out_trade_no,
        "transaction_id": refund.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "user_received_account": "支付用户零钱",
        "amount": refund_amounts(order, refund),
    }
    if refund.status == "SUCCESS" and refund.done_at is not None:
        data["success_time"] = rfc3339(refund.done_at)
    return data
