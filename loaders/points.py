"""Members' points and growth, read by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record

from models import database


@dataclass(slots=True)
class PointsSummary:
    """What a member has: `balance` counts living lots only; `expiring` is (points, when)."""

    balance: int
    pending: int
    debt: int
    growth: int
    lifetime_earned: int
    expiring: list[tuple[int, datetime]]


POINTS_COLUMNS = """
    accounts.pending, accounts.debt, accounts.growth,
    lots.living, lots.earned, lots.points, lots.expiries
"""
POINTS_JOINS = """
    CROSS JOIN LATERAL (
        SELECT coalesce(max(balance) FILTER (WHERE kind = 'PENDING'), 0) AS pending,
               coalesce(max(balance) FILTER (WHERE kind = 'DEBT'), 0) AS debt,
               coalesce(max(balance) FILTER (WHERE kind = 'GROWTH'), 0) AS growth
        FROM ledger_account WHERE ledger_account.member_id = member.id
    ) AS accounts
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(day.points) FILTER (WHERE expires_at > $2), 0)::bigint AS living,
               coalesce(sum(day.earned), 0)::bigint AS earned,
               array_agg(day.points::bigint ORDER BY expires_at)
                   FILTER (WHERE expires_at > $2 AND day.points > 0) AS points,
               array_agg(expires_at ORDER BY expires_at)
                   FILTER (WHERE expires_at > $2 AND day.points > 0) AS expiries
        FROM (
            SELECT expires_at,
                   sum(remaining) FILTER (WHERE written_off_at IS NULL) AS points,
                   coalesce(sum(lot.earned) FILTER (WHERE reason NOT LIKE '%\\_RETURNED'), 0)
                       AS earned
            FROM points_lot AS lot WHERE lot.member_id = member.id AND NOT lot.is_pending
            GROUP BY expires_at
        ) AS day
    ) AS lots
"""
"""A member's points, for a statement that calls the member `member` and whose $2 is now."""


async def points_by_member_id(
    ids: Sequence[UUID], *, now: datetime, expiring_days: int
) -> list[PointsSummary]:
    """Return every member's summary, in one statement."""
    rows = await database.fetch(
        f"""
        SELECT member.id AS member_id, {POINTS_COLUMNS}
        FROM unnest($1::uuid[]) AS member (id) {POINTS_JOINS}
        """,
        list(ids),
        now,
    )
    summaries = {row["member_id"]: summary_of(row, now, expiring_days) for row in rows}
    return [summaries[id_] for id_ in ids]


def summary_of(row: Record, now: datetime, expiring_days: int) -> PointsSummary:
    """Return the summary of a row with `POINTS_COLUMNS`."""
    soon = now + timedelta(days=expiring_days)
    expiring = zip(row["points"] or (), row["expiries"] or (), strict=True)
    return PointsSummary(
        balance=row["living"],
        pending=row["pending"],
        debt=row["debt"],
        growth=row["growth"],
        lifetime_earned=row["earned"],
        expiring=[(points, when) for points, when in expiring if when <= soon],
    )
