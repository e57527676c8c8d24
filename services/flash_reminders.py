"""Reminders: who asked for one hears a few minutes before they may claim."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.clock import SHANGHAI
from domain.errors import AccountBlocked, NotAllowed, NotFound
from domain.flash_sales import opens_at
from domain.members import MemberStatus
from domain.messages import MessageEvent
from domain.rules import Rules
from models import database
from models.ids import new_id
from services import messages
from services import rules as rule_versions

BEFORE = timedelta(minutes=5)
"""How long before the member's own start they are reminded."""

STALE_AFTER = timedelta(minutes=5)
"""So long after the start nobody is told any more that it comes."""


async def set_reminder(member_id: UUID, item_id: UUID, on: bool, *, now: datetime) -> None:
    """Have a member reminded of an item, or no longer; doing it again changes nothing.

    Raises:
        AccountBlocked: the account isn't active.
        NotFound: there is no such item that anybody may see.
        NotAllowed: the member may claim it already, or it is over.
    """
    row = await database.fetch_one(
        """
        SELECT member.status, member.tier_code, sale.state, sale.starts_at
        FROM member
        LEFT JOIN flash_sale_item AS item ON item.id = $1
        LEFT JOIN flash_sale AS sale ON sale.id = item.sale_id AND sale.state <> 'DRAFT'
        WHERE member.id = $2
        """,
        item_id,
        member_id,
    )
    if row is None or row["status"] != MemberStatus.ACTIVE:
        raise AccountBlocked
    if row["state"] is None:
        raise NotFound(thing="flash sale item", path=("itemId",))
    if not on:
        await database.execute(
            "DELETE FROM flash_reminder WHERE item_id = $1 AND member_id = $2", item_id, member_id
        )
        return
    rules = (await rule_versions.in_force(now=now)).rules
    has_begun = now >= opens_at(row["starts_at"], rules.tier(row["tier_code"]))
    if has_begun or row["state"] not in ("PUBLISHED", "PAUSED"):
        raise NotAllowed(path=("itemId",))
    await database.execute(
        """
        INSERT INTO flash_reminder (id, item_id, member_id) VALUES ($1, $2, $3)
        ON CONFLICT (item_id, member_id) DO NOTHING
        """,
        new_id(),
        item_id,
        member_id,
    )


async def remind_due(*, now: datetime, limit: int = 1_000) -> int:
    """Tell a batch of members of sales that open to them soon; returns how many, 0 at the end.

    Who asked for several items of a sale is told once.
    """
    rules = (await rule_versions.in_force(now=now)).rules
    return await database.retrying(lambda: _remind(rules, now, limit))


async def _remind(rules: Rules, now: datetime, limit: int) -> int:
    async with database.in_transaction():
        rows = await database.fetch(
            _DUE,
            now + BEFORE,
            [tier.code for tier in rules.tiers],
            [tier.priority_minutes for tier in rules.tiers],
            now + BEFORE + timedelta(minutes=max(tier.priority_minutes for tier in rules.tiers)),
            limit,
        )
        if not rows:
            return 0
        await database.execute(
            "UPDATE flash_reminder SET told_at = $2 WHERE id = ANY($1)",
            [row["id"] for row in rows],
            now,
        )
        groups: defaultdict[tuple[UUID, datetime], list[Any]] = defaultdict(list)
        for row in rows:
            if row["is_active"] and now < row["opens_at"] + STALE_AFTER:
                groups[row["sale_id"], row["opens_at"]].append(row)
        for (sale_id, start), group in groups.items():
            await _tell(sale_id, start, group, now)
        return len(rows)


_DUE = """
SELECT reminder.id, reminder.member_id, item.sale_id, sale.name, sale.name_en,
       member.status = 'ACTIVE' AS is_active,
       sale.starts_at - early.minutes * interval '1 minute' AS opens_at
FROM flash_sale AS sale
JOIN flash_sale_item AS item ON item.sale_id = sale.id
JOIN flash_reminder AS reminder ON reminder.item_id = item.id AND reminder.told_at IS NULL
JOIN member ON member.id = reminder.member_id
CROSS JOIN LATERAL (
    SELECT coalesce(max(tier.minutes), 0) AS minutes
    FROM unnest($2::text[], $3::int[]) AS tier (code, minutes)
    WHERE tier.code = member.tier_code
) AS early
WHERE sale.state = 'PUBLISHED' AND sale.starts_at <= $4
  AND sale.starts_at - early.minutes * interval '1 minute' <= $1
ORDER BY reminder.id LIMIT $5
FOR UPDATE OF reminder SKIP LOCKED
"""


async def _tell(sale_id: UUID, start: datetime, group: list[Any], now: datetime) -> None:
    sale = group[0]
    await messages.tell(
        [row["member_id"] for row in group],
        MessageEvent.FLASH_SALE_STARTS,
        source_id=sale_id,
        facts={
            "sale": sale["name"],
            "sale_en": sale["name_en"] or sale["name"],
            "time": f"{start.astimezone(SHANGHAI):%H:%M}",
        },
        link=f"pages/flash-sale/index?id={sale_id}",
        now=now,
    )
