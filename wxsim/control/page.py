"""The developer's page: who is there, what was ordered, and buttons for what people would do."""

from collections.abc import Iterable, Reversible
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import orjson
from starlette.responses import HTMLResponse

from wxsim.clock import CHINA
from wxsim.control.replies import Action, Ask, shielded
from wxsim.faults import Fault
from wxsim.html import document, e, yuan
from wxsim.records import Notification, Order, Refund, Sms, User
from wxsim.world import World

Row = TypeVar("Row")

SHOWN = 20
CALLS_SHOWN = 15
GOOD = {"SUCCESS", "delivered"}
BAD = {"PAYERROR", "ABNORMAL", "CLOSED", "failed", "dropped"}
STATES = {
    "NOTPAY": "待支付 · to pay",
    "USERPAYING": "支付中 · paying",
    "PAYERROR": "支付失败 · failed",
    "SUCCESS": "已支付 · paid",
    "REFUND": "有退款 · refunded",
    "CLOSED": "已关闭 · closed",
}
COMMON_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("回调丢失 · lose callbacks", {"kind": "notify.drop"}),
    ("回调重复 ×5 · duplicate callbacks", {"kind": "notify.duplicate", "n": 5}),
    ("回调伪造 · forge callbacks", {"kind": "notify.forged_signature"}),
    ("慢 2 秒 · slow by 2 s", {"kind": "latency", "ms": 2000, "match": {"host": "mch"}}),
    ("支付 502 · pay answers 502", {"kind": "http", "status": 502, "match": {"host": "mch"}}),
    ("已处理但答 500 · done, but 500", {"kind": "commit_then_5xx", "match": {"host": "mch"}}),
    ("应答验签失败 · bad answers", {"kind": "bad_response_signature", "match": {"host": "mch"}}),
    ("退款异常 · refunds go wrong", {"kind": "refund.result", "status": "ABNORMAL"}),
    ("微信繁忙 · API busy (-1)", {"kind": "errcode", "errcode": -1, "match": {"host": "api"}}),
)


class Page:
    """The page and the part of it that refreshes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def actions(self) -> list[Action]:
        """What answers which path."""
        return [Action("GET", "/", self._whole), Action("GET", "/fragment", self._fragment)]

    async def _whole(self, _: Ask) -> Any:
        title = "微信模拟器 · WeChat simulator"
        frame = (
            f'<div id="live">{fragment_of(self._world)}</div><div id="toast" role="status"></div>'
        )
        return HTMLResponse(document(title, frame, live=True))

    async def _fragment(self, _: Ask) -> Any:
        return HTMLResponse(fragment_of(self._world))


def fragment_of(world: World) -> str:
    """Everything between the body's tags, as it is now."""
    orders = _latest(world.payments.orders.values())
    refunds = _latest(world.payments.refunds.values())
    users = _latest(world.people.users.values())
    mails = _latest(world.notifier.log.values())
    return (
        f"{_header(world)}<main>"
        + _card(
            "订单", "orders", (_order(world, order) for order in orders),
            "还没有订单。下单后会出现在这里。 · No orders yet; place one and press “pay” here.",
            wide=True,
        )
        + _card("短信", "text messages", map(_sms, _latest(world.sms)),
                "没有短信。验证码会显示在这里。 · Codes sent by SMS will show here.")
        + _card("用户", "users", map(_user, users),
                "还没有用户。 · Nobody is here yet: add a user to sign in with.",
                foot=_button("新用户 · New user", "/_sim/users"))
        + _card("退款", "refunds", map(_refund, refunds), "没有退款。 · No refunds.")
        + _card("通知", "callbacks", map(_notification, mails),
                "还没有发出通知。 · No callbacks sent yet.")
        + _faults(world.faults.active)
        + _card("调用", "latest calls", _calls(world), "没有调用。 · No calls yet.")
        + "</main>"
    )  # fmt: skip


def _header(world: World) -> str:
    steps = "".join(
        _button(f"+{step}", "/_sim/clock", {"advance": step}) for step in ("1m", "30m", "2h", "1d")
    )
    offset = f" (+{int(world.clock.offset)} s)" if world.clock.offset else ""
    ask = "清空所有用户、订单？ · Forget all users and orders?"
    return (
        "<header><h1>微信模拟器<small>WeChat simulator · no money moves</small></h1>"
        f'<span class="clock">{e(_time(world.clock.now()))}{e(offset)}</span>'
        f'<span class="actions">{steps}'
        f"{_button('重置 · Reset', '/_sim/reset', ask=ask)}"
        '<a class="button" href="/_sim/config.json">config.json</a></span></header>'
    )


def _order(world: World, order: Order) -> str:
    payer = world.people.find(order.appid, order.payer_openid or order.openid or "")
    user = world.people.users.get(payer.user_id) if payer else None
    buttons = ""
    if order.state in {"NOTPAY", "USERPAYING", "PAYERROR"}:
        paid = {"out_trade_no": order.out_trade_no}
        buttons = _button(
            "支付 · Pay", "/_sim/pay", paid, main=True, key=f"pay-{order.out_trade_no}"
        )
        buttons += _button("失败 · Fail", "/_sim/pay", {**paid, "result": "fail"})
    return _row(
        f'<span class="amount">{e(yuan(order.total))}</span>'
        + _tag(order.state, STATES[order.state])
        + f'<span class="grow">{e(order.description)}<br><span class="faint">'
        f"<code>{e(order.out_trade_no)}</code> · {e(order.trade_type)} · "
        f"{e(user.nickname if user else '任何人 · anybody')} · {e(_time(order.created_at))}"
        f'</span></span><span class="actions">{buttons}</span>'
    )


def _refund(refund: Refund) -> str:
    url = f"/_sim/refund/{refund.out_refund_no}/result"
    buttons = ""
    if refund.status in {"PROCESSING", "ABNORMAL"}:
        buttons = "".join(
            _button(word, url, {"status": status})
            for word, status in (("成功 · OK", "SUCCESS"), ("异常", "ABNORMAL"), ("关闭", "CLOSED"))
            if status != refund.status
        )
    return _row(
        f'<span class="amount">{e(yuan(refund.amount))}</span>{_tag(refund.status)}'
        f'<span class="grow faint"><code>{e(refund.out_refund_no)}</code> ← '
        f'<code>{e(refund.out_trade_no)}</code></span><span class="actions">{buttons}</span>'
    )


def _user(user: User) -> str:
    phone = shielded(user.phone) if user.phone else "无手机 · no phone"
    return _row(
        f'<span class="grow">{e(user.nickname)} <span class="faint">{e(phone)}</span></span>'
        f"<code>{e(user.id)}</code>"
    )


def _sms(sms: Sms) -> str:
    return _row(
        f'<span class="code">{e(sms.code)}</span><span class="grow">{e(shielded(sms.phone))}'
        f'<br><span class="faint">{e(sms.text)}</span></span>'
        f'<span class="faint">{e(_time(sms.at))}</span>'
    )


def _notification(mail: Notification) -> str:
    last = mail.attempts[-1] if mail.attempts else None
    outcome = f"HTTP {last.status}" if last and last.status else (last.error if last else "…")
    number = mail.resource.get("out_refund_no") or mail.resource.get("out_trade_no")
    return _row(
        f'{_tag(mail.state)}<span class="grow">{e(mail.event_type)} <code>{e(number)}</code><br>'
        f'<span class="faint">{len(mail.attempts)}× · {e(outcome)}'
        f"{e(' · ' + last.fault) if last and last.fault else ''} · {e(_time(mail.created_at))}"
        f"</span></span>{_button('重发 · Resend', f'/_sim/notify/{mail.id}/resend')}"
    )


def _faults(active: list[Fault]) -> str:
    toggles = []
    for label, body in COMMON_FAULTS:
        on = next((f for f in active if f.kind == body["kind"] and f.times is None), None)
        toggles.append(
            _button(label, f"/_sim/faults/{on.id}", method="DELETE", pressed=True)
            if on
            else _button(label, "/_sim/faults", body, pressed=False)
        )
    rows = [
        _row(
            f'<span class="tag bad">{e(fault.kind)}</span><span class="grow faint">'
            f"{e(fault.host or '*')}{e(fault.path or '')} · "
            f"{e('∞' if fault.times is None else fault.times)} left · fired {fault.fired}</span>"
            + _button("关 · Off", f"/_sim/faults/{fault.id}", method="DELETE")
        )
        for fault in active
    ]
    foot = f'<div class="actions" style="margin-top:12px">{"".join(toggles)}</div>'
    calm = "一切正常。 · Nothing goes wrong on purpose."
    return _card("故障", "faults", rows, calm, foot=foot)


def _calls(world: World) -> Iterable[str]:
    last = world.journal.since(max(0, world.journal.last_seq - CALLS_SHOWN))
    for entry in reversed(last):
        code = entry.get("errcode") or entry.get("code") or entry.get("error") or ""
        wrong = bool(code) or entry["status"] is None or entry["status"] >= 400
        number = entry.get("out_refund_no") or entry.get("out_trade_no") or entry.get("user") or ""
        arrow = "→" if entry["direction"] == "in" else "←"
        yield _row(
            f'<span class="grow {"bad-line" if wrong else ""}">{arrow} {e(entry["host"])} '
            f"<code>{e(entry['method'])} {e(entry['path'])}</code>"
            f'<br><span class="faint">{e(entry["status"] or "—")} {e(code)} {e(number)}'
            f" · {e(entry['ms'])} ms</span></span>"
        )


def _card(
    title: str, english: str, rows: Iterable[str], empty: str, *, foot: str = "", wide: bool = False
) -> str:
    body = "".join(rows) or f'<p class="empty">{e(empty)}</p>'
    kind = "card wide" if wide else "card"
    return (
        f'<section class="{kind}"><h2>{e(title)}<small>{e(english)}</small></h2>'
        f"{body}{foot}</section>"
    )


def _row(inner: str) -> str:
    return f'<div class="row">{inner}</div>'


def _tag(state: str, label: str | None = None) -> str:
    mood = "good" if state in GOOD else "bad" if state in BAD else "wait"
    return f'<span class="tag {mood}">{e(label or state)}</span>'


def _button(
    label: str,
    url: str,
    body: dict[str, Any] | None = None,
    *,
    method: str = "POST",
    main: bool = False,
    pressed: bool | None = None,
    ask: str = "",
    key: str = "",
) -> str:
    data = e(orjson.dumps(body or {}).decode())
    return (
        f'<button type="button" data-url="{e(url)}" data-method="{method}" data-body="{data}"'
        f' data-key="{e(key or url + label)}"'
        + (' class="main"' if main else "")
        + ("" if pressed is None else f' aria-pressed="{"true" if pressed else "false"}"')
        + (f' data-ask="{e(ask)}"' if ask else "")
        + f">{e(label)}</button>"
    )


def _latest(values: Reversible[Row]) -> list[Row]:
    return list(islice(reversed(values), SHOWN))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, tz=CHINA).strftime("%m-%d %H:%M:%S")
