"""A member's coupons, page by page, as they stand at an instant whatever the expiry job did."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.pricing import CouponStatus
from models import database
from models.coupon_rows import COUPON_COLUMNS
from services.pages import Page, PageRequest, make_page
from services.sql import Conditions

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
    wanted = _conditions(member_id, statuses, now)
    by_end = bool(statuses) and _LIVE.issuperset(statuses)
    column, sign, direction = ("valid_until", ">", "") if by_end else ("created_at", "<", "DESC")
    here = Conditions(wanted)
    if request.after is not None:
        here.add(f"({column}, id) {sign} ({{}}, {{}})", *request.after)
    rows = await database.fetch(
        f"""
        SELECT {COUPON_COLUMNS} FROM coupon WHERE {here.sql}
        ORDER BY {column} {direction}, id {direction} LIMIT {here.value(request.limit)}
        """,
        *here.values,
    )

    async def count() -> int:
        found = await database.fetch_value(
            f"SELECT count(*) FROM coupon WHERE {wanted.sql}", *wanted.values
        )
        return int(found)

    def key(row: Record) -> tuple[Any, ...]:
        return row[column], row["id"]

    return make_page(request, rows, key, count)


def _conditions(member_id: UUID, statuses: Collection[CouponStatus], now: datetime) -> Conditions:
    found = Conditions()
    found.add("member_id = {}", member_id)
    if not statuses:
        return found
    if _LIVE.issuperset(statuses):
        found.add("status IN ('USABLE', 'RESERVED')")  # As the index of live coupons has it.
    place = found.value(now) if _depends_on_now(statuses) else ""
    shown = (f"({_SHOWN_AS[status].format(now=place)})" for status in sorted(set(statuses)))
    found.parts.append(f"({' OR '.join(shown)})")
    return found


def _depends_on_now(statuses: Collection[CouponStatus]) -> bool:
    return any("{now}" in _SHOWN_AS[status] for status in statuses)
