"""Domestic refunds and their query."""

import re
from typing import Any

from wxsim.errors import PayError, param_error
from wxsim.exchange import Call, Reply, Route, json_reply
from wxsim.mch import fields
from wxsim.payments import RefundRequest, digest_of, refund_view
from wxsim.records import Order
from wxsim.world import World

OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]+")
KNOWN = frozenset(
    {
        "transaction_id", "out_trade_no", "out_refund_no", "reason", "notify_url",
        "funds_account", "amount", "goods_detail",
    }
)  # fmt: skip


class RefundCalls:
    """The refund endpoints."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        return [
            Route("POST", "/v3/refund/domestic/refunds", self._refund),
            Route("GET", "/v3/refund/domestic/refunds/{out_refund_no}", self._query),
        ]

    async def _refund(self, call: Call) -> Reply:
        data = fields.body_of(call, KNOWN)
        request = read_refund(self._world, data)
        call.note(out_refund_no=request.out_refund_no)
        order = _order(self._world, data)
        call.note(out_trade_no=order.out_trade_no)
        is_new = request.out_refund_no not in self._world.payments.refunds
        fault = None
        if is_new and self._world.faults.active:
            fault = self._world.faults.take(
                "refund.result", host="mch", path=call.path, facts=call.facts
            )
        made = self._world.payments.refund(order, request, fault)
        early = self._world.faults.active and self._world.faults.take(
            "notify.before_response", host="mch", path=call.path, facts=call.facts
        )
        view = refund_view(order, made)
        if early and made.status == "PROCESSING":
            notification = self._world.payments.finish_refund(made, made.result)
            if notification is not None:
                await self._world.notifier.first_attempt(notification)
        return json_reply(view)

    async def _query(self, call: Call) -> Reply:
        call.note(out_refund_no=call.params["out_refund_no"])
        found = self._world.payments.find_refund(call.params["out_refund_no"])
        return json_reply(refund_view(self._world.payments.orders[found.out_trade_no], found))


def read_refund(world: World, data: dict[str, Any]) -> RefundRequest:
    """The checked request; PayError for anything wrong in it."""
    number = fields.text(data, "out_refund_no", limit=64, pattern=OUT_REFUND_NO)
    fields.optional_text(data, "reason", limit=80)
    amount = fields.member(data, "amount")
    fields.currency(amount, required=True)
    part = fields.fen(amount, "refund", at="/amount")
    total = fields.fen(amount, "total", at="/amount")
    if part > total:
        raise param_error("/amount/refund", "退款金额不能大于订单金额", part)
    url = fields.optional_text(data, "notify_url", limit=fields.NOTIFY_URL_LIMIT)
    return RefundRequest(
        out_refund_no=number,
        amount=part,
        total=total,
        notify_url=None if url is None else fields.notify_url(url, world.config.notify_bases),
        digest=digest_of(data),
    )


def _order(world: World, data: dict[str, Any]) -> Order:
    transaction_id, number = data.get("transaction_id"), data.get("out_trade_no")
    if (transaction_id is None) == (number is None):
        raise param_error("/transaction_id", "transaction_id和out_trade_no必须二选一")
    try:
        if transaction_id is not None:
            return world.payments.find_transaction(str(transaction_id))
        return world.payments.find(str(number))
    except PayError as error:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在") from error
