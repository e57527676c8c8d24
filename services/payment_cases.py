"""Money that goes back whole: each case is one refund under one number, sent by a sweep."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from domain.orders import PaymentCaseKind, PaymentCaseStatus
from models import database
from models.ids import new_id
from services import queue

log = structlog.get_logger(__name__)


async def open_case(
    order_id: UUID,
    payment_id: UUID,
    kind: PaymentCaseKind,
    *,
    transaction_id: str,
    amount_fen: int,
    now: datetime,
) -> None:
    """Record money of a payment that goes back whole; its refund is due at once."""
    case_id = new_id()
    await database.execute(
        """
        INSERT INTO payment_case (id, order_id, payment_id, kind, status, transaction_id,
                                  amount_fen, out_refund_no, refund_due_at, attempts, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $9)
        ON CONFLICT (transaction_id) DO NOTHING
        """,
        case_id,
        order_id,
        payment_id,
        kind,
        PaymentCaseStatus.OPEN,
        transaction_id,
        amount_fen,
        f"C{case_id.hex}",
        now,
    )
    await queue.enqueue("payment_case.opened", case_id=str(case_id))
    log.warning("payment_case_opened", kind=kind, order_id=str(order_id))


async def send_back(
    order_id: UUID, kind: PaymentCaseKind, *, amount_fen: int, now: datetime
) -> None:
    """Have all that was paid for an order sent back, after its reversal; nothing if that was 0."""
    if amount_fen == 0:
        return
    payment = await database.fetch_one(
        """
        SELECT id, transaction_id, amount_fen FROM payment
        WHERE order_id = $1 AND status = 'SUCCEEDED'
          AND NOT EXISTS (SELECT FROM payment_case WHERE payment_case.payment_id = payment.id)
        """,
        order_id,
    )
    assert payment is not None, "what is refunded was paid"
    assert payment["amount_fen"] == amount_fen, "all of it is refunded"
    await open_case(
        order_id,
        payment["id"],
        kind,
        transaction_id=payment["transaction_id"],
        amount_fen=amount_fen,
        now=now,
    )
