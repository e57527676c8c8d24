"""A member's coupons, page by page, as they stand at an instant whatever the expiry job did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.pricing import CouponStatus
from models import database
from models.coupon_rows import COUPON_COLUMNS
from services.pages import Page, PageRequest, make_page

CURSOR_KINDS = (datetime, UUID)
_LIVE = frozenset({CouponStatus.USABLE, CouponStatus.NOT_YET_VALID, CouponStatus.RESERVED})
_SHOWN_AS = {
    CouponStatus.USABLE: "status = 'USABLE' AND valid_from <= {now} AND valid_until > {now}",
    CouponStatus.NOT_YET_VALID: "status = 'USABLE' AND valid_from > {now}",
    CouponStatus.RESERVED: "status = 'RESERVED'",
    CouponStatus.USED: "status = 'USED'",
    CouponStatus.EXPIRED: "status = 'EXPIRED' OR status = 'USABLE' AND valid_until <= {now}",
    CouponStatus.REVOKED: "status = 'REVOKED'",
}
"""The stored form of each status that a member sees (`domain.coupons.shown_status`)."""


async def coupons_of(
    member_id: UUID, statuses: Collection[CouponStatus], request: PageRequest, *, now: datetime
) -> Page[Record]:
    """Return a page of a member's coupons that stand at one of these statuses, all when empty.

    Coupons that may still be used come by their end, soonest first; any other list newest first.
    """
    asked = tuple(sorted(set(statuses)))
    sql = _statements(asked, has_after=request.after is not None)
    values = (member_id, now) if sql.takes_now else (member_id,)
    rows = await database.fetch(sql.page, *values, request.limit, *(request.after or ()))

    async def count() -> int:
        found = await database.fetch_value(sql.count, *values)
        return int(found)

    def key(row: Record) -> tuple[Any, ...]:
        return row[sql.column], row["id"]

    return make_page(request, rows, key, count)


@dataclass(frozen=True, slots=True)
class _Statements:
    """A list's statements: $1 is the member, then now where `takes_now`, then limit and cursor."""

    page: str
    count: str
    column: str
    takes_now: bool


@lru_cache(maxsize=256)
def _statements(statuses: tuple[CouponStatus, ...], *, has_after: bool) -> _Statements:
    by_end = bool(statuses) and _LIVE.issuperset(statuses)
    column, sign, direction = ("valid_until", ">", "") if by_end else ("created_at", "<", "DESC")
    takes_now = any("{now}" in _SHOWN_AS[status] for status in statuses)
    conditions = ["member_id = $1"]
    if by_end:
        # As the index of live coupons has it.
        conditions.append("status IN ('USABLE', 'RESERVED')")
    if statuses:
        shown = (f"({_SHOWN_AS[status].format(now='$2')})" for status in statuses)
        conditions.append(f"({' OR '.join(shown)})")
    every = " AND ".join(conditions)
    limit = 3 if takes_now else 2
    after = f" AND ({column}, id) {sign} (${limit + 1}, ${limit + 2})" if has_after else ""
    return _Statements(
        page=f"SELECT {COUPON_COLUMNS} FROM coupon WHERE {every}{after}"
        f" ORDER BY {column} {direction}, id {direction} LIMIT ${limit}",
        count=f"SELECT count(*) FROM coupon WHERE {every}",
        column=column,
        takes_now=takes_now,
    )
