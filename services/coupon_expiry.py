"""Coupons that end: marked once their time is over, and told of some days before."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from domain.clock import business_day, end_of_business_day
from domain.messages import MessageEvent
from models import database
from services import coupon_terms, messages

REMINDED_DAYS = 3
"""So many days before a coupon's last one its member hears of it."""

LINK = "pages/coupons/index"
"""The page of the mini-program with a member's coupons."""


async def expire_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Mark coupons whose time is over as of an instant; returns how many, 0 when none is left.

    Nothing waits for this: whoever looks at a coupon compares its end with the clock.
    """
    return await database.execute(
        """
        WITH due AS MATERIALIZED (
            SELECT id FROM coupon WHERE status = 'USABLE' AND valid_until <= $1
            ORDER BY valid_until, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE coupon SET status = 'EXPIRED' FROM due WHERE coupon.id = due.id
        """,
        as_of,
        limit,
    )


async def remind_due(as_of: datetime, *, limit: int = 2_000) -> int:
    """Tell members of coupons that end within three days; returns how many coupons that were.

    Coupons of the same terms that end on one day are one message. What was given for three days
    or less is not told of: its member has just heard.
    """
    last = business_day(as_of) + timedelta(days=REMINDED_DAYS)
    async with database.in_transaction():
        rows = await database.fetch(_REMINDED, as_of, limit, end_of_business_day(last))
        groups: defaultdict[tuple[UUID, date], list[UUID]] = defaultdict(list)
        for row in rows:
            if row["valid_until"] - row["valid_from"] > timedelta(days=REMINDED_DAYS):
                day = business_day(row["valid_until"] - timedelta(microseconds=1))
                groups[row["terms_id"], day].append(row["member_id"])
        terms = await coupon_terms.terms_of({terms_id for terms_id, _ in groups})
        for (terms_id, day), member_ids in sorted(groups.items()):
            named = terms[terms_id]
            await messages.tell(
                sorted(member_ids),
                MessageEvent.COUPON_EXPIRING,
                source_id=uuid5(terms_id, str(day)),
                facts={"coupon": named.name, "coupon_en": named.name_en, "day": str(day)},
                link=LINK,
                now=as_of,
            )
        return len(rows)


_REMINDED = """
WITH due AS MATERIALIZED (
    SELECT id FROM coupon
    WHERE status = 'USABLE' AND reminded_at IS NULL AND valid_until > $1 AND valid_until <= $3
    ORDER BY valid_until, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE coupon SET reminded_at = $1 FROM due WHERE coupon.id = due.id
RETURNING terms_id, member_id, valid_from, valid_until
"""
