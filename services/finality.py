"""When an order is final, and what it earned becomes the member's (docs/rules.md, section 1).

Until then its points and growth are pending. Who closes an order's last open refund later than
that makes it final at that moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from domain.errors import Busy
from domain.ledger import EntryReason, SourceKind
from domain.orders import OrderKind, final_at
from domain.rules import from_document
from models import database
from services import growth, invitations, points
from services.order_locks import lock_with_member

log = structlog.get_logger(__name__)

PUT_OFF = timedelta(minutes=1)
"""How long an order is left alone after a failure."""


async def receive(order_id: UUID, *, at: datetime) -> None:
    """Note that a paid order's goods were received, and when it will be final by its rules.

    Part of the open transaction or one of its own; a second receipt changes nothing.
    """
    async with database.in_transaction():
        order = await database.fetch_one(
            """
            SELECT rule_version.document
            FROM sales_order AS o LEFT JOIN rule_version ON rule_version.id = o.rule_version_id
            WHERE o.id = $1 AND o.paid_at IS NOT NULL AND o.received_at IS NULL
            FOR UPDATE OF o
            """,
            order_id,
        )
        if order is None:
            return
        rules = from_document(order["document"] or {}).orders
        await database.execute(
            """
            UPDATE sales_order SET received_at = $2, final_at = $3, finality_due_at = $3
            WHERE id = $1
            """,
            order_id,
            at,
            final_at(at, rules),
        )


async def open_refund(order_id: UUID) -> None:
    """Keep an order from being final while this refund is open."""
    await database.execute(
        "UPDATE sales_order SET refunds_open = refunds_open + 1 WHERE id = $1", order_id
    )


async def close_refund(order_id: UUID, *, now: datetime) -> None:
    """End what `open_refund` began; an order that only waited for this is final from now on."""
    await database.execute(
        """
        UPDATE sales_order
        SET refunds_open = refunds_open - 1,
            final_at = CASE WHEN finality_due_at IS NULL THEN final_at
                            ELSE greatest(final_at, $2) END,
            finality_due_at = CASE WHEN finality_due_at IS NOT NULL
                                   THEN greatest(final_at, $2) END
        WHERE id = $1
        """,
        order_id,
        now,
    )


async def finalize_due(as_of: datetime, *, limit: int = 500) -> int:
    """Make orders final whose time has come, each by itself; returns how many were looked at.

    One that fails is logged and comes again a minute later. Doing it twice changes nothing. Who is
    killed in the middle leaves the others due, so that the day's next run finds them.
    """
    rows = await database.fetch(_DUE, as_of, limit)
    for row in sorted(rows, key=lambda row: (row["final_at"], row["id"])):
        try:
            await finalize(row["id"], at=row["final_at"])
        except Busy as busy:
            cause = type(busy.__cause__).__name__
            log.warning("sweep_waits_for_postgresql", sweep="finality", cause=cause)
            await _put_off(row["id"], until=as_of + PUT_OFF)
        except Exception:
            log.exception("sweep_piece_failed", sweep="finality", id=str(row["id"]))
            await _put_off(row["id"], until=as_of + PUT_OFF)
    return len(rows)


_DUE = """
SELECT id, final_at FROM sales_order
WHERE finality_due_at <= $1 AND refunds_open = 0
ORDER BY finality_due_at, id LIMIT $2
"""


async def _put_off(order_id: UUID, *, until: datetime) -> None:
    await database.execute(
        "UPDATE sales_order SET finality_due_at = $2 WHERE id = $1 AND finality_due_at < $2",
        order_id,
        until,
    )


async def finalize(order_id: UUID, *, at: datetime) -> bool:
    """Give the member what an order earned and refunds have left, as of an instant.

    A transaction of its own, or part of the open one. False when the order is final already, or a
    refund is open.
    """
    return await database.retrying(lambda: _finalize(order_id, at))


async def _finalize(order_id: UUID, at: datetime) -> bool:
    async with database.in_transaction():
        order = await lock_with_member(order_id)
        if order is None or order["finalized_at"] is not None or order["refunds_open"]:
            return False
        await points.release(order["member_id"], source=(SourceKind.ORDER, order_id), at=at)
        await growth.credit(
            order["member_id"],
            order["growth_earned"] - order["growth_taken"],
            reason=EntryReason.ORDER,
            source=(SourceKind.ORDER_FINALITY, order_id),
            at=at,
            from_pending=True,
        )
        await database.execute(
            "UPDATE sales_order SET finalized_at = $2, finality_due_at = NULL WHERE id = $1",
            order_id,
            at,
        )
        if order["kind"] != OrderKind.REDEMPTION:
            await invitations.first_purchase_final([order["member_id"]], at=at)
        return True
