"""Due work of payments: each function does one batch and returns how many it took on.

A batch is leased (`due_work`), and then each piece of it is done by itself, without a transaction
around a remote call.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from domain.errors import DomainError, WechatUnavailable
from domain.orders import (
    PAYS_BACK_AN_ORDER,
    CancelReason,
    OrderEventKind,
    OrderStatus,
    PaymentCaseKind,
    PaymentCaseStatus,
    PaymentStatus,
)
from domain.payments import (
    OVER_STATES,
    PAID_STATES,
    OrderAlreadyPaid,
    RefundNotice,
    RefundRequest,
    RefundState,
    TradeState,
    Transaction,
    WechatPayRefused,
    next_query,
    retry_pause,
)
from models import database
from services import order_events, settling
from services.cancelling import Gate, cancel_unpaid
from services.due_work import each, lease
from services.paying import close_at_wechat
from services.payment_gateway import PaymentGateway

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = 30
"""An event of the inbox that fails this often is left for a person, and stays unprocessed."""


async def settle_inbox(pay: PaymentGateway, *, now: datetime, limit: int = 50) -> int:
    """Act on notifications that were stored.

    Those that are done are written down together: one that is acted on again after a crash changes
    nothing.
    """
    rows = await lease("wechat_event", "due_at", "row.body, row.attempts", now=now, limit=limit)
    done: list[UUID] = []

    async def work(row: Any) -> None:
        try:
            await _act_on(pay.read(row["body"]), pay, now=now)
        except Exception:
            await _postpone_event(row["id"], row["attempts"], now=now)
            raise
        done.append(row["id"])

    # One after the other, as they came: the first of two payments is the one that counts.
    rows.sort(key=lambda row: row["id"])
    taken = await each("inbox", rows, work, at_once=1)
    if done:
        await database.execute(
            "UPDATE wechat_event SET processed_at = $2, due_at = NULL WHERE id = ANY($1)", done, now
        )
    return taken


async def _act_on(
    news: Transaction | RefundNotice | None, pay: PaymentGateway, *, now: datetime
) -> None:
    if isinstance(news, Transaction):
        await settling.settle(news, mchid=pay.mchid, now=now)
    elif isinstance(news, RefundNotice):
        await _hurry_case(news.out_refund_no, now=now)


async def _postpone_event(event_id: UUID, attempts: int, *, now: datetime) -> None:
    due_at = None if attempts + 1 >= GIVE_UP_AFTER else now + retry_pause(attempts)
    if due_at is None:
        log.error("inbox_event_needs_a_person", id=str(event_id))
    await database.execute(
        "UPDATE wechat_event SET attempts = attempts + 1, due_at = $2 WHERE id = $1",
        event_id,
        due_at,
    )


async def query_payments(pay: PaymentGateway, *, now: datetime, limit: int = 50) -> int:
    """Ask WeChat about attempts whose callback has not come: it may be lost.

    A number that nobody waits for any more, but that WeChat would still take money for, is closed
    there: its order was paid by another number, or the closing had come before the prepay call.
    """
    rows = await lease(
        "payment",
        "query_due_at",
        "row.order_id, row.out_trade_no, row.status, row.queries",
        now=now,
        limit=limit,
    )

    async def work(row: Any) -> None:
        told = await pay.query(row["out_trade_no"])
        if told is not None and told.state in PAID_STATES:
            await settling.settle(told, mchid=pay.mchid, now=now)
            return
        is_paying = told is not None and told.state is TradeState.USERPAYING
        is_over = told is not None and told.state in OVER_STATES
        if is_paying or not (is_over or await _is_done_with(row)):
            await _ask_later(row["id"], row["queries"], now=now)
            return
        if told is not None and not is_over:
            await close_at_wechat(row["out_trade_no"], pay, now=now)
        await _close_and_stop(row["id"], now=now)

    return await each("payments", rows, work)


async def _is_done_with(attempt: Any) -> bool:
    """Tell whether we want no money for this number: it is closed, or its order awaits none."""
    if attempt["status"] == PaymentStatus.CLOSED:
        return True
    status = await database.fetch_value(
        "SELECT status FROM sales_order WHERE id = $1", attempt["order_id"]
    )
    return bool(status != OrderStatus.AWAITING_PAYMENT)


async def _close_and_stop(payment_id: UUID, *, now: datetime) -> None:
    await database.execute(
        """
        UPDATE payment SET status = 'CLOSED', query_due_at = NULL, updated_at = $2
        WHERE id = $1 AND status <> 'SUCCEEDED'
        """,
        payment_id,
        now,
    )


async def _ask_later(payment_id: UUID, queries: int, *, now: datetime) -> None:
    await database.execute(
        """
        UPDATE payment SET queries = queries + 1, query_due_at = $2
        WHERE id = $1 AND status <> 'SUCCEEDED'
        """,
        payment_id,
        now + next_query(queries + 1),
    )


async def cancel_overdue(pay: PaymentGateway, gate: Gate, *, now: datetime, limit: int = 30) -> int:
    """Cancel orders whose time to pay is up; one that WeChat can't tell of is tried again."""
    rows = await lease("sales_order", "timeout_due_at", "row.order_no", now=now, limit=limit)

    async def work(row: Any) -> None:
        try:
            await cancel_unpaid(row["id"], pay, gate, reason=CancelReason.TIMEOUT, now=now)
        except (OrderAlreadyPaid, WechatUnavailable):
            raise
        except DomainError as error:
            log.info("overdue_order_waits", order_no=row["order_no"], code=error.code)

    return await each("timeouts", rows, work)


async def refund_cases(pay: PaymentGateway, *, now: datetime, limit: int = 20) -> int:
    """Send money of payment cases back, and follow each refund until it is there."""
    rows = await lease(
        "payment_case",
        "refund_due_at",
        "row.order_id, row.payment_id, row.status, row.kind, row.out_refund_no, row.amount_fen,"
        " row.attempts",
        now=now,
        limit=limit,
    )

    async def work(row: Any) -> None:
        state = await _refund_state(row, pay)
        await _write_refund(row, state, now=now)

    return await each("cases", rows, work)


_REFUND_REASONS = {
    PaymentCaseKind.PAID_AFTER_CANCEL: "重复或超时支付退款",
    PaymentCaseKind.PAID_TWICE: "重复或超时支付退款",
    PaymentCaseKind.AMOUNT_MISMATCH: "重复或超时支付退款",
    PaymentCaseKind.REDEMPTION_CANCELLED: "取消兑换退款",
    PaymentCaseKind.GROUP_BUY_FAILED: "拼团未成退款",
    PaymentCaseKind.SEAT_LAPSED: "拼团名额已失效退款",
}
"""What WeChat tells the member of a refund."""


async def _refund_state(case: Any, pay: PaymentGateway) -> RefundState | None:
    """Ask for the refund or how it stands, always by its one number; None when it was refused."""
    if case["status"] == PaymentCaseStatus.REFUNDING:
        state = await pay.query_refund(case["out_refund_no"])
        if state is not None:
            return state
    out_trade_no = await database.fetch_value(
        "SELECT out_trade_no FROM payment WHERE id = $1", case["payment_id"]
    )
    request = RefundRequest(
        out_refund_no=case["out_refund_no"],
        out_trade_no=out_trade_no,
        refund_fen=case["amount_fen"],
        total_fen=case["amount_fen"],
        reason=_REFUND_REASONS[PaymentCaseKind(case["kind"])],
    )
    try:
        return await pay.refund(request)
    except WechatPayRefused as refused:
        log.warning("case_refund_refused", reason=refused.reason, code=refused.code)
        return None


async def _write_refund(case: Any, state: RefundState | None, *, now: datetime) -> None:
    """Write where the refund stands; what is not there yet is looked at again later.

    CLOSED is a refund that failed: like an ABNORMAL one it waits for a person, under its number.
    """
    if state is RefundState.SUCCESS:
        await _close_case(case, now=now)
        return
    status = PaymentCaseStatus.OPEN
    if state is RefundState.PROCESSING:
        status = PaymentCaseStatus.REFUNDING
    elif state is not None:
        status = PaymentCaseStatus.ABNORMAL
        log.error("case_refund_needs_a_person", order_id=str(case["order_id"]), state=state)
    await database.execute(
        """
        UPDATE payment_case SET status = $2, attempts = attempts + 1, refund_due_at = $3
        WHERE id = $1 AND status <> 'REFUNDED'
        """,
        case["id"],
        status,
        now + retry_pause(case["attempts"]),
    )


async def _close_case(case: Any, *, now: datetime) -> None:
    async with database.in_transaction():
        closed = await database.execute(
            """
            UPDATE payment_case SET status = 'REFUNDED', closed_at = $2, refund_due_at = NULL
            WHERE id = $1 AND status <> 'REFUNDED'
            """,
            case["id"],
            now,
        )
        # An order that was paid and then reversed stands as refunded since then.
        if closed and case["kind"] not in PAYS_BACK_AN_ORDER:
            await order_events.add(case["order_id"], OrderEventKind.REFUNDED, now)


async def _hurry_case(out_refund_no: str, *, now: datetime) -> None:
    await database.execute(
        """
        UPDATE payment_case SET refund_due_at = $2
        WHERE out_refund_no = $1 AND refund_due_at IS NOT NULL
        """,
        out_refund_no,
        now,
    )
