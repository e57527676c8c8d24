"""Prepay in four ways, query, close."""

import re
from typing import Any

from wxsim.clock import parse_rfc3339
from wxsim.errors import PayError, param_error
from wxsim.exchange import Call, Handler, Reply, Route, json_reply
from wxsim.mch import fields
from wxsim.payments import digest_of, transaction
from wxsim.records import Order
from wxsim.world import World

OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*]+")
KNOWN = frozenset(
    {
        "appid", "mchid", "description", "out_trade_no", "time_expire", "attach", "notify_url",
        "goods_tag", "support_fapiao", "amount", "payer", "detail", "scene_info", "settle_info",
    }
)  # fmt: skip
# What may not change when the same order is asked for again; the scene's IP address may.
FIXED = KNOWN - {"scene_info", "detail"}
TRADE_TYPES = {"jsapi": "JSAPI", "h5": "MWEB", "native": "NATIVE", "app": "APP"}
H5_TYPES = {"Wap", "iOS", "Android"}
CASHIER = "/cgi-bin/mmpayweb-bin/checkmweb"


class OrderCalls:
    """The order endpoints."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """What answers which path."""
        base = "/v3/pay/transactions"
        number = base + "/out-trade-no/{out_trade_no}"
        return [
            *(Route("POST", f"{base}/{way}", self._prepay(way)) for way in TRADE_TYPES),
            Route("GET", number, self._query),
            Route("GET", base + "/id/{transaction_id}", self._query_transaction),
            Route("POST", f"{number}/close", self._close),
        ]

    def _prepay(self, way: str) -> Handler:
        async def prepay(call: Call) -> Reply:
            data = fields.body_of(call, KNOWN)
            asked = read_order(self._world, call, data, way)
            call.note(out_trade_no=asked.out_trade_no)
            order, prepay_id = self._world.payments.prepay(asked)
            call.note(prepay_id=prepay_id)
            self._world.stats.counts["prepays"] += 1
            await _notify_before_reply(self._world, call, order)
            return json_reply(_prepay_view(call, order, prepay_id))

        return prepay

    async def _query(self, call: Call) -> Reply:
        number = call.params["out_trade_no"]
        call.note(out_trade_no=number)
        _check_mchid(self._world, call.query.get("mchid"), location="query")
        return json_reply(transaction(self._world.payments.find(number)))

    async def _query_transaction(self, call: Call) -> Reply:
        call.note(transaction_id=call.params["transaction_id"])
        _check_mchid(self._world, call.query.get("mchid"), location="query")
        order = self._world.payments.find_transaction(call.params["transaction_id"])
        call.note(out_trade_no=order.out_trade_no)
        return json_reply(transaction(order))

    async def _close(self, call: Call) -> Reply:
        data = fields.body_of(call, frozenset({"mchid"}))
        _check_mchid(self._world, data.get("mchid"), location="body")
        call.note(out_trade_no=call.params["out_trade_no"])
        self._world.payments.close(call.params["out_trade_no"])
        return Reply(204)


def read_order(world: World, call: Call, data: dict[str, Any], way: str) -> Order:
    """The order that a checked request body describes; PayError for anything wrong in it."""
    appid = fields.text(data, "appid", limit=32)
    _check_mchid(world, fields.text(data, "mchid", limit=32), location="body")
    if appid not in {app.appid for app in world.config.apps}:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "商户号mchid与appid不匹配")
    description = fields.text(data, "description", limit=127)
    number = fields.text(data, "out_trade_no", least=6, limit=32, pattern=OUT_TRADE_NO)
    fields.optional_text(data, "goods_tag", limit=32)
    amount = fields.member(data, "amount")
    fields.currency(amount, required=False)
    url = fields.text(data, "notify_url", limit=fields.NOTIFY_URL_LIMIT)
    order = Order(
        out_trade_no=number,
        mchid=call.caller["mchid"],
        appid=appid,
        trade_type=TRADE_TYPES[way],
        description=description,
        attach=fields.optional_text(data, "attach", limit=128),
        notify_url=fields.notify_url(url, world.config.notify_bases),
        total=fields.fen(amount, "total", at="/amount"),
        digest=digest_of({"way": way, **{k: v for k, v in data.items() if k in FIXED}}),
        created_at=world.clock.now(),
        time_expire=_time_expire(world, data, number),
    )
    if way == "jsapi":
        order.openid = _payer(world, data, appid)
    if way == "h5":
        _check_h5_scene(data)
    return order


def _check_mchid(world: World, mchid: object, *, location: str) -> None:
    if mchid != world.config.mchid:
        raise param_error("/mchid", "商户号与签名的商户号不一致", mchid, location=location)


def _time_expire(world: World, data: dict[str, Any], number: str) -> float | None:
    value = fields.optional_text(data, "time_expire", limit=64)
    if value is None:
        return None
    at = parse_rfc3339(value)
    if at is None:
        raise param_error("/time_expire", "应为rfc3339格式", value)
    # Asking again for an order whose time is over is told ORDER_CLOSED, not a wrong field.
    if at <= world.clock.now() and number not in world.payments.orders:
        raise param_error("/time_expire", "应晚于当前时间", value)
    return at


def _payer(world: World, data: dict[str, Any], appid: str) -> str:
    openid = fields.text(fields.member(data, "payer"), "openid", limit=128, at="/payer")
    if world.people.find(appid, openid) is None:
        raise param_error("/payer/openid", "无效的openid", openid)
    return openid


def _check_h5_scene(data: dict[str, Any]) -> None:
    scene = fields.member(data, "scene_info")
    fields.text(scene, "payer_client_ip", limit=45, at="/scene_info")
    info = fields.member(scene, "h5_info", at="/scene_info")
    if info.get("type") not in H5_TYPES:
        raise param_error("/scene_info/h5_info/type", "应为Wap、iOS或Android", info.get("type"))


def _prepay_view(call: Call, order: Order, prepay_id: str) -> dict[str, str | None]:
    if order.trade_type == "MWEB":
        return {"h5_url": f"{call.base}/mch{CASHIER}?prepay_id={prepay_id}&package=1"}
    if order.trade_type == "NATIVE":
        return {"code_url": order.code_url}
    return {"prepay_id": prepay_id}


async def _notify_before_reply(world: World, call: Call, order: Order) -> None:
    """The fault that has the order paid and notified before the merchant knows its prepay_id."""
    fault = world.faults.active and world.faults.take(
        "notify.before_response", host="mch", path=call.path, facts=call.facts
    )
    if fault and order.state == "NOTPAY":
        notification = world.payments.pay(order, world.payments.payer(order))
        await world.notifier.first_attempt(notification)
