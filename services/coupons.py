"""Members' coupons: given, reserved by an order, used, given back (docs/rules.md, section 4).

Every change is one step of `domain.coupons.MOVES`, made by an UPDATE that names the state it comes
from. Validity is checked at use: what the expiry job has done or not done yet changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.coupons import CouponNotApplicable, CouponOrigin, ReturnRule, returns, shown_status
from domain.pricing import Coupon, CouponStatus
from models import database
from models.ids import new_id, readable_code
from services import coupon_terms

CODE_LENGTH = 12
"""Letters and digits of a coupon's own code, which a till reads: 60 bits."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A coupon to be given. The same origin and id give one coupon, however often they come."""

    member_id: UUID
    terms_id: UUID
    valid_from: datetime
    valid_until: datetime
    origin: CouponOrigin
    origin_id: UUID
    campaign_id: UUID | None = None
    seat: int | None = None
    points_paid: int = 0


async def issue(issues: Sequence[Issue], *, now: datetime) -> list[UUID]:
    """Give coupons, in the open transaction or one of their own; returns their ids in order.

    What was given before is not given again, and its id is returned.
    """
    if not issues:
        return []
    rows = await database.fetch(
        _ISSUE,
        [new_id() for _ in issues],
        [each.member_id for each in issues],
        [each.terms_id for each in issues],
        [each.campaign_id for each in issues],
        [each.seat for each in issues],
        [readable_code(CODE_LENGTH) for _ in issues],
        [each.valid_from for each in issues],
        [each.valid_until for each in issues],
        [each.origin for each in issues],
        [each.origin_id for each in issues],
        [each.points_paid for each in issues],
        now,
    )
    if len(rows) < len(issues):
        # A statement of its own: what a rival has just given is not seen by the one that waited.
        rows = await database.fetch(
            """
            SELECT coupon.id, coupon.origin, coupon.origin_id
            FROM unnest($1::text[], $2::uuid[]) AS given (origin, origin_id)
            JOIN coupon ON coupon.origin = given.origin AND coupon.origin_id = given.origin_id
            """,
            [each.origin for each in issues],
            [each.origin_id for each in issues],
        )
    by_origin = {(row["origin"], row["origin_id"]): row["id"] for row in rows}
    return [by_origin[each.origin, each.origin_id] for each in issues]


_ISSUE = """
INSERT INTO coupon (id, member_id, terms_id, campaign_id, seat, code, status, is_for_shipping,
                    valid_from, valid_until, origin, origin_id, points_paid, merged, created_at)
SELECT given.id, member_id, terms_id, campaign_id, seat, code, 'USABLE',
       terms.kind = 'FREE_SHIPPING', valid_from, valid_until, origin, origin_id, points_paid,
       false, $12
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::text[],
            $7::timestamptz[], $8::timestamptz[], $9::text[], $10::uuid[], $11::bigint[])
     AS given (id, member_id, terms_id, campaign_id, seat, code, valid_from, valid_until, origin,
               origin_id, points_paid)
JOIN coupon_terms AS terms ON terms.id = given.terms_id
ON CONFLICT (origin, origin_id) DO NOTHING
RETURNING id, origin, origin_id
"""


async def live(
    member_id: UUID, *, now: datetime, also: Collection[UUID] = ()
) -> tuple[Coupon, ...]:
    """Return the coupons that a quote looks at: usable now or later, or held by an order.

    `also` names coupons that are wanted whatever has become of them; others' are left out.
    """
    rows = await database.fetch(_LIVE_OR_NAMED if also else _LIVE, member_id, now, *_named(also))
    if not rows:
        return ()
    terms = await coupon_terms.terms_of({row["terms_id"] for row in rows})
    return tuple(
        terms[row["terms_id"]].coupon(
            row["id"],
            row["valid_until"],
            shown_status(CouponStatus(row["status"]), row["valid_from"], row["valid_until"], now),
        )
        for row in rows
    )


_LIVE = """
SELECT id, terms_id, status, valid_from, valid_until FROM coupon
WHERE member_id = $1 AND status IN ('USABLE', 'RESERVED') AND valid_until > $2
ORDER BY valid_until, id
"""
# Two branches: an OR would keep PostgreSQL from the index of live coupons.
_LIVE_OR_NAMED = """
(SELECT id, terms_id, status, valid_from, valid_until FROM coupon
 WHERE member_id = $1 AND status IN ('USABLE', 'RESERVED') AND valid_until > $2)
UNION
(SELECT id, terms_id, status, valid_from, valid_until FROM coupon
 WHERE member_id = $1 AND id = ANY($3))
ORDER BY valid_until, id
"""


def _named(also: Collection[UUID]) -> tuple[list[UUID], ...]:
    return (list(also),) if also else ()


async def reserve(
    coupon_ids: Collection[UUID], *, member_id: UUID, order_id: UUID, now: datetime
) -> None:
    """Have an order hold a member's coupons: all of them, or none.

    Raises:
        CouponNotApplicable: one isn't the member's, isn't valid now, or another order has it.
    """
    if not coupon_ids:
        return
    async with database.in_transaction():
        rows = await database.fetch(_RESERVE, sorted(coupon_ids), member_id, order_id, now)
        taken = {row["id"] for row in rows}
        for coupon_id in coupon_ids:
            if coupon_id not in taken:
                raise CouponNotApplicable(coupon_id)


_RESERVE = """
UPDATE coupon SET status = 'RESERVED', order_id = $3
WHERE id IN (SELECT id FROM coupon WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
  AND member_id = $2 AND status = 'USABLE' AND valid_from <= $4 AND valid_until > $4
RETURNING id
"""


async def use(order_id: UUID, *, now: datetime) -> None:
    """Use the coupons that an order holds: it has been paid."""
    await database.execute(
        "UPDATE coupon SET status = 'USED', used_at = $2"
        " WHERE order_id = $1 AND status = 'RESERVED'",
        order_id,
        now,
    )


async def use_in_shop(
    coupon_id: UUID, *, member_id: UUID, purchase_id: UUID | None, now: datetime
) -> None:
    """Use a coupon at a till, for a purchase or, where none is known, without one.

    Raises:
        CouponNotApplicable: it isn't the member's or can't be used now.
    """
    used = await database.execute(
        """
        UPDATE coupon SET status = 'USED', used_at = $4, purchase_id = $3
        WHERE id = $1 AND member_id = $2 AND status = 'USABLE'
          AND valid_from <= $4 AND valid_until > $4
        """,
        coupon_id,
        member_id,
        purchase_id,
        now,
    )
    if not used:
        raise CouponNotApplicable(coupon_id)


async def release(order_id: UUID, *, now: datetime, shipping_only: bool = False) -> int:
    """Let go of the coupons that an order holds: it was cancelled. Returns how many.

    One whose time is over is expired. With `shipping_only` the goods coupon stays held.
    """
    return await database.execute(
        """
        UPDATE coupon
        SET status = CASE WHEN valid_until > $2 THEN 'USABLE' ELSE 'EXPIRED' END, order_id = NULL
        WHERE order_id = $1 AND status = 'RESERVED' AND (is_for_shipping OR NOT $3)
        """,
        order_id,
        now,
        shipping_only,
    )


async def give_back(order_id: UUID, *, before_shipment: bool, now: datetime) -> bool:
    """Give the coupons of an order back that was refunded as a whole, as their terms say.

    One whose time is over is expired. Returns whether any came back; repeating it changes nothing.
    """
    async with database.in_transaction():
        rows = await database.fetch(
            """
            SELECT coupon.id, terms.return_rule
            FROM coupon JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
            WHERE coupon.order_id = $1 AND coupon.status = 'USED'
            ORDER BY coupon.id FOR NO KEY UPDATE OF coupon
            """,
            order_id,
        )
        back = [
            row["id"]
            for row in rows
            if returns(ReturnRule(row["return_rule"]), before_shipment=before_shipment)
        ]
        if not back:
            return False
        await database.execute(
            """
            UPDATE coupon
            SET status = CASE WHEN valid_until > $2 THEN 'USABLE' ELSE 'EXPIRED' END,
                order_id = NULL, used_at = NULL
            WHERE id = ANY($1)
            """,
            back,
            now,
        )
        return True


async def revoke(coupon_ids: Collection[UUID], *, unless_over_at: datetime | None = None) -> int:
    """Take coupons back that nobody has used or holds; returns how many.

    With an instant only those whose time isn't over then, whatever the expiry job did.
    """
    return await database.execute(
        "UPDATE coupon SET status = 'REVOKED' WHERE id = ANY($1) AND status = 'USABLE'"
        " AND ($2::timestamptz IS NULL OR valid_until > $2)",
        list(coupon_ids),
        unless_over_at,
    )
