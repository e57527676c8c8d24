"""What hangs on orders, by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from domain.rules import Rules, from_document
from models import database
from models.order_rows import ORDER_COLUMNS, ORDER_LINE_COLUMNS


async def order_by_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Record | None]:
    """Return the viewer's own orders by id; another's is None, as one that isn't there."""
    rows = await database.fetch(
        f"SELECT {ORDER_COLUMNS} FROM sales_order AS o WHERE o.id = ANY($1) AND o.member_id = $2",
        ids,
        viewer_id,
    )
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def lines_by_order_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return the lines of orders in their order."""
    rows = await database.fetch(
        f"""
        SELECT {ORDER_LINE_COLUMNS} FROM order_line
        WHERE order_id = ANY($1) ORDER BY order_id, position
        """,
        ids,
    )
    lines: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        lines[row["order_id"]].append(row)
    return [lines[id_] for id_ in ids]


async def events_by_order_id(ids: Sequence[UUID]) -> list[list[Record]]:
    """Return the timelines of orders, oldest step first."""
    rows = await database.fetch(
        """
        SELECT order_id, kind, happened_at FROM order_event
        WHERE order_id = ANY($1) ORDER BY order_id, happened_at, id
        """,
        ids,
    )
    events: defaultdict[UUID, list[Record]] = defaultdict(list)
    for row in rows:
        events[row["order_id"]].append(row)
    return [events[id_] for id_ in ids]


async def payment_by_order_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return the payment that paid each order: a late or second one is a case, not this."""
    rows = await database.fetch(
        """
        SELECT payment.order_id, payment.out_trade_no, payment.transaction_id
        FROM payment
        WHERE payment.order_id = ANY($1) AND payment.status = 'SUCCEEDED'
            AND NOT EXISTS (SELECT FROM payment_case WHERE payment_case.payment_id = payment.id)
        """,
        ids,
    )
    found = {row["order_id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


async def rules_by_version_id(ids: Sequence[UUID]) -> list[Rules]:
    """Return the rules that orders were placed under; a version never changes, so it is kept."""
    unknown = [id_ for id_ in ids if id_ not in _versions]
    if unknown:
        rows = await database.fetch(
            "SELECT id, document FROM rule_version WHERE id = ANY($1)", unknown
        )
        if len(_versions) + len(rows) > MAX_KEPT_VERSIONS:
            _versions.clear()
        _versions.update((row["id"], from_document(row["document"])) for row in rows)
    return [_versions[id_] for id_ in ids]


MAX_KEPT_VERSIONS = 128
"""A brand publishes a handful a year; reading one takes a millisecond."""

_versions: dict[UUID, Rules] = {}


async def store_by_id(ids: Sequence[UUID]) -> list[Record | None]:
    """Return stores by id, open or closed."""
    rows = await database.fetch(
        """
        SELECT id, name, address, phone, latitude, longitude, opening_hours, supports_pickup
        FROM store WHERE id = ANY($1)
        """,
        ids,
    )
    found = {row["id"]: row for row in rows}
    return [found.get(id_) for id_ in ids]


ORDER_COUNTS_COLUMNS = """
    open_orders.awaiting_payment, open_orders.awaiting_shipment, open_orders.awaiting_receipt
"""
ORDER_COUNTS_JOINS = """
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'AWAITING_PAYMENT') AS awaiting_payment,
               count(*) FILTER (WHERE status = 'AWAITING_SHIPMENT') AS awaiting_shipment,
               count(*) FILTER (WHERE status IN ('SHIPPED', 'AWAITING_PICKUP'))
                   AS awaiting_receipt
        FROM sales_order WHERE sales_order.member_id = member.id
    ) AS open_orders
"""
"""A member's orders by where they stand, for a statement that calls the member `member`."""

CART_PIECES_COLUMN = """
    (SELECT coalesce(sum(quantity), 0)::bigint FROM cart_line
     WHERE cart_line.member_id = member.id) AS cart_pieces
"""
"""The pieces in a member's cart, for such a statement."""


async def counts_by_member_id(ids: Sequence[UUID]) -> list[Record]:
    """Count what waits for each member, open orders and cart, in one statement."""
    rows = await database.fetch(
        f"""
        SELECT member.id, {ORDER_COUNTS_COLUMNS}, {CART_PIECES_COLUMN}
        FROM unnest($1::uuid[]) AS member (id) {ORDER_COUNTS_JOINS}
        """,
        ids,
    )
    counts = {row["id"]: row for row in rows}
    return [counts[id_] for id_ in ids]
