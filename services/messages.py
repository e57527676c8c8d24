"""The inbox: telling members something once, reading it page by page, and marking it read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import InvalidInput, NotFound
from domain.messages import MessageEvent, check_facts
from models import database
from models.ids import new_id
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


def check_count(ids: Sequence[object]) -> None:
    """Refuse more ids than a page holds.

    Raises:
        InvalidInput
    """
    if len(ids) > MAX_FIRST:
        raise InvalidInput(path=("ids",), problem="At most 100 ids are expected.")
