"""Coupons by id; a member's lists of them, and how many there are, read with the member.

Coupons are told as they stand at an instant, whatever the expiry job did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from domain.pricing import CouponStatus
from loaders.along import columns_of, in_arrays
from loaders.catalog import by_id
from models import database
from models.coupon_rows import COUPON_COLUMNS

COUPON_COUNTS_COLUMNS = "coupon_count.usable, coupon_count.used, coupon_count.expired"
COUPON_COUNTS_JOINS = """
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE coupon.status = 'USABLE' AND coupon.valid_from <= $2
                                  AND coupon.valid_until > $2) AS usable,
           count(*) FILTER (WHERE coupon.status = 'USED') AS used,
           count(*) FILTER (WHERE coupon.status = 'EXPIRED'
                            OR coupon.status = 'USABLE' AND coupon.valid_until <= $2) AS expired
    FROM coupon WHERE coupon.member_id = member.id
) AS coupon_count ON true
"""
"""For a statement that calls the member `member` and whose $2 is now."""


_LIVE = frozenset({CouponStatus.USABLE, CouponStatus.NOT_YET_VALID, CouponStatus.RESERVED})
_SHOWN_AS = {
    CouponStatus.USABLE: "status = 'USABLE' AND valid_from <= $2 AND valid_until > $2",
    CouponStatus.NOT_YET_VALID: "status = 'USABLE' AND valid_from > $2",
    CouponStatus.RESERVED: "status = 'RESERVED'",
    CouponStatus.USED: "status = 'USED'",
    CouponStatus.EXPIRED: "status = 'EXPIRED' OR status = 'USABLE' AND valid_until <= $2",
    CouponStatus.REVOKED: "status = 'REVOKED'",
}
"""The stored form of each status that a member sees (`domain.coupons.shown_status`); $2 is now."""
_COUPONS = ", ".join(COUPON_COLUMNS)


class CouponsShape(NamedTuple):
    """A member's coupons that stand at one of these statuses, or all; read along (`Along`).

    Those that may still be used come by their end, soonest first; any other list newest first.
    """

    statuses: tuple[CouponStatus, ...]
    goes_on: bool

    @property
    def width(self) -> int:
        """How many columns it adds to the row."""
        return len(COUPON_COLUMNS)

    @property
    def sorted_by(self) -> str:
        """The column before `id` that the list is sorted by."""
        is_live = self.statuses and _LIVE.issuperset(self.statuses)
        return "valid_until" if is_live else "created_at"

    def columns(self, title: str) -> str:
        """Return these columns."""
        return columns_of(COUPON_COLUMNS, title)

    def joins(self, title: str, value: int) -> str:
        """Return what they come from; the values from $`value` on are the limit and the cursor."""
        column = self.sorted_by
        sign, direction = (">", "") if column == "valid_until" else ("<", "DESC")
        going_on = f"AND ({column}, id) {sign} (${value + 1}, ${value + 2})" if self.goes_on else ""
        rows = f"""
            SELECT {_COUPONS} FROM coupon WHERE member_id = member.id {self.matching()} {going_on}
            ORDER BY {column} {direction}, id {direction} LIMIT ${value}
        """
        return in_arrays(COUPON_COLUMNS, rows, title)

    def matching(self) -> str:
        """Return the conditions on the coupons' statuses."""
        if not self.statuses:
            return ""
        # As the index of live coupons has it.
        live = "status IN ('USABLE', 'RESERVED') AND" if self.sorted_by == "valid_until" else ""
        shown = " OR ".join(f"({_SHOWN_AS[status]})" for status in self.statuses)
        return f"AND {live} ({shown})"


async def count_coupons(member_id: UUID, shape: CouponsShape, *, now: datetime) -> int:
    """Return how many coupons such a list has, on all pages."""
    found: int = await database.fetch_value(_count_statement(shape), member_id, now)
    return found


@lru_cache(maxsize=256)
def _count_statement(shape: CouponsShape) -> str:
    # Some lists don't depend on now, but each statement has it as a value.
    return f"""
        SELECT count(*) FROM coupon
        WHERE member_id = $1 AND $2::timestamptz IS NOT NULL {shape.matching()}
    """


async def coupon_by_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Record | None]:
    """Return the viewer's own coupons by id; another's is None, as one that isn't there."""
    rows = await database.fetch(
        f"SELECT {_COUPONS} FROM coupon WHERE id = ANY($1) AND member_id = $2",
        ids,
        viewer_id,
    )
    return by_id(ids, rows)
