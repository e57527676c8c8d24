"""Live updates: who follows a thing hears that it has changed, and then reads it.

News says what has changed and never how. It may be told twice, late or not at all: whoever follows
something looks at it every `LOOK_EVERY_SECONDS` by themselves, and tells nothing twice. So no fact
depends on Redis, and a worker that dies takes nothing with it but a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.news import NewsKind
from models import database

LOOK_EVERY_SECONDS = 15.0
"""How late the end of a silence may be: when Redis is away, or news was lost on its way."""

BATCH = 500


class Topic(NamedTuple):
    """A thing that can be followed."""

    kind: NewsKind
    id: str


class Bell(Protocol):
    """Rings for one follower of a topic."""

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, or for so long. What rang since the last wait counts as one."""


class NewsLine(Protocol):
    """Carries news from whoever changes something to all processes where somebody follows it."""

    def follow(self, topic: Topic) -> AbstractContextManager[Bell]:
        """Make a bell that rings in the block; also whenever news may have been missed."""

    async def tell(self, topics: Sequence[Topic]) -> None:
        """Ring the bells of these topics everywhere. Never fails; what it can't tell is lost."""


async def relay_due(line: NewsLine, *, now: datetime, limit: int = BATCH) -> int:
    """Tell a batch of the outbox; returns how many rows it took, 0 when none is left.

    They are taken first: news that a dying worker takes along is noticed by looking.
    """
    rows = await database.fetch(_TAKE, now, limit)
    told = dict.fromkeys(Topic(NewsKind(row["kind"]), str(row["object_id"])) for row in rows)
    if told:
        await line.tell(list(told))
    return len(rows)


_TAKE = """
WITH batch AS (
    SELECT id FROM news WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM news USING batch WHERE news.id = batch.id RETURNING news.kind, news.object_id
"""


async def order_stamp(member_id: UUID, order_id: UUID) -> Any | None:
    """Return what is another value once anything that a member's order shows has changed.

    None when it isn't theirs, or isn't there.
    """
    return await database.fetch_one(_ORDER_STAMP, order_id, member_id)


_ORDER_STAMP = """
SELECT status, payable_fen, paid_fen, refunded_fen, address_encrypted, final_at,
       (SELECT coalesce(sum(refunded_quantity), 0) FROM order_line
        WHERE order_id = "order".id) AS pieces_refunded,
       (SELECT count(*) FROM order_event WHERE order_id = "order".id) AS steps
FROM sales_order AS "order" WHERE id = $1 AND member_id = $2
"""


async def team_stamp(team_id: UUID) -> Any | None:
    """Return what is another value once a team's status or seats have changed; None without one."""
    return await database.fetch_one(_TEAM_STAMP, team_id)


_TEAM_STAMP = """
SELECT status, (SELECT string_agg(position || ' ' || member_id || ' ' || seat.status, ','
                                  ORDER BY position)
                FROM group_buy_seat AS seat WHERE team_id = team.id) AS seats
FROM group_buy_team AS team WHERE id = $1
"""
