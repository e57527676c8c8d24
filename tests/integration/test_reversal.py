"""Refunds of pieces: what comes back, what is taken back, once, in any order (rules, section 0)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.coupons import CampaignKind, ReturnRule
from domain.errors import NotAllowed, NotFound
from domain.ledger import EntryReason, SourceKind
from domain.reversals import NothingLeftToRefund
from domain.stock_gate import Freed
from models import database as db
from models.ids import new_id
from services import coupon_events, finality, ledger, points, points_expiry
from services.campaign_admin import PaidEvent
from services.reversal import Reversal, Reversed, reverse
from tests.factories.coupons import FREE_SHIPPING, a_campaign, a_coupon
from tests.factories.orders import bought, lines_of, placed
from tests.factories.shop import NOW, SkuFacts, a_buyer, a_sku, stock_of
from tests.support.shopping import assert_books_agree

pytestmark = pytest.mark.usefixtures("database")


async def refunded(
    order_id: UUID,
    *quantities: int,
    now: datetime = NOW,
    before_shipment: bool = True,
    refund_id: UUID | None = None,
) -> Reversed:
    """Refund so many pieces of the first line, the second, and so on."""
    wanted = zip(await lines_of(order_id), quantities, strict=False)
    return await reverse(
        Reversal(
            refund_id=refund_id or new_id(),
            order_id=order_id,
            quantities={line_id: pieces for line_id, pieces in wanted if pieces},
            before_shipment=before_shipment,
        ),
        now=now,
    )


async def received_and_final(order_id: UUID) -> datetime:
    """Have the order received now and made final when it is time; returns when that is."""
    await finality.receive(order_id, at=NOW)
    due_at: datetime = await db.fetch_value(
        "SELECT final_at FROM sales_order WHERE id = $1", order_id
    )
    assert await finality.finalize_due(due_at) == 1
    return due_at


async def wallet_of(member_id: UUID) -> dict[str, int]:
    async with db.in_transaction():
        wallet = await ledger.lock_wallet(member_id)
    return {
        name: getattr(wallet, name)
        for name in ("spendable", "pending", "debt", "growth", "growth_pending")
    }


async def status_of(coupon_id: UUID) -> str:
    return str(await db.fetch_value("SELECT status FROM coupon WHERE id = $1", coupon_id))


async def test_the_first_unit_of_the_worked_line_costs_a_fen_less() -> None:
    member_id = await a_buyer(tier="GOLD", points=1000)
    a, b = await a_sku(999), await a_sku(5001)
    order_id = await bought(member_id, (a, 3), (b, 1), points_to_spend=1000)
    # 7598 of goods, 1000 points: 375 + 625; A's units are 949 less 125 each.
    first = await refunded(order_id, 1)
    assert (first.goods_fen, first.points_returned) == (824, 125)
    assert (first.shipping_fen, first.coupon_returned) == (0, False)
    rest = await refunded(order_id, 2, 1)
    assert (first.goods_fen + rest.goods_fen, first.points_returned + rest.points_returned) == (
        6598,
        1000,
    )
    assert await wallet_of(member_id) == {
        "spendable": 1000,
        "pending": 0,
        "debt": 0,
        "growth": 0,
        "growth_pending": 0,
    }
    assert await stock_of(a) == {"available": 100, "reserved": 0, "sold": 0}
    assert await db.fetch_value("SELECT status FROM sales_order") == "REFUNDED"
    await assert_books_agree()


async def test_a_refund_happens_once() -> None:
    member_id, sku, refund_id = await a_buyer(), await a_sku(10_000), new_id()
    order_id = await bought(member_id, (sku, 2))
    first = await refunded(order_id, 1, refund_id=refund_id)
    again = await refunded(order_id, 1, refund_id=refund_id)
    assert again == replace(first, freed=Freed())
    assert first.freed == Freed({sku.id: 1})
    assert await db.fetch_value("SELECT refunded_quantity FROM order_line") == 1
    assert await stock_of(sku) == {"available": 99, "reserved": 0, "sold": 1}


async def test_pending_shrinks_and_what_is_left_becomes_spendable() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_050)
    order_id = await bought(member_id, (sku, 2))
    assert await wallet_of(member_id) == {
        "spendable": 0,
        "pending": 201,
        "debt": 0,
        "growth": 0,
        "growth_pending": 2010,
    }
    done = await refunded(order_id, 1, before_shipment=False)
    assert (done.points_taken, done.growth_taken) == (101, 1005)
    assert done.freed == Freed()
    await received_and_final(order_id)
    assert await wallet_of(member_id) == {
        "spendable": 100,
        "pending": 0,
        "debt": 0,
        "growth": 1005,
        "growth_pending": 0,
    }
    # It had been shipped: the piece stays sold until an operator takes it back in.
    assert await stock_of(sku) == {"available": 98, "reserved": 0, "sold": 2}
    await assert_books_agree()


async def test_what_was_earned_is_clawed_back_after_finality_and_owed_where_it_is_spent() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    order_id = await bought(member_id, (sku, 1))
    final_at = await received_and_final(order_id)
    later = final_at + timedelta(hours=1)
    await points.spend(
        member_id,
        70,
        reason=EntryReason.REDEMPTION,
        source=(SourceKind.REDEMPTION, new_id()),
        now=later,
    )
    done = await refunded(order_id, 1, now=later, before_shipment=False)
    assert (done.points_taken, done.growth_taken) == (100, 1000)
    assert await wallet_of(member_id) == {
        "spendable": 0,
        "pending": 0,
        "debt": 70,
        "growth": 0,
        "growth_pending": 0,
    }
    await assert_books_agree()


async def test_earned_spent_refunded_and_earned_again() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)

    async def balances() -> tuple[int, int]:
        wallet = await wallet_of(member_id)
        return wallet["spendable"], wallet["debt"]

    first = await bought(member_id, (sku, 1))
    final_at = await received_and_final(first)
    assert await balances() == (100, 0)
    second = await bought(member_id, (sku, 1), now=final_at, points_to_spend=100)
    assert await balances() == (0, 0)
    await refunded(first, 1, now=final_at, before_shipment=False)
    assert await balances() == (0, 100)
    third = await bought(member_id, (sku, 1), (await a_sku(3_000), 1), now=final_at)
    await finality.receive(third, at=final_at)
    await finality.finalize_due(final_at + timedelta(days=9))
    # 130 points: 100 of them repay the debt.
    assert await balances() == (30, 0)
    await refunded(second, 1, now=final_at + timedelta(days=9))
    assert await balances() == (130, 0)
    await assert_books_agree()


async def test_growth_taken_back_takes_the_tier_with_it() -> None:
    member_id, sku = await a_buyer(), await a_sku(60_000)
    order_id = await bought(member_id, (sku, 1))
    final_at = await received_and_final(order_id)
    assert await db.fetch_value("SELECT tier_code FROM member WHERE id = $1", member_id) == "GOLD"
    await refunded(order_id, 1, now=final_at + timedelta(hours=1), before_shipment=False)
    assert (
        await db.fetch_value("SELECT tier_code FROM member WHERE id = $1", member_id) == "REGULAR"
    )


@pytest.mark.parametrize(
    ("rule", "before_shipment", "status"),
    [
        (ReturnRule.WHOLE_BEFORE_SHIPMENT, True, "USABLE"),
        (ReturnRule.WHOLE_BEFORE_SHIPMENT, False, "USED"),
        (ReturnRule.WHOLE, False, "USABLE"),
        (ReturnRule.NEVER, True, "USED"),
    ],
)
async def test_a_coupon_comes_back_with_the_last_piece_as_its_terms_say(
    rule: ReturnRule, before_shipment: bool, status: str
) -> None:
    member_id, sku = await a_buyer(), await a_sku(5_000)
    coupon_id = await a_coupon(member_id, return_rule=rule)
    order_id = await bought(member_id, (sku, 2), coupon_ids=(coupon_id,))
    assert not (await refunded(order_id, 1, before_shipment=before_shipment)).coupon_returned
    assert await status_of(coupon_id) == "USED"
    last = await refunded(order_id, 1, before_shipment=before_shipment)
    assert last.coupon_returned == (status == "USABLE")
    assert await status_of(coupon_id) == status
    await assert_books_agree()


async def test_a_coupon_whose_time_is_over_comes_back_expired() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    coupon_id = await a_coupon(member_id)
    order_id = await bought(member_id, (sku, 1), coupon_ids=(coupon_id,))
    await refunded(order_id, 1, now=NOW + timedelta(days=7))
    assert await status_of(coupon_id) == "EXPIRED"


async def test_what_the_order_brought_goes_with_its_last_piece_unless_it_is_used() -> None:
    sku = await a_sku(10_000)
    await a_campaign(kind=CampaignKind.EVENT, event=PaidEvent(min_paid_fen=10_000))
    for status in ("USABLE", "USED"):
        member_id = await a_buyer()
        order_id = await bought(member_id, (sku, 2))
        assert await coupon_events.grant_due(now=NOW) == 1
        if status == "USED":
            await bought(member_id, (sku, 2), best_coupons=True)
        await refunded(order_id, 1)
        rows = await db.fetch("SELECT status FROM coupon WHERE member_id = $1", member_id)
        assert [row["status"] for row in rows] == [status]
        await refunded(order_id, 1)
        rows = await db.fetch("SELECT status FROM coupon WHERE member_id = $1", member_id)
        assert [row["status"] for row in rows] == ["REVOKED" if status == "USABLE" else "USED"]


async def test_shipping_comes_back_with_the_last_piece_if_nothing_was_shipped() -> None:
    sku = await a_sku(1_000)
    for first_before, second_before, shipping in (
        (True, True, 800),
        (False, True, 0),
        (True, False, 0),
    ):
        order_id = await bought(await a_buyer(), (sku, 2))
        first = await refunded(order_id, 1, before_shipment=first_before)
        last = await refunded(order_id, 1, before_shipment=second_before)
        assert (first.shipping_fen, last.shipping_fen) == (0, shipping)
        assert last.payable_fen == 1_000 + shipping
        assert (
            await db.fetch_value("SELECT refunded_fen FROM sales_order WHERE id = $1", order_id)
            == 2_000 + shipping
        )


async def test_pieces_refunded_before_shipment_leave_the_members_limit() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000, limit=3)
    order_id = await bought(member_id, (sku, 3))
    await refunded(order_id, 1)
    await refunded(order_id, 1, before_shipment=False)
    assert await db.fetch_value("SELECT pieces FROM purchase_count") == 2
    await bought(member_id, (sku, 1))
    await assert_books_agree()


async def test_what_cannot_be_refunded_changes_nothing() -> None:
    member_id, sku = await a_buyer(), await a_sku(10_000)
    order_id = await bought(member_id, (sku, 2))
    other_line = (await lines_of(await bought(member_id, (sku, 1))))[0]
    unpaid = await placed(member_id, (sku, 1))
    for quantities in ({}, {other_line: 1}, {(await lines_of(order_id))[0]: 3}):
        with pytest.raises(NothingLeftToRefund):
            await reverse(_reversal(order_id, quantities), now=NOW)
    with pytest.raises(NotAllowed):
        await refunded(unpaid, 1)
    with pytest.raises(NotFound):
        await reverse(_reversal(new_id(), {other_line: 1}), now=NOW)
    await refunded(order_id, 2)
    with pytest.raises(NotAllowed):
        await refunded(order_id, 1)
    assert await db.fetch_value("SELECT count(*) FROM order_reversal") == 1


def _reversal(order_id: UUID, quantities: Mapping[UUID, int]) -> Reversal:
    return Reversal(
        refund_id=new_id(), order_id=order_id, quantities=quantities, before_shipment=True
    )


@dataclass(frozen=True)
class Case:
    """An order, when it is refunded, and in which parts."""

    tier: str
    lines: tuple[tuple[int, int], ...]
    points: int
    has_coupon: bool
    shipping_coupon: bool
    moment: str
    before_shipment: bool
    spent_elsewhere: int
    refunds: tuple[tuple[int, ...], ...]


MOMENTS = ("paid", "received", "final", "ended", "written off")
"""At once; before it is final; after; after its points ended, with the expiry's job and without."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Orders of up to three lines, refunded piece by piece in any grouping and order."""
    lines = draw(
        st.lists(st.tuples(st.integers(1, 20_000), st.integers(1, 4)), min_size=1, max_size=3)
    )
    pieces = [place for place, (_, quantity) in enumerate(lines) for _ in range(quantity)]
    shuffled = draw(st.permutations(pieces))
    kept = draw(st.integers(0, 1)) * draw(st.integers(0, len(pieces) - 1))
    wanted = shuffled[: len(pieces) - kept]
    cuts = sorted(draw(st.sets(st.integers(1, len(wanted)), max_size=4)) | {0, len(wanted)})
    groups = [Counter(wanted[low:high]) for low, high in itertools.pairwise(cuts)]
    return Case(
        tier=draw(st.sampled_from(["REGULAR", "SILVER", "GOLD"])),
        lines=tuple(lines),
        points=draw(st.sampled_from([0, 1, 99, 700, 5_000])),
        has_coupon=draw(st.booleans()),
        shipping_coupon=draw(st.booleans()),
        moment=draw(st.sampled_from(MOMENTS)),
        before_shipment=draw(st.booleans()),
        spent_elsewhere=draw(st.sampled_from([0, 1, 50, 10_000])),
        refunds=tuple(tuple(group[place] for place in range(len(lines))) for group in groups),
    )


@dataclass(frozen=True)
class World:
    """One telling of a case."""

    member_id: UUID
    order_id: UUID
    skus: tuple[SkuFacts, ...]
    now: datetime


async def told(case: Case) -> World:
    """Make the order and bring it to the moment of its refund."""
    member_id = await a_buyer(tier=case.tier)
    for points_given, days in ((3_000, 20), (4_000, 400)):
        await points.grant(
            member_id,
            points_given,
            reason=EntryReason.ADJUSTMENT,
            source=(SourceKind.ADJUSTMENT, new_id()),
            now=NOW,
            expires_at=NOW + timedelta(days=days),
        )
    skus = tuple([await a_sku(price_fen, limit=99) for price_fen, _ in case.lines])
    coupon_ids = [await a_coupon(member_id)] if case.has_coupon else []
    if case.shipping_coupon:
        coupon_ids.append(await a_coupon(member_id, FREE_SHIPPING))
    goods_fen = sum(price_fen * quantity for price_fen, quantity in case.lines)
    order_id = await bought(
        member_id,
        *((sku, quantity) for sku, (_, quantity) in zip(skus, case.lines, strict=True)),
        best_coupons=bool(coupon_ids),
        points_to_spend=min(case.points, goods_fen * 4 // 10),
    )
    now = NOW
    if case.moment != "paid":
        await finality.receive(order_id, at=NOW)
    if case.moment in ("final", "ended", "written off"):
        now = NOW + timedelta(days=8)
        await finality.finalize_due(now)
    if spend := min(case.spent_elsewhere, await points.spendable(member_id, now=now)):
        await points.spend(
            member_id,
            spend,
            reason=EntryReason.REDEMPTION,
            source=(SourceKind.REDEMPTION, new_id()),
            now=now,
        )
    if case.moment in ("ended", "written off"):
        now = NOW + timedelta(days=420)
    if case.moment == "written off":
        await points_expiry.expire_due(now)
    return World(member_id, order_id, skus, now)


async def state(world: World) -> dict[str, Any]:
    """Return all that a refund may change; which lots hold the points is left open."""
    member = await db.fetch_one(
        "SELECT tier_code, lifetime_growth FROM member WHERE id = $1", world.member_id
    )
    order = await db.fetch_one(
        "SELECT status, refunded_fen FROM sales_order WHERE id = $1", world.order_id
    )
    lines = await db.fetch(
        "SELECT refunded_quantity, withdrawn_quantity, refunded_fen FROM order_line"
        " WHERE order_id = $1 ORDER BY position",
        world.order_id,
    )
    coupons = await db.fetch(
        "SELECT is_for_shipping, status FROM coupon WHERE member_id = $1 ORDER BY 1",
        world.member_id,
    )
    counts = await db.fetch(
        "SELECT pieces FROM purchase_count WHERE member_id = $1 ORDER BY sku_id", world.member_id
    )
    assert member is not None
    assert order is not None
    return {
        "wallet": await wallet_of(world.member_id),
        "spendable": await points.spendable(world.member_id, now=world.now),
        "member": tuple(member),
        "order": tuple(order),
        "lines": [tuple(line) for line in lines],
        "coupons": [tuple(coupon) for coupon in coupons],
        "stock": [await stock_of(sku) for sku in world.skus],
        "counts": [row["pieces"] for row in counts],
    }


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(case=cases())
async def test_refunds_in_any_parts_and_order_come_to_one_refund_of_all(case: Case) -> None:
    at_once, in_parts = await told(case), await told(case)
    whole = [sum(group[place] for group in case.refunds) for place in range(len(case.lines))]
    one = await refunded(
        at_once.order_id, *whole, now=at_once.now, before_shipment=case.before_shipment
    )
    parts = [
        await refunded(
            in_parts.order_id, *group, now=in_parts.now, before_shipment=case.before_shipment
        )
        for group in case.refunds
    ]
    for name in ("payable_fen", "points_returned", "points_taken", "growth_taken"):
        assert getattr(one, name) == sum(getattr(part, name) for part in parts), name
    assert one.coupon_returned == any(part.coupon_returned for part in parts)
    assert await state(at_once) == await state(in_parts)
    await assert_books_agree()


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(case=cases(), before=st.integers(0, 12))
async def test_refunds_on_both_sides_of_finality_leave_nothing_of_the_order(
    case: Case, before: int
) -> None:
    world = await told(replace(case, moment="received", spent_elsewhere=0))
    left = [quantity for _, quantity in case.lines]
    final_at = NOW + timedelta(days=8)
    for number, group in enumerate(case.refunds):
        if number == before:
            await finality.finalize_due(final_at)
        await refunded(world.order_id, *group, now=final_at, before_shipment=True)
        left = [have - pieces for have, pieces in zip(left, group, strict=True)]
    await finality.finalize_due(final_at)
    if any(left):
        await refunded(world.order_id, *left, now=final_at, before_shipment=True)
    # Gifts of tiers that the order's growth had reached stay.
    gifts = await db.fetch_value(
        "SELECT coalesce(sum(points), 0)::bigint FROM benefit_grant WHERE member_id = $1",
        world.member_id,
    )
    assert await wallet_of(world.member_id) == {
        "spendable": 7_000 + gifts,
        "pending": 0,
        "debt": 0,
        "growth": 0,
        "growth_pending": 0,
    }
    assert [await stock_of(sku) for sku in world.skus] == [
        {"available": 100, "reserved": 0, "sold": 0} for _ in world.skus
    ]
    order = await db.fetch_one(
        "SELECT status, paid_fen, refunded_fen FROM sales_order WHERE id = $1", world.order_id
    )
    assert order is not None
    assert tuple(order) == ("REFUNDED", order["paid_fen"], order["paid_fen"])
    await assert_books_agree()
