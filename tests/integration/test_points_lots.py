"""Points given, spent, returned, taken back and released, on real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.ledger import AccountKind, EntryReason, SourceKind
from domain.rules import DailyCapRules, PointsRules, Rules
from models import database as db
from models.ids import new_id
from services import ledger, points, points_expiry, rules
from services.ledger import InsufficientBalance
from services.points import Clawed, Grant
from tests.factories.shop import NOW, a_member
from tests.support.shopping import assert_books_agree
from tests.support.wallets import (
    DAY,
    a_refund,
    an_order,
    earn,
    give_back,
    held,
    left,
    pend,
    spend,
    take_back,
)

pytestmark = pytest.mark.usefixtures("database")

SPENDABLE, PENDING, DEBT = AccountKind.SPENDABLE, AccountKind.PENDING, AccountKind.DEBT


async def entries(member_id: UUID) -> list[tuple[str, int]]:
    """What came and went, oldest first."""
    rows = await db.fetch(
        """
        SELECT entry.reason, entry.delta FROM ledger_entry AS entry
        JOIN ledger_account AS account ON account.id = entry.account_id
        WHERE account.member_id = $1 AND account.kind = 'SPENDABLE' ORDER BY entry.seq
        """,
        member_id,
    )
    return [tuple(row) for row in rows]


async def earned(member_id: UUID) -> int:
    count: int = await db.fetch_value(
        "SELECT earned FROM ledger_account WHERE member_id = $1 AND kind = 'SPENDABLE'", member_id
    )
    return count


async def test_points_live_twelve_months_by_the_rules() -> None:
    member_id = await a_member()
    leap = datetime(2028, 2, 29, 4, 0, tzinfo=UTC)  # Noon in Shanghai.
    await earn(member_id, 10, now=leap)
    ends = await db.fetch_value("SELECT expires_at FROM points_lot")
    assert ends == datetime(2029, 2, 28, 16, 0, tzinfo=UTC)  # The first moment of 1 March.
    assert await points.spendable(member_id, now=ends - timedelta(microseconds=1)) == 10
    assert await points.spendable(member_id, now=ends) == 0


async def test_a_part_goes_back_into_the_lots_that_expire_last() -> None:
    member_id = await a_member()
    await earn(member_id, 100, days=10)
    await earn(member_id, 50, days=60)
    spent = await spend(member_id, 150)
    assert await give_back(member_id, 60, spent) == 60
    assert await left(member_id) == [10, 50]
    assert await give_back(member_id, 90, spent) == 90
    assert await left(member_id) == [100, 50]
    await assert_books_agree()


async def test_a_refund_returns_once_however_often_it_comes() -> None:
    member_id, refund = await a_member(points=100), a_refund()
    spent = await spend(member_id, 80)
    assert [await give_back(member_id, 30, spent, source=refund) for _ in range(3)] == [30, 0, 0]
    assert await held(member_id) == {SPENDABLE: 50}
    assert await left(member_id) == [50]
    await assert_books_agree()


async def test_more_than_was_spent_never_comes_back() -> None:
    member_id = await a_member(points=100)
    spent = await spend(member_id, 80)
    with pytest.raises(AssertionError, match="more than it spent"):
        await give_back(member_id, 81, spent)
    assert await held(member_id) == {SPENDABLE: 20}
    await assert_books_agree()


@pytest.mark.parametrize("job_ran", [False, True], ids=["job late", "job ran"])
async def test_a_lot_expired_between_use_and_return_comes_back_for_thirty_days(
    job_ran: bool,
) -> None:
    member_id = await a_member()
    await earn(member_id, 100, days=10)
    await earn(member_id, 50, days=60)
    spent = await spend(member_id, 120)
    later = NOW + 11 * DAY
    if job_ran:
        await points_expiry.expire_due(later)
    await give_back(member_id, 60, spent, now=later)
    rows = await db.fetch("SELECT remaining, expires_at FROM points_lot ORDER BY expires_at")
    assert [tuple(row) for row in rows] == [
        (0, NOW + 10 * DAY),
        (40, NOW + 41 * DAY),  # 20 of the living lot, and 40 that came late.
        (50, NOW + 60 * DAY),
    ]
    assert await points.spendable(member_id, now=later) == 90
    assert await points.spendable(member_id, now=NOW + 41 * DAY) == 50
    assert await earned(member_id) == 150  # What comes back is not earned again.
    await assert_books_agree()


async def test_what_is_left_of_a_lot_expires_though_a_part_came_back_late() -> None:
    member_id = await a_member()
    await earn(member_id, 100, days=10)
    spent = await spend(member_id, 70)
    later = NOW + 11 * DAY
    await give_back(member_id, 70, spent, now=later)  # The job is late: 30 are still booked.
    assert await held(member_id) == {SPENDABLE: 100}
    assert await points_expiry.expire_due(later) == 1
    assert await held(member_id) == {SPENDABLE: 70}
    await assert_books_agree()


async def test_pending_points_shrink_and_what_is_left_is_released() -> None:
    member_id = await a_member()
    order = await pend(member_id, 76)
    assert await take_back(member_id, 26, order) == Clawed(taken=26)
    assert await held(member_id) == {PENDING: 50}
    assert await earned(member_id) == 0
    at = NOW + 8 * DAY
    assert await points.release(member_id, source=order, at=at) == 50
    assert await held(member_id) == {SPENDABLE: 50}
    assert await earned(member_id) == 50
    row = await db.fetch_one("SELECT is_pending, expires_at FROM points_lot")
    assert tuple(row or ()) == (False, datetime(2027, 11, 30, 16, 0, tzinfo=UTC))
    assert await points.release(member_id, source=order, at=at) == 0
    await assert_books_agree()


async def test_nothing_is_released_when_all_was_taken_back() -> None:
    member_id = await a_member()
    order = await pend(member_id, 76)
    await take_back(member_id, 76, order)
    assert await points.release(member_id, source=order, at=NOW + 8 * DAY) == 0
    assert await points.release(member_id, source=order, at=NOW + 9 * DAY) == 0
    assert await held(member_id) == {}
    assert await db.fetch_value("SELECT expires_at FROM points_lot") == NOW + 8 * DAY
    await assert_books_agree()


async def test_clawing_back_takes_the_own_lot_then_what_expires_first_then_debt() -> None:
    member_id = await a_member()
    own = await earn(member_id, 30, days=100)
    await earn(member_id, 20, days=50)
    await earn(member_id, 10, days=10)
    await spend(member_id, 15)  # The 10, and 5 of the 20.
    assert await take_back(member_id, 25, own) == Clawed(taken=25)
    assert await left(member_id) == [0, 15, 5]
    assert await take_back(member_id, 25, own) == Clawed(taken=20, debt=5)
    assert await held(member_id) == {DEBT: 5}
    await assert_books_agree()


async def test_a_refund_takes_back_once_however_often_it_comes() -> None:
    member_id, refund = await a_member(), a_refund()
    own = await earn(member_id, 30)
    await spend(member_id, 25)
    outcomes = [await take_back(member_id, 20, own, source=refund) for _ in range(3)]
    assert outcomes == [Clawed(taken=5, debt=15), Clawed(), Clawed()]
    assert await held(member_id) == {DEBT: 15}
    await assert_books_agree()


@pytest.mark.parametrize("job_ran", [False, True], ids=["job late", "job ran"])
async def test_own_points_that_expired_are_not_clawed_back(job_ran: bool) -> None:
    member_id = await a_member()
    own = await earn(member_id, 100, days=10)
    await spend(member_id, 40)
    later = NOW + 11 * DAY
    await earn(member_id, 100, now=later)
    if job_ran:
        await points_expiry.expire_due(later)
    assert await take_back(member_id, 50, own, now=later) == Clawed(forgiven=50)
    assert await take_back(member_id, 50, own, now=later) == Clawed(taken=40, forgiven=10)
    assert await held(member_id) == {SPENDABLE: 60}
    await assert_books_agree()


async def test_what_was_let_go_is_let_go_once() -> None:
    member_id, refund = await a_member(), a_refund()
    own = await earn(member_id, 60, days=10)
    later = NOW + 11 * DAY
    for _ in range(2):
        await take_back(member_id, 30, own, source=refund, now=later)
    assert await db.fetch_value("SELECT forgiven FROM points_lot") == 30
    await assert_books_agree()


async def test_every_later_credit_repays_debt_first() -> None:
    member_id = await a_member()
    own = await earn(member_id, 100)
    spent = await spend(member_id, 100)
    await take_back(member_id, 100, own)
    assert await held(member_id) == {DEBT: 100}
    await earn(member_id, 30)
    assert await held(member_id) == {DEBT: 70}
    await give_back(member_id, 80, spent)
    assert await held(member_id) == {SPENDABLE: 10}
    assert (await entries(member_id))[2:] == [
        ("ORDER", 30),
        ("DEBT_REPAID", -30),
        ("ORDER_DEDUCTION_RETURNED", 80),
        ("DEBT_REPAID", -70),
    ]
    assert await earned(member_id) == 130
    await assert_books_agree()


async def test_points_that_are_released_repay_debt_first() -> None:
    member_id = await a_member()
    own = await earn(member_id, 100)
    await spend(member_id, 100)
    await take_back(member_id, 60, own)
    order = await pend(member_id, 76)
    assert await held(member_id) == {PENDING: 76, DEBT: 60}  # Pending ones can't repay.
    await points.release(member_id, source=order, at=NOW)
    assert await held(member_id) == {SPENDABLE: 16}
    await assert_books_agree()


async def test_partial_refunds_end_where_one_refund_of_everything_does() -> None:
    ends = []
    for parts in ([(150, 100)], [(60, 100), (90, 0)], [(10, 30), (100, 50), (40, 20)]):
        member_id = await a_member()
        own = await earn(member_id, 100)
        await earn(member_id, 70, days=5)
        spent = await spend(member_id, 150)
        for returned, clawed in parts:
            refund = a_refund()
            await give_back(member_id, returned, spent, source=refund)
            if clawed:
                await take_back(member_id, clawed, own, source=refund)
        ends.append(await held(member_id))
    assert ends == [{SPENDABLE: 70}] * 3
    await assert_books_agree()


async def test_spending_the_same_source_again_takes_nothing() -> None:
    member_id, order = await a_member(points=100), an_order()
    for _ in range(2):
        await spend(member_id, 70, source=order)
    assert await held(member_id) == {SPENDABLE: 30}
    await assert_books_agree()


async def test_a_refusal_to_spend_names_its_input_and_changes_nothing() -> None:
    member_id = await a_member(points=10)
    with pytest.raises(InsufficientBalance) as refused:
        await points.spend(
            member_id,
            11,
            reason=EntryReason.CHECK_IN_MAKE_UP,
            source=(SourceKind.CHECK_IN, new_id()),
            now=NOW,
            path=("date",),
        )
    assert refused.value.path == ("date",)
    assert await held(member_id) == {SPENDABLE: 10}
    assert await left(member_id) == [10]


async def _cap(reason: EntryReason, amount: int) -> None:
    capped = PointsRules(daily_caps=(DailyCapRules(reason.value, amount),))
    await rules.publish(replace(Rules(), points=capped), effective_at=NOW - DAY, now=NOW)


async def _review(member_id: UUID, amount: int, *, now: datetime = NOW) -> int:
    return await points.grant(
        member_id,
        amount,
        reason=EntryReason.REVIEW,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=now,
    )


async def test_a_day_gives_no_more_for_one_reason_than_its_cap() -> None:
    await _cap(EntryReason.REVIEW, 50)
    member_id, other_id = await a_member(), await a_member()
    assert [await _review(member_id, 20) for _ in range(4)] == [20, 20, 10, 0]
    assert await _review(other_id, 60) == 50
    await earn(member_id, 500)  # Another reason has no cap.
    assert await held(member_id) == {SPENDABLE: 550}
    midnight = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    assert await _review(member_id, 20, now=midnight - timedelta(microseconds=1)) == 0
    assert await _review(member_id, 20, now=midnight) == 20
    await assert_books_agree()


async def test_a_repetition_uses_up_nothing_of_the_cap() -> None:
    await _cap(EntryReason.REVIEW, 50)
    member_id, source = await a_member(), (SourceKind.ADJUSTMENT, new_id())
    given = [
        await points.grant(member_id, 20, reason=EntryReason.REVIEW, source=source, now=NOW)
        for _ in range(2)
    ]
    assert given == [20, 0]
    assert await _review(member_id, 40) == 30
    await assert_books_agree()


async def test_many_grants_at_once_are_what_one_by_one_would_be() -> None:
    await _cap(EntryReason.REVIEW, 5)
    plain, owing, reviewer = [await a_member() for _ in range(3)]
    own = await earn(owing, 40)
    await spend(owing, 40)
    await take_back(owing, 40, own)
    many = [
        Grant(plain, 10, EntryReason.TIER_GIFT, (SourceKind.TIER_GIFT, new_id())),
        Grant(plain, 15, EntryReason.BIRTHDAY, (SourceKind.BENEFIT, new_id()), NOW + DAY),
        Grant(owing, 50, EntryReason.TIER_GIFT, (SourceKind.TIER_GIFT, new_id())),
        Grant(reviewer, 9, EntryReason.REVIEW, (SourceKind.ADJUSTMENT, new_id())),
    ]
    assert [await points.grant_many(many, at=NOW) for _ in range(2)] == [80, 0]
    assert await held(plain) == {SPENDABLE: 25}
    assert await left(plain) == [15, 10]
    assert await held(owing) == {SPENDABLE: 10}
    assert await held(reviewer) == {SPENDABLE: 5}
    assert (await earned(plain), await earned(owing)) == (25, 90)
    await assert_books_agree()


async def test_many_transactions_of_one_account_follow_one_another() -> None:
    member_id = await a_member(points=100)
    await points.grant_many(
        [
            Grant(member_id, n, EntryReason.TIER_GIFT, (SourceKind.TIER_GIFT, new_id()))
            for n in (3, 1, 2)
        ],
        at=NOW,
    )
    rows = await db.fetch(
        "SELECT seq, delta, balance_after FROM ledger_entry WHERE seq IS NOT NULL ORDER BY seq"
    )
    assert [tuple(row) for row in rows] == [(1, 100, 100), (2, 3, 103), (3, 1, 104), (4, 2, 106)]
    await assert_books_agree()


async def test_leaving_ends_points_and_debt() -> None:
    member_id, other_id = await a_member(points=30), await a_member()
    await pend(member_id, 20)
    own = await earn(other_id, 40)
    await spend(other_id, 40)
    await take_back(other_id, 40, own)
    for each, ended in ((member_id, 30), (other_id, 0)):
        source = (SourceKind.LEAVING, new_id())
        outcomes = [await points.write_off(each, source=source, now=NOW) for _ in range(2)]
        assert outcomes == [ended, 0]
        assert await held(each) == {}
    await assert_books_agree()


async def test_wallets_are_locked_with_what_they_hold() -> None:
    one, two = await a_member(points=10), await a_member()
    await pend(two, 7)
    async with db.in_transaction():
        wallets = await ledger.lock_wallets([two, one])
        assert (wallets[one].spendable, wallets[one].pending, wallets[one].debt) == (10, 0, 0)
        assert (wallets[two].spendable, wallets[two].pending, wallets[two].growth) == (0, 7, 0)
        assert wallets[one].growth_seq == 0
