"""Purchases at a counter earn at once, in a batch as one by one, and give back their share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import AccountBlocked
from domain.ledger import AccountKind, EntryReason, SourceKind, member_account
from models import database as db
from models.ids import new_id
from services import ledger, points, shop_purchases
from services import rules as rule_versions
from services.shop_purchases import NotThatMuchLeft, Recorded, Returned, ShopPurchase
from tests.factories.shop import a_member, a_store
from tests.support.shopping import assert_books_agree

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""

YEAR_LATER = datetime(2027, 11, 22, 16, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


def a_purchase(
    member_id: UUID, fen: int, *, at: datetime = NOON, number: str = "1"
) -> ShopPurchase:
    return ShopPurchase("till", number, member_id, None, fen, at)


async def record_all(purchases: Sequence[ShopPurchase]) -> Recorded:
    return await shop_purchases.record_many(
        purchases, rules=await rule_versions.in_force(now=purchases[0].at)
    )


async def held(member_id: UUID) -> tuple[int, int, int]:
    """Return spendable points, debt and growth."""
    balances = (await ledger.balances([member_id]))[member_id]
    kinds = (AccountKind.SPENDABLE, AccountKind.DEBT, AccountKind.GROWTH)
    return (balances[kinds[0]], balances[kinds[1]], balances[kinds[2]])


async def test_a_purchase_earns_at_once_and_for_a_year() -> None:
    member_id, store = await a_member(), await a_store()
    told = ShopPurchase("till", "4711", member_id, store, 12_345, NOON)
    purchase_id = await shop_purchases.record(told)
    row = await db.fetch_one("SELECT * FROM shop_purchase")
    assert row is not None
    assert (row["id"], row["member_id"], row["store_id"]) == (purchase_id, member_id, store)
    assert (row["amount_fen"], row["points"], row["growth"]) == (12_345, 123, 1_234)
    assert (row["tier_code"], row["purchased_at"], row["refunded_fen"]) == ("REGULAR", NOON, 0)
    lot = await db.fetch_one("SELECT earned, is_pending, expires_at FROM points_lot")
    assert lot is not None
    assert tuple(lot) == (123, False, YEAR_LATER)
    assert await held(member_id) == (123, 0, 1_234)


async def test_a_number_counts_once() -> None:
    member_id = await a_member()
    told = a_purchase(member_id, 10_000)
    first = await shop_purchases.record(told)
    assert await shop_purchases.record(told) == first
    assert await record_all([told, told, a_purchase(member_id, 500, number="2")]) == Recorded(
        1, 5, 50
    )
    assert await held(member_id) == (105, 0, 1_050)


async def test_each_purchase_earns_by_the_tier_that_those_before_reached() -> None:
    member_id = await a_member()
    purchases = [a_purchase(member_id, 30_000, number=str(number)) for number in range(3)]
    assert await record_all(purchases) == Recorded(3, 300 + 360 + 450, 9_000)
    rows = await db.fetch("SELECT tier_code, points FROM shop_purchase ORDER BY source_id")
    assert [tuple(row) for row in rows] == [("REGULAR", 300), ("SILVER", 360), ("GOLD", 450)]
    # The gifts of 100 and 300 points came when each tier was reached.
    entries = await db.fetch(
        "SELECT reason, delta FROM ledger_entry WHERE account_id = $1 ORDER BY seq",
        member_account(member_id, AccountKind.SPENDABLE),
    )
    assert [tuple(entry) for entry in entries] == [
        ("SHOP_PURCHASE", 300),
        ("TIER_GIFT", 100),
        ("SHOP_PURCHASE", 360),
        ("TIER_GIFT", 300),
        ("SHOP_PURCHASE", 450),
    ]


async def test_a_birthday_counts_and_a_visitor_earns_nothing() -> None:
    born, visitor = await a_member(birthday=date(1990, 11, 22)), await a_member(joined=False)
    assert await record_all(
        [a_purchase(born, 10_050, number="1"), a_purchase(visitor, 10_000, number="2")]
    ) == Recorded(2, 201, 1_005)
    assert await held(visitor) == (0, 0, 0)


async def test_an_account_that_is_blocked_records_nothing() -> None:
    fine, blocked = await a_member(), await a_member()
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", blocked)
    with pytest.raises(AccountBlocked):
        await record_all([a_purchase(fine, 100, number="1"), a_purchase(blocked, 100, number="2")])
    with pytest.raises(AccountBlocked):
        await shop_purchases.record(a_purchase(blocked, 100))
    assert await db.fetch_value("SELECT count(*) FROM shop_purchase") == 0


async def test_what_is_earned_repays_debt_first() -> None:
    member_id = await a_member()
    await points.take_back(
        member_id,
        150,
        earned_by=(SourceKind.ORDER, new_id()),
        source=(SourceKind.REFUND, new_id()),
        reason=EntryReason.ORDER_RETURNED,
        now=NOON,
    )
    await record_all([a_purchase(member_id, 10_000, number=str(each)) for each in (1, 2)])
    assert await held(member_id) == (50, 0, 2_000)
    await assert_books_agree()


# Days around a review, amounts around the tiers' thresholds.
_TOLD = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([1, 99, 4_321, 29_999, 30_000, 61_000]),
        st.sampled_from([0, 1, 2, 364, 366, 367, 732, 733]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=_TOLD, cut=st.integers(0, 12))
async def test_a_batch_is_what_single_purchases_are(
    told: list[tuple[int, int, int]], cut: int
) -> None:
    told = sorted(told, key=lambda each: each[2])
    together = [await a_member() for _ in range(3)]
    apart = [await a_member() for _ in range(3)]
    await owe(together[2], apart[2])
    batch = [bought(together, each, number) for number, each in enumerate(told)]
    for part in (batch[:cut], batch[cut:]):
        if part:
            await record_all(part)
    for number, each in enumerate(told):
        await shop_purchases.record(bought(apart, each, number))
    for one, other in zip(together, apart, strict=True):
        assert await story_of(one) == await story_of(other)
    await assert_books_agree()


def bought(members: list[UUID], told: tuple[int, int, int], number: int) -> ShopPurchase:
    who, fen, day = told
    at = NOON + timedelta(days=day, seconds=number)
    return ShopPurchase("till", f"{members[who]}-{number}", members[who], None, fen, at)


async def owe(*members: UUID) -> None:
    for member_id in members:
        await points.take_back(
            member_id,
            70,
            earned_by=(SourceKind.ORDER, new_id()),
            source=(SourceKind.REFUND, new_id()),
            reason=EntryReason.ORDER_RETURNED,
            now=NOON - timedelta(days=1),
        )


_STORY = (
    """
    SELECT kind, entry.seq, delta, balance_after, reason, entry.created_at
    FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = account_id
    WHERE member_id = $1 ORDER BY kind, entry.seq
    """,
    """
    SELECT reason, earned, remaining, expires_at, created_at FROM points_lot
    WHERE member_id = $1 ORDER BY created_at, id
    """,
    """
    SELECT tier_code, since, review_at, since_seq, cause, growth, period_growth FROM tier_term
    WHERE member_id = $1 ORDER BY id
    """,
    """
    SELECT tier_code, tier_floor_code, tier_since, tier_review_at, tier_since_seq, lifetime_growth
    FROM member WHERE id = $1
    """,
    """
    SELECT amount_fen, points, growth, tier_code, purchased_at FROM shop_purchase
    WHERE member_id = $1 ORDER BY purchased_at
    """,
    """
    SELECT tier_code, points FROM benefit_grant
    WHERE member_id = $1 AND benefit = 'UPGRADE_GIFT' ORDER BY id
    """,
)


async def story_of(member_id: UUID) -> list[Any]:
    """Return all that happened to a member, without ids."""
    return [[tuple(row) for row in await db.fetch(sql, member_id)] for sql in _STORY]


async def test_parts_that_come_back_take_what_the_whole_would() -> None:
    in_parts, at_once = await a_member(), await a_member()
    purchases = [
        await shop_purchases.record(a_purchase(member_id, 3_333, number=str(member_id)))
        for member_id in (in_parts, at_once)
    ]
    shares = [await bring_back(purchases[0], fen, str(fen)) for fen in (1_000, 333, 1, 1_999)]
    assert shares == [Returned(9, 99), Returned(4, 34), Returned(0, 0), Returned(20, 200)]
    assert await bring_back(purchases[1], 3_333, "all") == Returned(33, 333)
    assert await held(in_parts) == await held(at_once) == (0, 0, 0)
    await assert_books_agree()


async def test_a_return_counts_once_and_never_more_than_is_left() -> None:
    member_id = await a_member()
    purchase_id = await shop_purchases.record(a_purchase(member_id, 10_000))
    assert await bring_back(purchase_id, 4_000, "r1") == Returned(40, 400)
    assert await bring_back(purchase_id, 4_000, "r1") == Returned(40, 400)
    for too_much in (0, 6_001):
        with pytest.raises(NotThatMuchLeft):
            await bring_back(purchase_id, too_much, "r2")
    assert await held(member_id) == (60, 0, 600)


async def test_points_that_were_spent_become_debt_and_the_tier_falls() -> None:
    member_id = await a_member()
    purchase_id = await shop_purchases.record(a_purchase(member_id, 30_000))
    await points.spend(
        member_id,
        400,
        reason=EntryReason.REDEMPTION,
        source=(SourceKind.REDEMPTION, new_id()),
        now=NOON,
    )
    assert await bring_back(purchase_id, 30_000, "all") == Returned(300, 3_000)
    assert await held(member_id) == (0, 300, 0)
    tier = await db.fetch_value("SELECT tier_code FROM member WHERE id = $1", member_id)
    assert tier == "REGULAR"
    await assert_books_agree()


async def test_who_has_left_owes_nothing_for_what_comes_back() -> None:
    member_id = await a_member()
    purchase_id = await shop_purchases.record(a_purchase(member_id, 30_000))
    spent = (SourceKind.REDEMPTION, new_id())
    await points.spend(member_id, 250, reason=EntryReason.REDEMPTION, source=spent, now=NOON)
    await points.write_off(member_id, source=(SourceKind.LEAVING, member_id), now=NOON)
    await db.execute("UPDATE member SET status = 'LEFT' WHERE id = $1", member_id)
    for fen in (10_000, 20_000):
        await bring_back(purchase_id, fen, str(fen))
    assert await held(member_id) == (0, 0, 0)
    await assert_books_agree()


async def bring_back(purchase_id: UUID, fen: int, number: str) -> Returned:
    return await shop_purchases.give_back(
        purchase_id, fen, source="till", source_id=f"{purchase_id}-{number}", now=NOON
    )
