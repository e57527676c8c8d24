"""The cashier page behind an h5_url, for browsers outside WeChat."""

from urllib.parse import parse_qs, urlsplit

from wxsim.errors import ControlError
from wxsim.exchange import Call, Reply, Route, html_reply
from wxsim.html import document, e, message, yuan
from wxsim.mch.orders import CASHIER
from wxsim.records import Order
from wxsim.world import World


class PayPage:
    """The cashier page and its buttons."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("GET", CASHIER, self._show, public=True),
            Route("POST", CASHIER, self._press, public=True),
        ]

    def _open_order(self, call: Call) -> Order:
        order, prepay_id = self._world.payments.to_pay(
            {"prepay_id": call.query.get("prepay_id", "")}
        )
        call.note(out_trade_no=order.out_trade_no)
        self._world.payments.check_payable(order, prepay_id)
        return order

    async def _show(self, call: Call) -> Reply:
        try:
            order = self._open_order(call)
        except ControlError as error:
            return html_reply(message("无法支付 · Cannot be paid", error.message), error.status)
        return html_reply(_cashier(order))

    async def _press(self, call: Call) -> Reply:
        choice = parse_qs(call.body.decode("utf-8", "replace")).get("choice", [""])[0]
        try:
            order = self._open_order(call)
        except ControlError as error:
            return html_reply(message("无法支付 · Cannot be paid", error.message), error.status)
        if choice == "pay":
            self._world.payments.pay(order, self._world.payments.payer(order))
            self._world.stats.counts["paid"] += 1
        back = call.query.get("redirect_url", "")
        if urlsplit(back).scheme in {"http", "https"}:
            return Reply(303, headers=[("Location", _header_safe(back))], sealed=False)
        if choice != "pay":
            return html_reply(message("已取消 · Cancelled", "订单仍可支付。It can still be paid."))
        return html_reply(message("支付成功 · Paid", f"{order.description} {yuan(order.total)}"))


def _cashier(order: Order) -> str:
    return document(
        "微信支付 · WeChat Pay (simulated)",
        '<main class="single"><section class="card">'
        f"<h2>微信支付 <small>simulated, no money moves</small></h2>"
        f'<p class="pay-amount">{e(yuan(order.total))}</p><p>{e(order.description)}</p>'
        f'<p class="faint"><code>{e(order.out_trade_no)}</code></p>'
        '<form method="post"><button class="main big" name="choice" value="pay">'
        "立即支付 · Pay</button>"
        '<button class="big" name="choice" value="cancel">取消 · Cancel</button></form>'
        "</section></main>",
    )


def _header_safe(url: str) -> str:
    """The URL without what would end a header line."""
    return url.replace("\r", "").replace("\n", "").encode("ascii", "ignore").decode()
