"""What the year did to the members, month by month, read from tiers, book and coupons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cli.complete_journey.loading import SOURCE, Comparison
from domain.clock import same_day_months_later, start_of_business_day
from models import database


@dataclass(frozen=True, slots=True)
class Month:
    """Figures of one month; members, pending, debt and liability are those of its end.

    `purchased_points` and `gifts` together are what was issued. The liability is what could be
    spent and what is pending, less debt.
    """

    first_day: date
    purchases: int
    fen: int
    growth: int
    purchased_points: int
    gifts: int
    spent: int
    expired: int
    pending: int
    debt: int
    liability: int
    coupons_used: int
    regular: int
    silver: int
    gold: int

    @property
    def issued(self) -> int:
        """Return the points that were given."""
        return self.purchased_points + self.gifts


FIGURES = tuple(field.name for field in fields(Month) if field.name != "first_day")


async def months(member_ids: Collection[UUID], first: date, last: date) -> list[Month]:
    """Return the months from that of the first day to that of the last."""
    begins = _first_days(first, last)
    ends = [start_of_business_day(same_day_months_later(each, 1)) for each in begins]
    bounds = (start_of_business_day(begins[0]), ends[-1])
    async with database.snapshot():
        found: list[dict[date, Any]] = [
            await _by_month(_PURCHASES, SOURCE, *bounds),
            await _by_month(_COUPONS, list(member_ids), *bounds),
            await _by_month(_POINTS, list(member_ids), *bounds),
            dict(zip(begins, await _tiers(member_ids, ends), strict=True)),
        ]
    liability = pending = debt = 0
    told = []
    for begin in begins:
        row: dict[str, int] = {}
        for figures in found:
            row |= figures.get(begin, {})
        liability += row.pop("moved", 0)
        pending += row.pop("pending_moved", 0)
        debt += row.pop("debt_moved", 0)
        row |= {"liability": liability, "pending": pending, "debt": debt}
        told.append(Month(begin, **{name: row.get(name, 0) for name in FIGURES}))
    return told


def _first_days(first: date, last: date) -> list[date]:
    begin = first.replace(day=1)
    count = (last.year - begin.year) * 12 + last.month - begin.month + 1
    return [same_day_months_later(begin, months_on) for months_on in range(count)]


async def _by_month(sql: str, *values: object) -> dict[date, dict[str, int]]:
    rows = await database.fetch(sql, *values)
    return {row["month"]: {**row, "month": 0} for row in rows}


_MONTH = "date_trunc('month', {} AT TIME ZONE 'Asia/Shanghai')::date AS month"
_OTHER_REASONS = "'SHOP_PURCHASE', 'TIER_GIFT', 'EXPIRY'"
_PURCHASES = f"""
SELECT {_MONTH.format("purchased_at")}, count(*) AS purchases, sum(amount_fen)::bigint AS fen,
       sum(growth)::bigint AS growth
FROM shop_purchase WHERE source = $1 AND purchased_at >= $2 AND purchased_at < $3
GROUP BY month
"""
_COUPONS = f"""
SELECT {_MONTH.format("used_at")}, count(*) AS coupons_used
FROM coupon
WHERE member_id = ANY($1) AND origin = 'IMPORT' AND status = 'USED'
  AND used_at >= $2 AND used_at < $3
GROUP BY month
"""
_POINTS = f"""
SELECT {_MONTH.format("entry.created_at")},
       {{purchased}} AS purchased_points, {{gifts}} AS gifts, {{expired}} AS expired,
       {{spent}} AS spent, {{pending}} AS pending_moved, {{debt}} AS debt_moved,
       coalesce(sum(CASE account.kind WHEN 'DEBT' THEN -delta ELSE delta END), 0)::bigint AS moved
FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = entry.account_id
WHERE account.member_id = ANY($1) AND account.kind IN ('SPENDABLE', 'PENDING', 'DEBT')
  AND entry.created_at >= $2 AND entry.created_at < $3
GROUP BY month
""".format(
    **{
        name: f"coalesce(sum({sign}delta) FILTER (WHERE {condition}), 0)::bigint"
        for name, sign, condition in (
            ("purchased", "", "account.kind = 'SPENDABLE' AND reason = 'SHOP_PURCHASE'"),
            ("gifts", "", "account.kind = 'SPENDABLE' AND reason = 'TIER_GIFT'"),
            ("expired", "-", "account.kind = 'SPENDABLE' AND reason = 'EXPIRY'"),
            (
                "spent",
                "-",
                "account.kind = 'SPENDABLE' AND reason NOT IN (" + _OTHER_REASONS + ")",
            ),
            ("pending", "", "account.kind = 'PENDING'"),
            ("debt", "", "account.kind = 'DEBT'"),
        )
    }
)


async def _tiers(member_ids: Collection[UUID], ends: Sequence[datetime]) -> list[dict[str, int]]:
    """Count members by the tier that held for them just before each instant."""
    rows = await database.fetch(
        """
        SELECT moment.at, coalesce(term.tier_code, 'REGULAR') AS tier_code, count(*) AS members
        FROM unnest($2::timestamptz[]) AS moment (at)
        JOIN member ON member.id = ANY($1) AND member.joined_at < moment.at
        LEFT JOIN LATERAL (
            SELECT tier_code FROM tier_term
            WHERE member_id = member.id AND since < moment.at ORDER BY since DESC, id DESC LIMIT 1
        ) AS term ON true
        GROUP BY moment.at, 2
        """,
        list(member_ids),
        list(ends),
    )
    counts: dict[datetime, dict[str, int]] = {end: {} for end in ends}
    for row in rows:
        counts[row["at"]][row["tier_code"].lower()] = row["members"]
    return list(counts.values())


def compare(expected: Sequence[Month], found: Sequence[Month]) -> list[Comparison]:
    """Hold each figure of all months against what another computation gives."""
    comparisons = []
    for name in FIGURES:
        theirs = [getattr(month, name) for month in expected]
        ours = [getattr(month, name) for month in found]
        same = sum(one == other for one, other in zip(theirs, ours, strict=True))
        title = name.replace("_", " ")
        comparisons.append(Comparison(f"{title}, all months", sum(theirs), sum(ours)))
        comparisons.append(Comparison(f"{title}, months that agree", len(theirs), same))
    return comparisons
