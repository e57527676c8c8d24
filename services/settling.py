"""Settling: the one way in which money turns an order into a paid one (rules, section 10).

The callback's sweep, the poller, refreshPayment and cancelling all call `settle`. Every write to an
order's payments happens under the order's row lock.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from domain.ledger import (
    AccountKind,
    EntryReason,
    Posting,
    SourceKind,
    Unit,
    member_account,
    system_account,
)
from domain.messages import MessageEvent, check_facts
from domain.orders import (
    CancelReason,
    DeliveryMethod,
    OrderEventKind,
    OrderStatus,
    PaymentCaseKind,
    PaymentStatus,
    paid_status,
)
from domain.payments import (
    PAID_STATES,
    PaymentFacts,
    Transaction,
    Verdict,
    judge,
)
from domain.pricing import Earned
from models import database
from models.ids import new_id, number_code
from services import (
    coupons,
    earning,
    group_seats,
    ledger,
    messages,
    order_events,
    order_undoing,
    payment_cases,
    points,
    stock,
)
from services.group_seats import Lapsed

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What came of telling the book about a transaction."""

    PAID = "PAID"
    KNOWN = "KNOWN"
    CASE = "CASE"
    NOT_PAID = "NOT_PAID"
    UNKNOWN_NUMBER = "UNKNOWN_NUMBER"
    FOREIGN = "FOREIGN"


async def settle(told: Transaction, *, mchid: str, now: datetime) -> Outcome:
    """Bring the book up to what WeChat says; any number of callers, one effect."""
    if told.state not in PAID_STATES:
        return Outcome.NOT_PAID

    async def once() -> Outcome:
        async with database.in_transaction():
            return await _settle(told, mchid, now)

    return await database.retrying(once)


async def settle_free(order_id: UUID, *, now: datetime) -> None:
    """Pay an order of 0 fen, in the transaction that places it; WeChat isn't asked."""
    order = await database.fetch_one(
        f"SELECT {_COLUMNS} FROM sales_order AS o WHERE o.id = $1 FOR UPDATE", order_id
    )
    assert order is not None
    assert order["payable_fen"] == 0, "only a free order is paid without WeChat"
    await _pay(order, None, now=now, paid_at=now)


_COLUMNS = f"{order_undoing.COLUMNS}, o.delivery, o.payable_fen, o.order_no"


async def _settle(told: Transaction, mchid: str, now: datetime) -> Outcome:
    row = await database.fetch_one(
        f"""
        SELECT {_COLUMNS}, p.id AS payment_id, p.appid, p.out_trade_no, p.amount_fen,
               p.status AS payment_status
        FROM sales_order AS o JOIN payment AS p ON p.order_id = o.id
        WHERE p.out_trade_no = $1
        FOR UPDATE OF o, p
        """,
        told.out_trade_no,
    )
    if row is None:
        log.warning("settle_unknown_number", transaction_id=told.transaction_id)
        return Outcome.UNKNOWN_NUMBER
    # Both are locked, and so are read as they are after whatever we waited for.
    verdict = judge(told, _facts(row, mchid))
    if verdict is Verdict.KNOWN:
        return Outcome.KNOWN
    if verdict is Verdict.FOREIGN:
        log.error("settle_foreign_transaction", order_no=row["order_no"])
        return Outcome.FOREIGN
    if verdict is Verdict.PAY:
        return await _pay(row, told, now=now, paid_at=told.paid_at or now)
    assert isinstance(verdict, PaymentCaseKind)
    await _open_case(row, told, verdict, now)
    return Outcome.CASE


async def _open_case(row: Any, told: Transaction, kind: PaymentCaseKind, now: datetime) -> None:
    """Write that money came which can't pay for its order; it goes back whole."""
    assert told.transaction_id is not None, "what was paid has a number"
    assert told.amount_fen is not None, "what was paid has an amount"
    await _mark_succeeded(row["payment_id"], told, now)
    await payment_cases.open_case(
        row["id"],
        row["payment_id"],
        kind,
        transaction_id=told.transaction_id,
        amount_fen=told.amount_fen,
        now=now,
    )


def _facts(row: Any, mchid: str) -> PaymentFacts:
    return PaymentFacts(
        mchid=mchid,
        appid=row["appid"],
        out_trade_no=row["out_trade_no"],
        amount_fen=row["amount_fen"],
        payable_fen=row["payable_fen"],
        payment_status=PaymentStatus(row["payment_status"]),
        order_status=OrderStatus(row["status"]),
    )


async def _mark_succeeded(payment_id: UUID, told: Transaction, now: datetime) -> None:
    await database.execute(
        """
        UPDATE payment SET status = 'SUCCEEDED', transaction_id = $2, paid_at = $3,
                           query_due_at = NULL, updated_at = $4
        WHERE id = $1
        """,
        payment_id,
        told.transaction_id,
        told.paid_at or now,
        now,
    )


async def _pay(
    order: Any, told: Transaction | None, *, now: datetime, paid_at: datetime
) -> Outcome:
    """Move the order with its payment, coupons, stock, and what it earns, under the order's lock.

    A free order has no payment: `told` is None. Money for a seat that is gone goes back whole.
    """
    status = paid_status(DeliveryMethod(order["delivery"]))
    seat = await group_seats.confirm(order, now=now) if order["team_id"] is not None else None
    if isinstance(seat, Lapsed):
        await _call_off(order, told, seat.reason, now)
        return Outcome.CASE
    if seat is not None and not seat.is_complete:
        status = OrderStatus.AWAITING_TEAM
    lines = await _lines(order["id"])
    earned = await earning.of_lines(lines, paid_at=paid_at)
    moved = await database.execute(
        _PAID,
        order["id"],
        status,
        paid_at,
        earned.points,
        earned.growth,
        number_code(8) if status is OrderStatus.AWAITING_PICKUP else None,
        order["payment_id"] if told else None,
        told.transaction_id if told else None,
        now,
        new_id(),
        OrderEventKind.PAID,
        *_message(order),
    )
    assert moved == 1, "the order's lock is held and its status was read under it"
    if seat is not None and seat.is_complete:
        await order_events.add(order["id"], OrderEventKind.TEAM_COMPLETED, now)
    if order["has_coupons"]:
        await coupons.use(order["id"], now=now)
    await stock.sell_reserved(order["id"], now=now)
    await _book(order, earned, now)
    return Outcome.PAID


async def _call_off(
    order: Any, told: Transaction | None, reason: CancelReason, now: datetime
) -> None:
    """Cancel an order whose seat is gone, and have its money sent back.

    Nobody here has a gate to tell of the pieces: it finds them when it next compares.
    """
    await order_undoing.undo(order, reason, now=now)
    if told is not None:
        await _open_case(order, told, PaymentCaseKind.SEAT_LAPSED, now)


def _message(order: Any) -> tuple[Any, ...]:
    """Return the values of the message that tells the member that their money has come."""
    facts = {"order_no": order["order_no"], "payable_fen": order["payable_fen"]}
    check_facts(MessageEvent.ORDER_PAID, facts)
    link = f"pages/order/index?id={order['id']}"
    return (
        new_id(),
        order["member_id"],
        MessageEvent.ORDER_PAID,
        database.to_json(facts),
        link,
    )


# Of a free order nothing was received, and so nothing is told.
_TOLD = messages.TELL_ONE.format(
    id="$12",
    member_id="$13",
    event="$14",
    source_id="$1",
    facts="$15",
    link="$16",
    at="$9",
    condition="$7::uuid IS NOT NULL",
)

_PAID = f"""
WITH payment AS (
    UPDATE payment SET status = 'SUCCEEDED', transaction_id = $8, paid_at = $3,
                       query_due_at = NULL, updated_at = $9
    WHERE id = $7
), event AS (
    {order_events.ADD_EVENT.format(id="$10", order_id="$1", kind="$11", at="$3")}
), told AS (
    {_TOLD}
)
UPDATE sales_order
SET status = $2, paid_fen = payable_fen, paid_at = $3, timeout_due_at = NULL,
    points_earned = $4, growth_earned = $5, pickup_code = $6,
    events_due_at = CASE WHEN kind <> 'REDEMPTION' AND $2::varchar <> 'AWAITING_TEAM' THEN $9 END
WHERE id = $1 AND status = 'AWAITING_PAYMENT'
"""


async def _lines(order_id: UUID) -> list[Any]:
    return await database.fetch(
        """
        SELECT line.id, line.units, sales_order.kind,
               member.tier_code, member.birthday, member.joined_at
        FROM order_line AS line
        JOIN sales_order ON sales_order.id = line.order_id
        JOIN member ON member.id = sales_order.member_id
        WHERE line.order_id = $1
        ORDER BY line.position
        """,
        order_id,
    )


async def _book(order: Any, earned: Earned, now: datetime) -> None:
    """Book pending points with their lot, and the growth to be."""
    source = (SourceKind.ORDER, order["id"])
    member_id = order["member_id"]
    await points.book_pending(
        member_id, earned.points, reason=EntryReason.ORDER, source=source, now=now
    )
    if earned.growth:
        growth = Posting(
            debit=system_account(AccountKind.GROWTH_ISSUED),
            credit=member_account(member_id, AccountKind.GROWTH_PENDING),
            amount=earned.growth,
        )
        await ledger.post(
            [growth], unit=Unit.GROWTH, reason=EntryReason.ORDER, source=source, now=now
        )
