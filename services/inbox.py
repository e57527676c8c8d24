"""The callback inbox: verify, store, answer; a sweep settles (rules, sections 0 and 10)."""

from __future__ import annotations

from datetime import datetime

from models import database
from models.ids import new_id

CHANNEL = "wechat_inbox"
"""PostgreSQL tells the workers of a new row on this channel, so that none waits for the clock."""


async def store(notification_id: str, event_type: str, body: bytes, *, now: datetime) -> bool:
    """Keep a verified notification; the same id again is a no-op. Returns whether it is new."""
    stored = await database.fetch_value(
        """
        WITH stored AS (
            INSERT INTO wechat_event (id, notification_id, event_type, body, received_at, due_at,
                                      attempts)
            VALUES ($1, $2, $3, $4, $5, $5, 0)
            ON CONFLICT (notification_id) DO NOTHING
            RETURNING id
        )
        SELECT count(pg_notify($6, '')) FROM stored
        """,
        new_id(),
        notification_id,
        event_type,
        body,
        now,
        CHANNEL,
    )
    return bool(stored)
