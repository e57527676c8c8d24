"""Members' points and growth, read by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ledger import AccountKind
from models import database


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """What a member has: `balance` counts living lots only; `expiring` is (points, when)."""

    balance: int
    pending: int
    debt: int
    growth: int
    lifetime_earned: int
    expiring: list[tuple[int, datetime]]


async def points_by_member_id(
    ids: Sequence[UUID], *, now: datetime, expiring_days: int
) -> list[PointsSummary]:
    """Return every member's summary, in two statements."""
    accounts: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    for row in await database.fetch(
        "SELECT member_id, kind, balance FROM ledger_account WHERE member_id = ANY($1)", list(ids)
    ):
        accounts[row["member_id"]][row["kind"]] = row["balance"]
    lots = {row["member_id"]: row for row in await database.fetch(_LOTS, list(ids), now)}
    soon = now + timedelta(days=expiring_days)
    return [_summary(accounts[id_], lots.get(id_), soon) for id_ in ids]


_LOTS = """
SELECT member_id,
       coalesce(sum(points) FILTER (WHERE expires_at > $2), 0)::bigint AS living,
       sum(earned)::bigint AS earned,
       array_agg(points ORDER BY expires_at) FILTER (WHERE expires_at > $2 AND points > 0)
           AS points,
       array_agg(expires_at ORDER BY expires_at) FILTER (WHERE expires_at > $2 AND points > 0)
           AS expiries
FROM (
    SELECT member_id, expires_at, sum(remaining) FILTER (WHERE written_off_at IS NULL) AS points,
           coalesce(sum(earned) FILTER (WHERE reason NOT LIKE '%\\_RETURNED'), 0) AS earned
    FROM points_lot WHERE member_id = ANY($1) AND NOT is_pending
    GROUP BY member_id, expires_at
) AS day GROUP BY member_id
"""


def _summary(accounts: dict[str, int], lots: Any, soon: datetime) -> PointsSummary:
    row = _NO_LOTS if lots is None else lots
    expiring = zip(row["points"] or (), row["expiries"] or (), strict=True)
    return PointsSummary(
        balance=row["living"],
        pending=accounts.get(AccountKind.PENDING, 0),
        debt=accounts.get(AccountKind.DEBT, 0),
        growth=accounts.get(AccountKind.GROWTH, 0),
        lifetime_earned=row["earned"],
        expiring=[(int(points), when) for points, when in expiring if when <= soon],
    )


_NO_LOTS: dict[str, Any] = {"living": 0, "earned": 0, "points": None, "expiries": None}
