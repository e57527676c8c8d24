"""Members' coupons: given once, held by an order, used, given back (rules, section 4)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.coupons import CouponNotApplicable, CouponOrigin, ReturnRule
from domain.pricing import Coupon, CouponStatus
from models import database as db
from models.ids import new_id
from services import coupon_terms, coupons
from services.coupons import Issue
from tests.factories.coupons import FIVE_OFF, FREE_SHIPPING, a_coupon, an_order
from tests.factories.shop import NOW, a_member

pytestmark = pytest.mark.usefixtures("database")

WEEK = NOW + timedelta(days=7)
"""When `a_coupon` ends."""


async def status_of(coupon_id: UUID) -> str:
    return str(await db.fetch_value("SELECT status FROM coupon WHERE id = $1", coupon_id))


async def reserved(*coupon_ids: UUID, member_id: UUID, now: datetime = NOW) -> UUID:
    order_id = await an_order(member_id)
    await coupons.reserve(coupon_ids, member_id=member_id, order_id=order_id, now=now)
    return order_id


async def test_equal_terms_are_one_row() -> None:
    first = await coupon_terms.terms_id_of(FIVE_OFF, now=NOW)
    assert await coupon_terms.terms_id_of(FIVE_OFF, now=NOW) == first
    other = await coupon_terms.terms_id_of(FREE_SHIPPING, now=NOW)
    assert other != first
    assert await coupon_terms.terms_of([first, other, new_id()]) == {
        first: FIVE_OFF,
        other: FREE_SHIPPING,
    }


async def test_rivals_that_make_the_same_terms_agree() -> None:
    made = await asyncio.gather(*(coupon_terms.terms_id_of(FIVE_OFF, now=NOW) for _ in range(10)))
    assert len(set(made)) == 1


async def test_the_same_origin_gives_one_coupon() -> None:
    member_id = await a_member()
    terms_id = await coupon_terms.terms_id_of(FIVE_OFF, now=NOW)
    first = Issue(member_id, terms_id, NOW, WEEK, CouponOrigin.BENEFIT, new_id())
    second = Issue(member_id, terms_id, NOW, WEEK, CouponOrigin.BENEFIT, new_id())
    [first_id] = await coupons.issue([first], now=NOW)
    assert await coupons.issue([second, first], now=NOW) == [
        (await coupons.issue([second], now=NOW))[0],
        first_id,
    ]
    given = await asyncio.gather(*(coupons.issue([first, second], now=NOW) for _ in range(5)))
    assert len({tuple(ids) for ids in given}) == 1
    assert await db.fetch_value("SELECT count(*) FROM coupon") == 2


async def test_a_quote_sees_what_lives_by_its_end() -> None:
    member_id = await a_member()
    later = await a_coupon(member_id, valid_from=NOW + timedelta(hours=1))
    held = await a_coupon(member_id, FREE_SHIPPING, valid_until=NOW + timedelta(days=1))
    await reserved(held, member_id=member_id)
    ended = await a_coupon(member_id, valid_until=NOW + timedelta(minutes=1))
    await a_coupon(await a_member())
    now = NOW + timedelta(minutes=1)
    assert await coupons.live(member_id, now=now) == (
        FREE_SHIPPING.coupon(held, NOW + timedelta(days=1), CouponStatus.RESERVED),
        FIVE_OFF.coupon(later, WEEK, CouponStatus.NOT_YET_VALID),
    )
    found: tuple[Coupon, ...] = await coupons.live(member_id, now=NOW)
    assert [coupon.id for coupon in found] == [ended, held, later]
    assert [coupon.status for coupon in found] == [
        CouponStatus.USABLE,
        CouponStatus.RESERVED,
        CouponStatus.NOT_YET_VALID,
    ]


async def test_an_order_holds_uses_and_lets_go() -> None:
    member_id = await a_member()
    goods, shipping = await a_coupon(member_id), await a_coupon(member_id, FREE_SHIPPING)
    order_id = await reserved(goods, shipping, member_id=member_id)
    assert (await status_of(goods), await status_of(shipping)) == ("RESERVED", "RESERVED")
    assert await coupons.release(order_id, now=NOW) == 2
    assert await coupons.release(order_id, now=NOW) == 0
    assert (await status_of(goods), await status_of(shipping)) == ("USABLE", "USABLE")
    again = await reserved(goods, member_id=member_id)
    await coupons.use(again, now=NOW)
    await coupons.use(again, now=NOW)
    assert (await status_of(goods), await status_of(shipping)) == ("USED", "USABLE")
    assert await coupons.release(again, now=NOW) == 0


async def test_what_cannot_be_used_is_not_reserved() -> None:
    member_id = await a_member()
    good = await a_coupon(member_id)
    ended = await a_coupon(member_id, valid_from=NOW - timedelta(days=1), valid_until=NOW)
    early = await a_coupon(member_id, valid_from=NOW + timedelta(microseconds=1))
    foreign = await a_coupon(await a_member())
    held = await a_coupon(member_id)
    await reserved(held, member_id=member_id)
    for bad in (ended, early, foreign, held, new_id()):
        with pytest.raises(CouponNotApplicable) as refused:
            await reserved(good, bad, member_id=member_id)
        assert refused.value.coupon_id == bad
        assert await status_of(good) == "USABLE"


async def test_a_coupon_reserved_in_time_is_used_after_its_end() -> None:
    member_id = await a_member()
    coupon_id = await a_coupon(member_id)
    order_id = await reserved(coupon_id, member_id=member_id, now=WEEK - timedelta(microseconds=1))
    await coupons.use(order_id, now=WEEK + timedelta(minutes=10))
    assert await status_of(coupon_id) == "USED"


async def test_what_is_let_go_after_its_end_is_expired() -> None:
    member_id = await a_member()
    coupon_id = await a_coupon(member_id)
    order_id = await reserved(coupon_id, member_id=member_id)
    assert await coupons.release(order_id, now=WEEK) == 1
    assert await status_of(coupon_id) == "EXPIRED"


@pytest.mark.parametrize(
    ("rule", "before_shipment", "comes_back"),
    [
        (ReturnRule.WHOLE_BEFORE_SHIPMENT, True, True),
        (ReturnRule.WHOLE_BEFORE_SHIPMENT, False, False),
        (ReturnRule.WHOLE, True, True),
        (ReturnRule.WHOLE, False, True),
        (ReturnRule.NEVER, True, False),
        (ReturnRule.NEVER, False, False),
    ],
)
async def test_a_used_coupon_comes_back_as_its_terms_say(
    rule: ReturnRule, before_shipment: bool, comes_back: bool
) -> None:
    member_id = await a_member()
    coupon_id = await a_coupon(member_id, return_rule=rule)
    order_id = await reserved(coupon_id, member_id=member_id)
    assert not await coupons.give_back(order_id, before_shipment=before_shipment, now=NOW)
    await coupons.use(order_id, now=NOW)
    back = await coupons.give_back(order_id, before_shipment=before_shipment, now=NOW)
    assert back is comes_back
    assert await status_of(coupon_id) == ("USABLE" if comes_back else "USED")
    assert not await coupons.give_back(order_id, before_shipment=False, now=NOW)


async def test_what_comes_back_after_its_end_is_expired() -> None:
    member_id = await a_member()
    coupon_id = await a_coupon(member_id)
    order_id = await reserved(coupon_id, member_id=member_id)
    await coupons.use(order_id, now=NOW)
    assert await coupons.give_back(order_id, before_shipment=True, now=WEEK)
    assert await status_of(coupon_id) == "EXPIRED"


async def test_two_orders_reach_for_one_coupon() -> None:
    member_id = await a_member()
    coupon_id = await a_coupon(member_id)
    order_ids = [await an_order(member_id) for _ in range(8)]
    outcomes = await asyncio.gather(
        *(
            coupons.reserve([coupon_id], member_id=member_id, order_id=order_id, now=NOW)
            for order_id in order_ids
        ),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, CouponNotApplicable) for outcome in outcomes) == 7


async def test_a_till_uses_a_coupon_once() -> None:
    member_id = await a_member()
    coupon_id, purchase_id = await a_coupon(member_id), new_id()
    await coupons.use_in_shop(coupon_id, member_id=member_id, purchase_id=purchase_id, now=NOW)
    assert await status_of(coupon_id) == "USED"
    with pytest.raises(CouponNotApplicable):
        await coupons.use_in_shop(coupon_id, member_id=member_id, purchase_id=None, now=NOW)


async def test_only_what_nobody_holds_is_revoked() -> None:
    member_id = await a_member()
    free, held = await a_coupon(member_id), await a_coupon(member_id)
    await reserved(held, member_id=member_id)
    assert await coupons.revoke([free, held]) == 1
    assert (await status_of(free), await status_of(held)) == ("REVOKED", "RESERVED")
