"""An order's timeline: what became of it, step by step."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.orders import OrderEventKind
from models import database
from models.ids import new_id

ADD_EVENT = """
INSERT INTO order_event (id, order_id, kind, happened_at)
SELECT {id}, {order_id}, {kind}, greatest({at}, max(happened_at))
FROM order_event WHERE order_id = {order_id}
"""
"""`add` as a part of the caller's own statement."""


async def add(order_id: UUID, kind: OrderEventKind, at: datetime) -> None:
    """Put a step on an order's timeline, not before the last one: WeChat's times are in seconds."""
    await database.execute(
        ADD_EVENT.format(id="$1", order_id="$2", kind="$3", at="$4"),
        new_id(),
        order_id,
        kind,
        at,
    )
