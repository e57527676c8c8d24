"""Coupons by id, and how many a member has, read with the member."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

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


async def coupon_by_id(ids: Sequence[UUID], *, viewer_id: UUID | None) -> list[Record | None]:
    """Return the viewer's own coupons by id; another's is None, as one that isn't there."""
    rows = await database.fetch(
        f"SELECT {COUPON_COLUMNS} FROM coupon WHERE id = ANY($1) AND member_id = $2",
        ids,
        viewer_id,
    )
    return by_id(ids, rows)
