"""The inbox: telling members something once, reading it page by page, and forgetting it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.clock import business_day, same_day_months_later, start_of_business_day
from domain.errors import InvalidInput, NotFound
from domain.messages import MessageEvent, check_facts
from models import database
from models.ids import new_id
from services import rules as rule_versions
from services.pages import MAX_FIRST, Page, PageRequest, make_page


async def tell(
    member_ids: Sequence[UUID],
    event: MessageEvent,
    *,
    source_id: UUID,
    facts: Mapping[str, object],
    link: str | None = None,
    now: datetime,
) -> int:
    """Write the same message to members, as part of the open transaction if there is one.

    `source_id` is what it tells of: who has heard of it already hears nothing again. `facts` are
    those that the event's text needs (`domain.messages.FACTS`). Returns how many were told.
    """
    check_facts(event, facts)
    ids = list(dict.fromkeys(member_ids))
    if not ids:
        return 0
    return await database.execute(
        """
        INSERT INTO message (id, member_id, event, source_id, facts, link, created_at)
        SELECT line.id, line.member_id, $3, $4, $5::jsonb, $6, $7
        FROM unnest($1::uuid[], $2::uuid[]) AS line (id, member_id)
        ON CONFLICT (member_id, event, source_id) DO NOTHING
        """,
        [new_id() for _ in ids],
        ids,
        event,
        source_id,
        database.to_json(dict(facts)),
        link,
        now,
    )


TELL_ONE = """
INSERT INTO message (id, member_id, event, source_id, facts, link, created_at)
SELECT {id}::uuid, {member_id}::uuid, {event}, {source_id}::uuid, {facts}::jsonb, {link}, {at}
WHERE {condition}
ON CONFLICT (member_id, event, source_id) DO NOTHING
"""
"""`tell` as a part of the caller's own statement, for one member and if a condition holds."""


async def inbox(member_id: UUID, request: PageRequest) -> Page[Any]:
    """Return a page of a member's messages, newest first."""
    at, id_ = request.after or (None, None)
    rows = await database.fetch(
        """
        SELECT id, event, facts, link, read_at, created_at FROM message
        WHERE member_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $4
        """,
        member_id,
        at,
        id_,
        request.limit,
    )

    async def count() -> int:
        return int(
            await database.fetch_value(
                "SELECT count(*) FROM message WHERE member_id = $1", member_id
            )
        )

    return make_page(request, rows, lambda row: (row["created_at"], row["id"]), count)


async def mark_read(member_id: UUID, ids: Sequence[UUID] | None, *, now: datetime) -> None:
    """Mark a member's messages as read: these, or all of them without `ids`.

    Raises:
        NotFound: one of them isn't theirs; nothing is marked.
    """
    async with database.in_transaction():
        if ids is not None:
            await _require_own(member_id, ids)
        await database.execute(
            """
            UPDATE message SET read_at = $3
            WHERE member_id = $1 AND read_at IS NULL AND ($2::uuid[] IS NULL OR id = ANY($2))
            """,
            member_id,
            None if ids is None else list(ids),
            now,
        )


async def _require_own(member_id: UUID, ids: Sequence[UUID]) -> None:
    rows = await database.fetch(
        "SELECT id FROM message WHERE member_id = $1 AND id = ANY($2)", member_id, list(ids)
    )
    own = {row["id"] for row in rows}
    for index, id_ in enumerate(ids):
        if id_ not in own:
            raise NotFound(thing="message", path=("ids", index))


async def forget_old(as_of: datetime, *, limit: int = 2_000) -> int:
    """Drop messages that are older than the rules keep them, read or not; returns how many."""
    months = (await rule_versions.in_force(now=as_of)).rules.messages.keep_months
    return await database.execute(
        """
        DELETE FROM message WHERE id IN (
            SELECT id FROM message WHERE created_at < $1
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        start_of_business_day(same_day_months_later(business_day(as_of), -months)),
        limit,
    )


def check_count(ids: Sequence[object]) -> None:
    """Refuse more ids than a page holds.

    Raises:
        InvalidInput
    """
    if len(ids) > MAX_FIRST:
        raise InvalidInput(path=("ids",), problem="At most 100 ids are expected.")
