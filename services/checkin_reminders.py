"""Reminding members in the evening of a streak that ends with the day (rules, section 3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from domain.clock import business_day
from domain.messages import MessageEvent
from domain.rules import Rules
from models import database
from services import messages
from services import rules as rule_versions

_REMINDERS = UUID("0197a9c5-0000-7000-8000-000000000001")
"""Of what a reminder tells: made from this and the day."""

LINK = "pages/check-in/index"
"""The page of the mini-program where members check in."""


def hour(rules: Rules) -> int:
    """Return from which hour on, in Shanghai, members are reminded."""
    return rules.messages.check_in_reminder_hour


async def remind_due(now: datetime, *, limit: int = 2_000) -> int:
    """Tell members who checked in up to yesterday but not today; returns how many, 0 at the end.

    Once a day, and only of a streak that is as long as the rules ask for.
    """
    rules = (await rule_versions.in_force(now=now)).rules.messages
    today = business_day(now)
    begun_by = today - timedelta(days=rules.check_in_reminder_streak)

    async def batch() -> int:
        async with database.in_transaction():
            return await messages.tell(
                await _about_to_lose(today, begun_by, limit),
                MessageEvent.CHECK_IN_REMINDER,
                source_id=_source_of(today),
                facts={},
                link=LINK,
                now=now,
            )

    return await database.retrying(batch)


def _source_of(today: date) -> UUID:
    return uuid5(_REMINDERS, today.isoformat())


async def _about_to_lose(today: date, begun_by: date, limit: int) -> list[UUID]:
    """Return whose streak began by a day and ends with today, those who weren't told yet."""
    rows = await database.fetch(
        """
        SELECT latest.member_id FROM check_in AS latest
        JOIN member ON member.id = latest.member_id
        WHERE latest.day = $1 AND NOT latest.merged AND latest.run_start <= $2
          AND member.status = 'ACTIVE' AND member.joined_at IS NOT NULL
          AND member.leaves_at IS NULL
          AND NOT EXISTS (
              SELECT FROM check_in AS own
              WHERE own.member_id = latest.member_id AND own.day = $3 AND NOT own.merged
          )
          AND NOT EXISTS (
              SELECT FROM message
              WHERE message.member_id = latest.member_id AND message.source_id = $4
                AND message.event = 'CHECK_IN_REMINDER'
          )
        ORDER BY latest.member_id LIMIT $5
        """,
        today - timedelta(days=1),
        begun_by,
        today,
        _source_of(today),
        limit,
    )
    return [row["member_id"] for row in rows]
